"""Deletes the time series of a device for good, in steps that can be interrupted."""

from __future__ import annotations

from django.db import connection

# What is kept of a device beside its own row, newest layer first.
TABLES = ("readings_dirty", "readings_daily", "readings_hourly")
# Each step is a transaction of its own, so that years of readings hold up nobody.
DAYS_AT_ONCE = 31


def delete_some(device_id: int) -> bool:
    """Delete the oldest month of readings of a device; whether there may be more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM readings_reading WHERE device_id = %s AND recorded_at <"
            " (SELECT min(recorded_at) FROM readings_reading WHERE device_id = %s)"
            " + make_interval(days => %s)",
            [device_id, device_id, DAYS_AT_ONCE],
        )
        return bool(cursor.rowcount)


def delete_rest(device_id: int) -> None:
    """Delete what came meanwhile, and what was made of the readings; in the caller's transaction.

    The caller has locked the row of the device, which every writer of readings locks.
    """
    while delete_some(device_id):
        pass
    with connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DELETE FROM {table} WHERE device_id = %s", [device_id])
