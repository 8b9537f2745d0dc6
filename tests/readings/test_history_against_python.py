"""Rolled-up history, whatever is kept or dirty, against plain Python over the raw values."""

from __future__ import annotations

import contextlib
import math
import os
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.devices.models import Device
from apps.readings import corrections, history, ingest, refresher, rollups
from apps.readings.buckets import LENGTHS, Buckets, Rollup
from apps.readings.keys import Row
from apps.readings.models import DirtyHour, KeptDay, KeptHour, Reading

# `make test-long` tries many more
EXAMPLES = int(os.environ.get("HISTORY_EXAMPLES", "25"))
ZONES = ["UTC", "Europe/Madrid", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe"]
SENSORS = [7, 12]
# Around the end of summer time in Madrid, New York and the beginning in Lord Howe; all in the past
BASE = datetime(2024, 10, 1, tzinfo=UTC)
SPAN = 45 * 86_400_000

moments = st.one_of(
    st.integers(0, SPAN).map(lambda ms: BASE + timedelta(milliseconds=ms)),
    st.integers(0, 45 * 24).map(lambda hours: BASE + timedelta(hours=hours)),
    st.integers(0, 600).map(lambda minutes: BASE + timedelta(days=25, minutes=10 * minutes)),
)
values = st.one_of(st.floats(-50, 50).map(lambda v: round(v, 3)), st.floats(101_300, 101_330))
posts = st.lists(
    st.tuples(moments, st.dictionaries(st.sampled_from(SENSORS), values, min_size=1)),
    min_size=1,
    max_size=30,
)
removals = st.tuples(moments, moments, st.sampled_from([None, 7, 12, 99]))
acts = st.lists(st.one_of(posts, posts, removals, st.just("refresh")), min_size=1, max_size=6)
lengths = st.sampled_from(
    ["500ms", "1s", "7m", "10m", "90m", "1h", "4h", "6h", "1d", "2d", "1w", "1M", "2M", "1y"]
)
questions = st.lists(
    st.tuples(
        lengths,
        st.sampled_from(ZONES),
        moments,
        moments,
        st.booleans(),
        st.one_of(st.none(), st.integers(1, 20)),
        st.sampled_from([None, None, "90m", "36h", "10d", "2w", "1M", "3M", "1y"]),
    ),
    min_size=1,
    max_size=4,
)


def bucket_of(moment: datetime, rollup: Rollup, zone: str) -> datetime:
    """The contract's rule in plain Python."""
    local = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    origin = datetime(1970, 1, 5 if rollup.unit == "w" else 1)
    if rollup.months:
        months = (local.year - 1970) * 12 + local.month - 1
        year, month = divmod(months // rollup.months * rollup.months, 12)
        begun = datetime(1970 + year, month + 1, 1)
    else:
        length = rollup.n * LENGTHS[rollup.unit]
        begun = origin + (local - origin) // length * length
        if length <= timedelta(hours=1):
            return moment - (local - begun)
    place = ZoneInfo(zone)
    # A time that the clock shows twice is its second one, one that it skips lies after the gap.
    return max(begun.replace(tzinfo=place, fold=fold).astimezone(UTC) for fold in (0, 1))


def plainly(function: str, series: Sequence[float]) -> float:
    """A function of the API over the values of a bucket, in the order of their times."""
    return {
        "avg": lambda: math.fsum(series) / len(series),
        "max": lambda: max(series),
        "min": lambda: min(series),
        "sum": lambda: math.fsum(series),
        "count": lambda: len(series),
        "dev": lambda: statistics.stdev(series) if len(series) > 1 else 0.0,
        "first": lambda: series[0],
        "last": lambda: series[-1],
    }[function]()


def ask(question: rollups.Question) -> list[tuple[Any, Any, int]]:
    """The whole answer, its times as times."""
    rows = [row for chunk in rollups.answer(question) for row in chunk]
    return [
        (datetime.fromisoformat(at) if isinstance(at, str) else at, value, n)
        for at, value, n in rows
    ]


def assert_same(device: Device, truth: dict[datetime, dict[int, float]], asked: Any) -> None:
    """Every function over one range, rollup and zone says what Python says."""
    length, zone, one, other, all_intervals, limit, relative = asked
    start, end = min(one, other), max(one, other)
    if relative:
        start = history.read_relative(relative, end)
        assert start == plainly_before(relative, end)
    rollup = Rollup.parse(length)
    for sensor_id in SENSORS:
        series: dict[datetime, list[float]] = defaultdict(list)
        for at in sorted(truth):
            if start <= at < end and sensor_id in truth[at]:
                series[bucket_of(at, rollup, zone)].append(truth[at][sensor_id])
        for function in rollups.FUNCTIONS:
            grid = all_intervals and rollup.shortest >= timedelta(hours=1)
            question = rollups.Question(
                device.pk, sensor_id, start, end, Buckets(rollup, zone), function, None, grid
            )
            found = ask(question)
            if limit and function == "max":
                assert ask(replace(question, limit=limit)) == found[:limit]
            times = [at for at, _, _ in found]
            assert times == sorted(set(times), reverse=True)
            filled = [row for row in found if row[2]]
            assert [(at, n) for at, _, n in filled] == [
                (at, len(series[at])) for at in sorted(series, reverse=True)
            ]
            for at, value, _ in filled:
                size = max(abs(v) for v in series[at])
                assert value == pytest.approx(
                    plainly(function, series[at]), rel=1e-9, abs=1e-12 * size * len(series[at])
                ), (function, asked)
            if grid:
                assert all(value is None for _, value, n in found if not n)
                assert len(found) <= Buckets(rollup, zone).possible(start, end)


def plainly_before(relative: str, end: datetime) -> datetime:
    """The time that lies so long before; months keep the day, or take the last that there is."""
    n, unit = int(relative[:-1]), relative[-1]
    if unit not in "yM":
        return end - n * LENGTHS[unit]
    year, month = divmod(end.year * 12 + end.month - 1 - n * (12 if unit == "y" else 1), 12)
    for day in range(end.day, 0, -1):
        with contextlib.suppress(ValueError):
            return end.replace(year=year, month=month + 1, day=day)
    raise AssertionError


def remove(truth: dict[datetime, dict[int, float]], removal: Any) -> int:
    """Take readings away in plain Python; returns how many changed."""
    one, other, sensor_id = removal
    changed = 0
    for at in [at for at in truth if min(one, other) <= at < max(one, other)]:
        gone = set(truth[at]) if sensor_id is None else truth[at].keys() & {sensor_id}
        changed += bool(gone)
        truth[at] = {id_: value for id_, value in truth[at].items() if id_ not in gone}
        if not truth[at]:
            del truth[at]
    return changed


def assert_newest(device: Device, truth: dict[datetime, dict[int, float]]) -> None:
    """The row of the device says what the two newest readings of each sensor are."""
    device.refresh_from_db()
    assert device.last_reading_at == max(truth, default=None)
    newest = {}
    for sensor_id in SENSORS:
        times = sorted((at for at in truth if sensor_id in truth[at]), reverse=True)[:2]
        said = [(truth[at][sensor_id], at.timestamp()) for at in times]
        if said:
            newest[sensor_id] = (said + [(None, None)])[:2]
    assert newest == {
        sensor_id: [(held.value, held.at), (held.prev_value, held.prev_at)]
        for sensor_id, held in device.newest.sensors.items()
    }


@pytest.fixture
def clean_marks(device: Device) -> Device:
    """A device without readings; hypothesis runs many examples within one test."""
    return device


@settings(
    max_examples=EXAMPLES,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=acts, questions=questions)
def test_every_answer_equals_the_one_from_raw(
    clean_marks: Device, acts: list[Any], questions: list[Any]
) -> None:
    device = clean_marks
    for model in (Reading, KeptHour, KeptDay, DirtyHour):
        model.objects.filter(device_id=device.pk).delete()
    Device.objects.filter(pk=device.pk).update(latest=None, last_reading_at=None)
    truth: dict[datetime, dict[int, float]] = {}
    for act in acts:
        if act == "refresh":
            refresher.refresh_due(60)
        elif isinstance(act, tuple):
            one, other, sensor_id = act
            span = corrections.Span(device.pk, min(one, other), max(one, other), sensor_id)
            assert corrections.delete_some(span) == (remove(truth, act), None)
        else:
            rows = []
            for index, (at, named) in enumerate(act):
                rows.append(Row(index, at, {id_: (v, None) for id_, v in named.items()}))
                truth[at] = truth.get(at, {}) | named
            ingest.store(device.pk, rows)
        assert_newest(device, truth)
        assert_same(device, truth, questions[0])
    for asked in questions:
        assert_same(device, truth, asked)
    call_command("rollups", "--check", verbosity=0)
