"""PostgreSQL as Django has it, with a check of each connection that costs no round trip."""
