"""Raw readings in order: the same as a plain filter, and without opening every partition."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import exports, ingest, partitions, raw, refresher, sensor_sets
from apps.readings.history import Range
from apps.readings.keys import Row
from apps.readings.models import DirtyHour, KeptDay, KeptHour, Reading
from apps.readings.raw import Series
from tests.readings.plans import explain, relations

BASE = datetime(2023, 11, 1, tzinfo=UTC)

moments = st.one_of(
    st.integers(0, 600 * 86_400).map(lambda seconds: BASE + timedelta(seconds=seconds)),
    st.integers(0, 300).map(lambda minutes: BASE + timedelta(days=29, hours=22, minutes=minutes)),
)
named = st.sets(st.sampled_from([7, 12, 21]), min_size=1)
posts = st.dictionaries(moments, named, min_size=1, max_size=40)
bounds = st.one_of(st.none(), moments)


def post(device: Device, at: datetime, *sensor_ids: int) -> None:
    """One reading, of these sensors."""
    ingest.store(device.pk, [Row(0, at, dict.fromkeys(sensor_ids or (7,), (1.0, None)))])


def plainly(wanted: Range, device: Device) -> list[datetime]:
    """The times of what is asked for, oldest first, by a filter over all."""
    found = Reading.objects.filter(device_id=device.pk).order_by("recorded_at")
    sets = sensor_sets.members(reading.sensor_set_id for reading in found)
    return [
        reading.recorded_at
        for reading in found
        if (wanted.start is None or wanted.start <= reading.recorded_at)
        and (wanted.end is None or reading.recorded_at < wanted.end)
        and wanted.sensor_id in (None, *sets[reading.sensor_set_id])
    ]


@settings(
    max_examples=40,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    acts=st.lists(st.one_of(posts, st.just("refresh")), min_size=1, max_size=4),
    one=bounds,
    other=bounds,
    sensor_id=st.sampled_from([None, 7, 12, 99, 999_999_999]),
    size=st.integers(1, 12),
    hours_at_once=st.integers(1, 5),
)
def test_pieces_are_what_a_plain_filter_finds(
    device: Device,
    acts: list[Any],
    one: datetime | None,
    other: datetime | None,
    sensor_id: int | None,
    size: int,
    hours_at_once: int,
) -> None:
    for model in (Reading, KeptHour, KeptDay, DirtyHour):
        model.objects.filter(device_id=device.pk).delete()
    for act in acts:
        if act == "refresh":
            refresher.refresh_due(60)
        else:
            ingest.store(
                device.pk,
                [Row(0, at, dict.fromkeys(ids, (1.0, None))) for at, ids in act.items()],
            )
    start, end = (min(one, other), max(one, other)) if one and other else (one, other)
    wanted = Range(start, end, sensor_id)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(raw, "HOURS_AT_ONCE", hours_at_once)
        for newest_first in (False, True):
            pieces = list(wanted.of(device.pk).pieces(size, newest_first=newest_first))
            assert all(0 < len(piece) <= size for piece in pieces)
            found = [row[0] for row in chain.from_iterable(pieces)]
            assert found == plainly(wanted, device)[:: -1 if newest_first else 1]
        newest = [reading.recorded_at for reading in wanted.of(device.pk).newest(size)]
        assert newest == plainly(wanted, device)[::-1][:size]


def test_readings_ahead_of_the_clock_are_listed(device: Device) -> None:
    ahead = timezone.now() + timedelta(hours=20)
    post(device, ahead)
    post(device, BASE)
    assert [reading.recorded_at for reading in Series.of(device.pk).newest(3)] == [ahead, BASE]


def test_a_device_that_never_posted_has_none(device: Device) -> None:
    assert Series.of(device.pk).newest(3) == []
    assert list(Series.of(device.pk).pieces(3)) == []
    assert list(Series.of(0).pieces(3)) == []


@pytest.fixture
def years(device: Device) -> Device:
    """A device with a reading a day for two years, in as many partitions as there are months;
    sensor 21 in one of a hundred."""
    partitions.ensure(BASE + timedelta(days=day) for day in range(750))
    rows = []
    for day in range(720):
        values: dict[int, tuple[float, float | None]] = dict.fromkeys(
            [7, 21] if not day % 100 else [7], (1.0, None)
        )
        rows.append(Row(day, BASE + timedelta(days=day), values))
    ingest.store(device.pk, rows)
    refresher.refresh_due(60)
    return device


def opened(queries: CaptureQueriesContext) -> list[set[str]]:
    """The partitions that each statement over readings plans to open."""
    found = []
    for query in queries.captured_queries:
        if "readings_reading" in query["sql"] and query["sql"].startswith(("SELECT", "(SELECT")):
            found.append(relations(explain(query["sql"])))
    return found


def test_a_page_of_the_list_opens_the_months_it_shows(client: APIClient, years: Device) -> None:
    for query, count in (
        ("per_page=10", 10),
        ("per_page=10&to=2025-03-20", 10),
        ("per_page=10&from=2023-11-02", 10),
        ("per_page=10&from=2023-11-02&to=2025-03-20", 10),
        ("sensor_id=21", 8),
    ):
        with CaptureQueriesContext(connection) as queries:
            page = client.get(f"/v0/devices/{years.pk}/readings?{query}").json()
        assert len(page) == count
        [plan] = opened(queries)
        months = {one["recorded_at"][:7].replace("-", "_") for one in page}
        assert plan == {f"readings_reading_{month}" for month in months}


def test_each_page_of_a_file_opens_few_months(
    years: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 10)
    with CaptureQueriesContext(connection) as queries:
        file = b"".join(exports.as_csv(years.pk, Range(start=BASE)))
    assert file.count(b"\n") == 1 + 720
    first, *pages = opened(queries)
    # Where the first one lies is asked of all; from there on it goes by months.
    assert len(first) > 20
    assert max(len(page) for page in pages) <= 3
    assert not any("OFFSET" in query["sql"] for query in queries.captured_queries)
