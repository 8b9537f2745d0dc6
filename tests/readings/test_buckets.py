"""Buckets as they are counted, before any is asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.readings.buckets import Buckets, Rollup

START = datetime(2024, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "zone", "start", "hours", "most"),
    [
        ("1h", "UTC", START, 24, 24),
        ("4h", "UTC", START, 24, 6),
        ("1d", "Europe/Madrid", datetime(2023, 12, 31, 23, tzinfo=UTC), 366 * 24, 366),
        ("1M", "Europe/Madrid", datetime(2023, 12, 31, 23, tzinfo=UTC), 366 * 24, 12),
        # Clocks are set back on 27 October: the hour that they show twice is two buckets
        ("1h", "Europe/Madrid", START, 626, 626),
        # Lord Howe changes by half an hour on 6 October, which cuts an hour in two
        ("1h", "Australia/Lord_Howe", START + timedelta(minutes=30), 14 * 24, 14 * 24 + 1),
        # From 01:50 to 01:10, local: the first time of the clock and its second one
        ("90m", "America/New_York", datetime(2024, 11, 3, 5, 50, tzinfo=UTC), 1 / 3, 2),
        ("1h", "UTC", START, 0, 0),
    ],
)
def test_possible_buckets_are_counted_and_never_too_few(
    written: str, zone: str, start: datetime, hours: float, most: int
) -> None:
    buckets = Buckets(Rollup.parse(written), zone)
    assert buckets.possible(start, start + timedelta(hours=hours)) == most
