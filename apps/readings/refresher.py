"""Brings kept rollups up to date with the readings, and compares the two."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, close_old_connections, connection, transaction
from django.utils import timezone

from apps.api.database_errors import unreachable
from apps.devices import world_map
from apps.devices.models import Device
from apps.readings import sensor_sets
from apps.readings.buckets import HOUR
from apps.readings.rollups import CLAMPED

logger = logging.getLogger(__name__)

# An hour is refreshed when most of its posts are in. Refreshing an open one at every post would
# cost more than the answers that take it from raw.
GRACE = timedelta(minutes=5)
HOURS_AT_ONCE = 500
# How long a refresher looks away when nothing waits, and the longest it leaves a database alone
# that is away. It can be told to leave after each turn.
PAUSE, LONGEST_PAUSE = 2.0, 16.0
TURN_SECONDS = 5.0

COLUMNS = "device_id, bucket, mean, m2, min, max, first, last, count, sensor_id"
# One row a value of the hours asked for; each hour is found by the key, however far apart.
RAW_HOURS = f"""
SELECT %(device)s::bigint AS device_id, hour AS bucket, avg({CLAMPED}) AS mean,
    var_pop({CLAMPED}) * count(*) AS m2, min(v) AS min, max(v) AS max,
    (array_agg(v ORDER BY t))[1] AS first, (array_agg(v ORDER BY t DESC))[1] AS last,
    count(*)::integer AS count, sensor_id
FROM (
    SELECT h.hour, s.sensor_id, r.recorded_at AS t, r."values"[s.place] AS v
    FROM unnest(%(hours)s::timestamptz[]) AS h (hour)
    JOIN readings_reading r
        ON r.recorded_at >= h.hour AND r.recorded_at < h.hour + interval '1 hour'
    JOIN unnest(%(sets)s::int[], %(places)s::int[], %(sensors)s::smallint[])
        AS s (id, place, sensor_id) ON s.id = r.sensor_set_id
    WHERE r.device_id = %(device)s AND r.recorded_at >= %(lo)s AND r.recorded_at < %(hi)s
) AS raw GROUP BY hour, sensor_id
"""
# Chan's merge of the hours of a day, around the mean of all.
HOURS_AS_DAYS = """
SELECT device_id, day AS bucket, sum(count * mean) / sum(count) AS mean,
    sum(m2) + sum(count * (mean - mean_of_all) ^ 2) AS m2, min(min) AS min, max(max) AS max,
    (array_agg(first ORDER BY bucket))[1] AS first,
    (array_agg(last ORDER BY bucket DESC))[1] AS last, sum(count)::integer AS count, sensor_id
