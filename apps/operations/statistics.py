"""What the planner of PostgreSQL knows of the tables, after many rows came at once."""

from __future__ import annotations

from django.db import connection


def renew() -> None:
    """Count the rows of all tables, as autovacuum will: until then plans are for empty ones.

    A table that autovacuum is at is left to it: waiting for it would end at the lock timeout.
    """
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE (SKIP_LOCKED)")
