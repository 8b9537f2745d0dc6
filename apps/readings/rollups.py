"""Kept rollups: the only SQL over the time series that aggregates.

Per (device, sensor) there is a row an hour and a row a day, of UTC. Whoever changes readings
marks the hours dirty in the same transaction; a refresher takes the marks back. Answers stand on
what is kept where it is clean and on raw readings elsewhere, so that they are always the same as
from raw.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.backends.utils import CursorWrapper
from psycopg2.extras import execute_values


def mark(cursor: CursorWrapper, device_id: int, times: Iterable[datetime]) -> None:
    """Say that what is kept of these times no longer holds; they need not be full hours.

    Belongs in the transaction that changes the readings, which holds the device's row lock: the
    refresher takes the same lock, so that no mark is lost. One statement; hours that are marked
    already, as that of a device that posts each minute mostly is, write nothing.
    """
    hours = sorted({time.replace(minute=0, second=0, microsecond=0) for time in times})
    execute_values(
        cursor.cursor,
        "INSERT INTO readings_dirty (device_id, hour) VALUES %s"
        " ON CONFLICT (device_id, hour) DO NOTHING",
        [(device_id, hour) for hour in hours],
        page_size=10_000,
    )