FROM (
    SELECT *, date_trunc('day', bucket, 'UTC') AS day, sum(count * mean) OVER same / sum(count)
        OVER same AS mean_of_all
    FROM readings_hourly
    WHERE device_id = %(device)s AND date_trunc('day', bucket, 'UTC') = ANY (%(days)s)
        AND bucket >= %(lo)s AND bucket < %(hi)s
    WINDOW same AS (PARTITION BY sensor_id, date_trunc('day', bucket, 'UTC'))
) AS hours GROUP BY device_id, day, sensor_id
"""


def refresh_due(seconds: float, now: datetime | None = None) -> int:
    """Refresh what is dirty and closed for so many seconds at most; returns how many hours.

    Devices take turns, some hundred hours each, so that a memory card of years does not keep the
    others waiting. Safe with several at once and when killed: each turn is one transaction.
    """
    now, until, refreshed = now or timezone.now(), time.monotonic() + seconds, 0
    failed: set[int] = set()
    while devices := [id_ for id_ in _waiting(now) if id_ not in failed]:
        for device_id in devices:
            if time.monotonic() > until:
                return refreshed
            try:
                refreshed += refresh(device_id, now)
            except Exception as error:  # one device must not keep the others back
                if unreachable(error) and _is_lost():
                    raise
                failed.add(device_id)
                logger.exception("rollups of device %s were not refreshed", device_id)
    return refreshed


class Follower:
    """Refreshes what becomes dirty, and the world map, turn by turn, until it is told to leave.

    It looks, instead of being told by ingest: `NOTIFY` makes all commits take turns. A look is one
    query that reads the marks alone.
    """

    def __init__(self) -> None:
        self.leaving = False
        self.pause = PAUSE

    def leave(self) -> None:
        """End after the turn that is under way."""
        self.leaving = True

    def run(self) -> None:
        """Take turns; seconds pass between those that found nothing to do."""
        while not self.leaving:
            if not self.turn():
                time.sleep(self.pause)

    def turn(self) -> int:
        """Refresh for some seconds at most; how many hours, 0 where the database is away."""
        close_old_connections()
        try:
            refreshed = refresh_due(TURN_SECONDS)
            world_map.renew()
        except (DatabaseError, InterfaceError) as error:
            if not unreachable(error):
                raise
            self.pause = min(self.pause * 2, LONGEST_PAUSE)
            logger.warning("rollups wait, next try in %.0f s: %s", self.pause, error)
            return 0
        if self.pause > PAUSE:
            self.pause = PAUSE
            logger.warning("rollups are refreshed again")
        return refreshed


@transaction.atomic
def refresh(device_id: int, now: datetime) -> int:
    """Refresh up to `HOURS_AT_ONCE` closed hours of a device, oldest first, and their days."""
    # Writers of the device wait for this lock, and we for theirs: no mark comes in between.
    list(Device.objects.select_for_update(no_key=True).filter(pk=device_id).values_list("pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT hour FROM readings_dirty WHERE device_id = %s AND hour < %s"
            " ORDER BY hour LIMIT %s",
            [device_id, closed_before(now), HOURS_AT_ONCE],
        )
        hours = [hour for (hour,) in cursor.fetchall()]
        if hours:
            _replace_hours(cursor, device_id, hours)
            _replace_days(cursor, device_id, {_day(hour) for hour in hours})
    return len(hours)


def mark_all() -> int:
    """Mark every hour that has readings or is kept; returns how many of them were clean."""
    marked = 0
    for source in (
        "SELECT DISTINCT device_id, date_trunc('hour', recorded_at, 'UTC') FROM readings_reading",
        "SELECT DISTINCT device_id, bucket FROM readings_hourly",
        "SELECT DISTINCT device_id, bucket FROM readings_daily",
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO readings_dirty (device_id, hour) {source} ON CONFLICT DO NOTHING"
            )
            marked += cursor.rowcount
    return marked


def differences(device_id: int) -> Iterator[str]:
    """What is kept of a device, where clean, and is not what its readings come to: in words."""
    with transaction.atomic(), connection.cursor() as cursor:
        # Neither a writer nor a refresher comes in between.
        list(Device.objects.select_for_update(no_key=True).filter(pk=device_id).values_list("pk"))
        dirty = _column(cursor, "SELECT hour FROM readings_dirty WHERE device_id = %s", device_id)
        hours = _column(
            cursor,
            "SELECT DISTINCT date_trunc('hour', recorded_at, 'UTC') FROM readings_reading"
            " WHERE device_id = %s",
            device_id,
        )
        clean, dirty_days = sorted(hours - dirty), {_day(hour) for hour in dirty}
        kept = _kept(cursor, "hourly", device_id)
        expected: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        for at in range(0, len(clean), HOURS_AT_ONCE):
            chunk = clean[at : at + HOURS_AT_ONCE]
            cursor.execute(RAW_HOURS, _of_hours(cursor, device_id, chunk))
            expected |= {(row[9], row[1]): row[2:9] for row in cursor.fetchall()}
        kept_clean = {key: row for key, row in kept.items() if key[1] not in dirty}
        yield from _compared("hour", device_id, kept_clean, expected)
        days = sorted({_day(hour) for _, hour in kept} - dirty_days)
        cursor.execute(HOURS_AS_DAYS, _of_days(device_id, days))
        merged = {(row[9], row[1]): row[2:9] for row in cursor.fetchall()}
        daily = _kept(cursor, "daily", device_id)
        daily = {key: row for key, row in daily.items() if key[1] not in dirty_days}
        yield from _compared("day", device_id, daily, merged)


def devices() -> list[int]:
    """Every device with readings or rollups, whether or not it still is there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT device_id FROM readings_reading"
            " UNION SELECT DISTINCT device_id FROM readings_hourly ORDER BY 1"
        )
        return [device_id for (device_id,) in cursor.fetchall()]


