"""Monthly partitions of the readings table: made ahead of time, and on demand for late data."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from time import monotonic

from django.db import OperationalError, connection, transaction

Month = tuple[int, int]

# Any two processes that make partitions at once take turns by this advisory lock.
MAKING = 7_203_002

# Months known to have a partition. Partitions are not dropped while the server runs; if one were,
# its readings would go to the default partition, and `ensure` would move them when asked again.
_existing: set[Month] = set()
# When a month that could not be made may be tried again, by the monotonic clock
_not_before: dict[Month, float] = {}
PAUSE = 60


def ensure(times: Iterable[datetime]) -> None:
    """Make the partitions that readings of these UTC times need, where they are missing.

    Called outside the transaction that writes the readings: attaching a partition locks the
    default one, for other writers too, until that transaction ends. A reading that finds no
    partition is kept in the default one, and moves when its month is made. Raises
    OperationalError where that lock is not to be had, as during a backup; it is tried again
    after a pause.
    """
    months = {(time.year, time.month) for time in times}
    missing = {month for month in months - _existing if _not_before.get(month, 0) <= monotonic()}
    if not missing:
        return
    for month in sorted(missing - _found()):
        try:
            with transaction.atomic():
                _make(month)
        except OperationalError:
            _not_before[month] = monotonic() + PAUSE
            raise
    if not connection.in_atomic_block:
        _existing.update(missing)


def ahead(now: datetime, months: int = 3) -> None:
    """Make the partitions of this month and the next ones; the worker does so every day."""
    day = now.replace(day=15)
    ensure(day + timedelta(days=30 * step) for step in range(months))


def _found() -> set[Month]:
    """The months that have a partition in the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'readings_reading'::regclass"
            " AND c.relname ~ '^readings_reading_[0-9]{4}_[0-9]{2}$'"
        )
        names = [name for (name,) in cursor.fetchall()]
    return {(int(name[-7:-3]), int(name[-2:])) for name in names}


def _make(month: Month) -> None:
    """Make one partition, move into it what the default partition holds of it, and attach it."""
    year, number = month
    table = f"readings_reading_{year:04d}_{number:02d}"
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        # Whoever waits for this lock holds up everyone behind him: better not to wait long.
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MAKING])
        cursor.execute("SELECT to_regclass(%s)", [table])
        if cursor.fetchone() != (None,):
            return
        # All at once, and first: to read it now and lock it later could end in a deadlock.
        cursor.execute("LOCK TABLE readings_reading_default IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"CREATE TABLE {table} (LIKE readings_reading INCLUDING ALL)")
        # Each device's keys come in order: room on full pages is hardly ever used.
        cursor.execute(f"ALTER INDEX {table}_pkey SET (fillfactor = 100)")
        cursor.execute(
            "WITH moved AS (DELETE FROM readings_reading_default"
            " WHERE recorded_at >= %s AND recorded_at < %s RETURNING *)"
            f" INSERT INTO {table} SELECT * FROM moved",
            [start, end],
        )
        cursor.execute(
            f"ALTER TABLE readings_reading ATTACH PARTITION {table} FOR VALUES FROM (%s) TO (%s)",
            [start, end],
        )
