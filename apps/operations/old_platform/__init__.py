"""The migration from the old platform: its tables as CSV become ours (docs/migration.md)."""