def _replace_hours(cursor: Any, device_id: int, hours: list[datetime]) -> None:
    """Make kept hours from raw again, and take their marks back."""
    cursor.execute(
        "DELETE FROM readings_hourly WHERE device_id = %s AND bucket = ANY (%s)", [device_id, hours]
    )
    cursor.execute(
        f"INSERT INTO readings_hourly ({COLUMNS}) {RAW_HOURS} ORDER BY sensor_id, bucket",
        _of_hours(cursor, device_id, hours),
    )
    cursor.execute(
        "DELETE FROM readings_dirty WHERE device_id = %s AND hour = ANY (%s)", [device_id, hours]
    )


def _replace_days(cursor: Any, device_id: int, days: set[datetime]) -> None:
    """Make kept days again, but for those with a dirty hour, which nobody reads meanwhile."""
    waiting = _column(cursor, "SELECT hour FROM readings_dirty WHERE device_id = %s", device_id)
    clean = sorted(days - {_day(hour) for hour in waiting})
    if clean:
        cursor.execute(
            "DELETE FROM readings_daily WHERE device_id = %s AND bucket = ANY (%s)",
            [device_id, clean],
        )
        cursor.execute(
            f"INSERT INTO readings_daily ({COLUMNS}) {HOURS_AS_DAYS}", _of_days(device_id, clean)
        )


def _of_hours(cursor: Any, device_id: int, hours: list[datetime]) -> dict[str, Any]:
    """The parameters of RAW_HOURS."""
    lo, hi = min(hours), max(hours) + HOUR
    cursor.execute(
        "SELECT DISTINCT sensor_set_id FROM readings_reading"
        " WHERE device_id = %s AND recorded_at >= %s AND recorded_at < %s",
        [device_id, lo, hi],
    )
    members = sensor_sets.members(set_id for (set_id,) in cursor.fetchall())
    places = [
        (set_id, place, sensor_id)
        for set_id, sensor_ids in members.items()
        for place, sensor_id in enumerate(sensor_ids, 1)
    ]
    return {
        "device": device_id,
        "hours": hours,
        "lo": lo,
        "hi": hi,
        "sets": [set_id for set_id, _, _ in places],
        "places": [place for _, place, _ in places],
        "sensors": [sensor_id for _, _, sensor_id in places],
    }


def _of_days(device_id: int, days: list[datetime]) -> dict[str, Any]:
    """The parameters of HOURS_AS_DAYS."""
    nothing = datetime(1970, 1, 1, tzinfo=UTC)
    return {
        "device": device_id,
        "days": days,
        "lo": min(days, default=nothing),
        "hi": max(days, default=nothing) + timedelta(days=1),
    }


def _kept(cursor: Any, table: str, device_id: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """What is kept of a device, by sensor and bucket."""
    cursor.execute(f"SELECT {COLUMNS} FROM readings_{table} WHERE device_id = %s", [device_id])
    return {(row[9], row[1]): row[2:9] for row in cursor.fetchall()}


def _compared(
    name: str,
    device_id: int,
    kept: dict[tuple[Any, ...], tuple[Any, ...]],
    expected: dict[tuple[Any, ...], tuple[Any, ...]],
) -> Iterator[str]:
    """A line for each bucket that is missing, too many, or says something else."""
    for key in sorted(kept.keys() | expected.keys()):
        place = f"device {device_id}, sensor {key[0]}, {name} {key[1]:%Y-%m-%dT%H:%MZ}"
        if key not in kept:
            yield f"{place}: is not kept"
        elif key not in expected:
            yield f"{place}: is kept, but has no readings"
        elif kept[key] != expected[key]:
            yield f"{place}: kept {kept[key]}, from its readings {expected[key]}"


def _waiting(now: datetime) -> list[int]:
    """The devices with closed hours that are dirty."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT device_id FROM readings_dirty WHERE hour < %s", [closed_before(now)]
        )
        return [device_id for (device_id,) in cursor.fetchall()]


def closed_before(now: datetime) -> datetime:
    """The start of the hour that is still open: those before it are closed."""
    return (now - GRACE).astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _day(hour: datetime) -> datetime:
    return hour.astimezone(UTC).replace(hour=0)


def _is_lost() -> bool:
    """Whether there is no connection any more, rather than a lock that was not to be had."""
    return connection.connection is None or not connection.is_usable()


def _column(cursor: Any, sql: str, device_id: int) -> set[datetime]:
    cursor.execute(sql, [device_id])
    return {value for (value,) in cursor.fetchall()}
