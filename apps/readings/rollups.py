"""Kept rollups: the only SQL over the time series that aggregates.

Per (device, sensor) there is a row an hour and a row a day, of UTC. Whoever changes readings
marks the hours dirty in the same transaction; a refresher takes the marks back. Answers stand on
what is kept where it is clean and on raw readings elsewhere, so that they are always the same as
from raw.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from psycopg2.extras import execute_values

from apps.readings.buckets import DAY, HOUR, Buckets
from apps.readings.literals import AHEAD, EARLIEST

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Squares of greater numbers leave the range of double precision and make PostgreSQL refuse the
# whole question: for mean, sum and deviation they count as this much.
GREATEST = "1e140"
CLAMPED = f"least(greatest(v, -{GREATEST}), {GREATEST})"
FETCHED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Function:
    """How one function of the API comes from raw readings, from kept rows, and from its parts.

    `raw` is over the value v and the time t, `kept` over the columns of a kept row, `merged` over
    the parts of a bucket: n readings from time `at` on, with x, and m2 where it is asked for.
    """

    raw: str
    kept: str
    merged: str
    raw_m2: str = "NULL::float8"
    kept_m2: str = "NULL::float8"


_MEAN = {"raw": f"avg({CLAMPED})", "kept": "mean"}
FUNCTIONS = {
    "avg": Function(**_MEAN, merged="sum(n * x) / sum(n)"),
    "max": Function("max(v)", "max", "max(x)"),
    "min": Function("min(v)", "min", "min(x)"),
    "sum": Function(**_MEAN, merged="sum(n * x)"),
    "count": Function("NULL::float8", "NULL::float8", "sum(n)::bigint"),
    # Chan's merge: the parts' own squares, and those of their means around the mean of all.
    "dev": Function(
        **_MEAN,
        merged="CASE WHEN sum(n) < 2 THEN 0 ELSE"
        " sqrt((sum(m2) + sum(n * (x - mean_of_all) ^ 2)) / (sum(n) - 1)) END",
        raw_m2=f"var_pop({CLAMPED}) * count(*)",
        kept_m2="m2",
    ),
    "first": Function("(array_agg(v ORDER BY t))[1]", "first", "(array_agg(x ORDER BY at))[1]"),
    "last": Function(
        "(array_agg(v ORDER BY t DESC))[1]", "last", "(array_agg(x ORDER BY at DESC))[1]"
    ),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One series over a range, `start` inclusive to `end` exclusive, in buckets."""

    device_id: int
    sensor_id: int
    start: datetime
    end: datetime
    buckets: Buckets
    function: str
    limit: int | None = None
    all_intervals: bool = False


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


def answer(question: Question) -> Iterator[list[tuple[Any, Any, int]]]:
    """Chunks of (start of bucket, value, number of readings), newest first.

    A bucket without readings is there with a value of None if all intervals are asked for. The
    rows come from one statement, which sees one state of the database.
    """
    sql, parameters = statement(question)
    possible = question.buckets.possible(parameters["lo"], parameters["hi"])
    if question.all_intervals:
        possible = question.buckets.possible(question.start, question.end)
    if min(possible, question.limit or possible) <= FETCHED_AT_ONCE:
        with connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            yield cursor.fetchall()
        return
    # The driver would take the whole answer at once: a cursor of the server hands out chunks. It
    # lives as long as its transaction, which ends with the last chunk.
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        with connection.cursor() as plain:
            # All rows will be fetched: the plan is not to be one that has the first ones soon.
            plain.execute("SET LOCAL cursor_tuple_fraction = 1")
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(FETCHED_AT_ONCE):
            yield rows


def statement(question: Question) -> tuple[str, dict[str, Any]]:
    """The SQL of an answer, and its parameters.

    Every table is asked for one device by a constant, so that a cluster answers from one shard;
    ranges are constants too, so that partitions are left out when it is planned.
    """
    function, buckets = FUNCTIONS[question.function], question.buckets
    parameters = _parameters(question)
    parts = [_raw_parts(question, function, parameters)]
    if buckets.of_hours:
        parts += _kept_parts(function, buckets, parameters)
    over = (
        ""
        if question.function != "dev"
        else (
            ", sum(n * x) OVER (PARTITION BY bucket) / sum(n) OVER (PARTITION BY bucket)"
            " AS mean_of_all"
        )
    )
    sql = (
        "WITH dirty AS MATERIALIZED (SELECT hour FROM readings_dirty WHERE device_id = %(device)s"
        " AND hour >= %(hour_0)s AND hour < %(hour_1)s),"
        " dirty_days AS MATERIALIZED (SELECT DISTINCT date_trunc('day', hour, 'UTC') AS day"
        " FROM dirty),"
        f" parts AS ({' UNION ALL '.join(parts)}),"
        f" answer AS (SELECT bucket, {function.merged} AS value, sum(n)::bigint AS n"
        f" FROM (SELECT *{over} FROM parts) AS p GROUP BY bucket)"
    )
    shown = "bucket"
    if buckets.rollup.shortest % timedelta(seconds=1):
        shown = "to_char(bucket AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
    if question.all_intervals:
        sql += (
            f", grid AS ({buckets.grid()} UNION SELECT bucket FROM answer)"
            f" SELECT {shown}, value, coalesce(n, 0) FROM grid LEFT JOIN answer USING (bucket)"
        )
    else:
        sql += f" SELECT {shown}, value, n FROM answer"
    return sql + " ORDER BY bucket DESC LIMIT %(limit)s", parameters


def positions(sensor_id: int) -> tuple[list[int], list[int]]:
    """The sets that hold a sensor, and its place in each, counted from 1."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, array_position(sensor_ids, %s::smallint) FROM readings_sensorset"
            " WHERE sensor_ids @> ARRAY[%s::smallint]",
            [sensor_id, sensor_id],
        )
        rows = cursor.fetchall()
    return [id_ for id_, _ in rows], [place for _, place in rows]


def _parameters(question: Question) -> dict[str, Any]:
    """The bounds of the parts: readings lie in [lo, hi), full hours and days of it are kept."""
    # No reading is earlier or later: bounds beyond would only make arithmetic overflow.
    lo = max(question.start, EARLIEST)
    hi = max(lo, min(question.end, timezone.now() + 2 * AHEAD))
    bounds = {}
    for name, length in ("hour", HOUR), ("day", DAY):
        first = EPOCH - (EPOCH - lo) // length * length
        last = EPOCH + (hi - EPOCH) // length * length
        # Where no full one fits there is no kept part, and the raw ends meet.
        bounds[name] = (first, last) if first < last else (hi, hi)
    hours, days = bounds["hour"], bounds["day"]
    if not question.buckets.of_days or days[0] == days[1]:
        days = (hours[1], hours[1])
    sets, places = positions(question.sensor_id)
    return {
        "device": question.device_id,
        "sensor": question.sensor_id,
        "sets": sets,
        "places": places,
        "start": question.start,
        "end": question.end,
        "lo": lo,
        "hi": hi,
        "hour_0": hours[0],
        "hour_1": hours[1],
        "day_0": days[0],
        "day_1": days[1],
        "limit": question.limit,
        **question.buckets.parameters,
    }


def _raw_parts(question: Question, function: Function, parameters: dict[str, Any]) -> str:
    """SQL: parts from raw readings: all of the range, or its ragged ends and dirty hours."""
    select = (
        'SELECT recorded_at AS t, r."values"[s.place] AS v FROM readings_reading r'
        " JOIN unnest(%(sets)s::int[], %(places)s::int[]) AS s (id, place)"
        " ON s.id = r.sensor_set_id"
    )
    where = "WHERE r.device_id = %(device)s AND r.recorded_at >= {} AND r.recorded_at < {}"
    if question.buckets.of_hours:
        sources = [
            f"{select} {where.format('%(lo)s', '%(hour_0)s')}",
            f"{select} {where.format('%(hour_1)s', '%(hi)s')}",
            f"{select} JOIN dirty ON r.recorded_at >= dirty.hour"
            f" AND r.recorded_at < dirty.hour + interval '1 hour'"
            f" {where.format('%(hour_0)s', '%(hour_1)s')}",
        ]
        by_hour = ", date_trunc('hour', t, 'UTC')"
    else:
        sources, by_hour = [f"{select} {where.format('%(lo)s', '%(hi)s')}"], ""
    return (
        f"SELECT {question.buckets.start('t')} AS bucket, min(t) AS at, count(*) AS n,"
        f" {function.raw} AS x, {function.raw_m2} AS m2"
        f" FROM ({' UNION ALL '.join(sources)}) AS raw GROUP BY 1{by_hour}"
    )


def _kept_parts(function: Function, buckets: Buckets, parameters: dict[str, Any]) -> list[str]:
    """SQL: parts from kept hours, and from kept days where buckets are made of them."""
    select = (
        f"SELECT {buckets.start('bucket')}, bucket, count::bigint, {function.kept},"
        f" {function.kept_m2} FROM"
    )
    hourly, daily = f"{select} readings_hourly", f"{select} readings_daily"
    where = "WHERE device_id = %(device)s AND sensor_id = %(sensor)s"
    between = "AND bucket >= %(day_0)s AND bucket < %(day_1)s"
    clean = "AND bucket NOT IN (SELECT hour FROM dirty)"
    parts = [
        f"{hourly} {where} AND bucket >= %(hour_0)s AND bucket < %(day_0)s {clean}",
        f"{hourly} {where} AND bucket >= %(day_1)s AND bucket < %(hour_1)s {clean}",
    ]
    if parameters["day_0"] < parameters["day_1"]:
        parts += [
            f"{daily} {where} {between} AND bucket NOT IN (SELECT day FROM dirty_days)",
            f"{hourly} JOIN dirty_days ON bucket >= day AND bucket < day + interval '1 day'"
            f" {where} {between} {clean}",
        ]
    return parts
