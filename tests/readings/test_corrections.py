"""Readings that are taken back or put right: all that was made of them follows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import corrections, ingest, refresher
from apps.readings.corrections import Span
from apps.readings.keys import Row
from apps.readings.models import DirtyHour, KeptHour, Reading

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def store(device: Device, values: dict[datetime, dict[int, float]]) -> None:
    """Store readings, given by time and sensor."""
    rows = [
        Row(n, at, {id_: (value, value * 10) for id_, value in found.items()})
        for n, (at, found) in enumerate(values.items())
    ]
    ingest.store(device.pk, rows)


def refreshed(device: Device) -> None:
    """Bring the rollups up to date."""
    refresher.refresh(device.pk, timezone.now())
    assert not DirtyHour.objects.filter(device_id=device.pk).exists()


def row(device: Device) -> Device:
    """The device as it is stored."""
    return Device.objects.get(pk=device.pk)


@pytest.fixture
def posted(device: Device) -> Device:
    """Three readings of two sensors, a minute apart, with rollups."""
    store(device, {NOON + n * MINUTE: {7: 50.0 + n, 12: 20.0 + n} for n in range(3)})
    refreshed(device)
    return device


def test_deleting_the_newest_makes_the_one_before_it_the_newest(
    posted: Device, client: APIClient
) -> None:
    version = row(posted).readings_version
    etag = client.get(f"/v0/devices/{posted.pk}/readings")["ETag"]
    assert corrections.delete(posted.pk, [NOON + 2 * MINUTE]) == 1
    device = row(posted)
    assert device.last_reading_at == NOON + MINUTE
    newest = device.newest.sensors[12]
    assert (newest.value, newest.raw, newest.prev_value) == (21.0, 210.0, 20.0)
    assert device.readings_version == version + 1
    answer = client.get(f"/v0/devices/{posted.pk}").json()
    assert answer["last_reading_at"] == "2026-03-05T12:01:00Z"
    shown = {sensor["id"]: sensor for sensor in answer["data"]["sensors"]}
    told = [shown[12][name] for name in ("value", "raw_value", "prev_value")]
    assert told == [21.0, 210, 20.0]
    known = {"If-None-Match": etag}
    listed = client.get(f"/v0/devices/{posted.pk}/readings", headers=known)
    assert listed.status_code == 200, "nobody is told that nothing has changed"
    assert [reading["recorded_at"] for reading in listed.json()] == [
        "2026-03-05T12:01:00Z",
        "2026-03-05T12:00:00Z",
    ]


def test_averages_follow_at_once_and_what_is_kept_when_it_is_refreshed(
    posted: Device, client: APIClient
) -> None:
    path = f"/v0/devices/{posted.pk}/readings?sensor_id=12&rollup=1h&from=2026-03-05&to=2026-03-06"
    assert client.get(path).json()["readings"] == [["2026-03-05T12:00:00Z", 21.0]]
    corrections.delete(posted.pk, [NOON])
    assert client.get(path).json()["readings"] == [["2026-03-05T12:00:00Z", 21.5]]
    corrections.correct(posted.pk, NOON + MINUTE, {12: 11.0})
    after = [["2026-03-05T12:00:00Z", 16.5]]
    assert client.get(path).json()["readings"] == after
    assert DirtyHour.objects.get().hour == NOON
    refreshed(posted)
    assert client.get(path).json()["readings"] == after
    assert list(refresher.differences(posted.pk)) == []


def test_deleting_all_makes_a_device_that_never_posted(posted: Device, client: APIClient) -> None:
    corrections.delete(posted.pk, [NOON + n * MINUTE for n in range(3)])
    device = row(posted)
    assert (device.latest, device.last_reading_at, device.state) == (None, None, "never_published")
    answer = client.get(f"/v0/devices/{posted.pk}").json()
    assert (answer["status"], answer["data"]["recorded_at"]) == ("new", None)
    refreshed(posted)
    assert not KeptHour.objects.exists() and not Reading.objects.exists()


def test_the_values_of_one_sensor_go_and_the_others_stay(posted: Device) -> None:
    span = Span(posted.pk, NOON + MINUTE, NOON + 3 * MINUTE, sensor_id=12)
    assert corrections.delete_some(span) == (2, None)
    newest = row(posted).newest
    assert (newest.sensors[12].value, newest.sensors[12].prev_value) == (20.0, None)
    assert (newest.sensors[7].value, newest.sensors[7].prev_value) == (52.0, 51.0)
    assert row(posted).last_reading_at == NOON + 2 * MINUTE
    stored = ingest.values_at(posted.pk, [NOON, NOON + MINUTE])
    assert stored == {
        NOON: {7: (50.0, 500.0), 12: (20.0, 200.0)},
        NOON + MINUTE: {7: (51.0, 510.0)},
    }
    refreshed(posted)
    assert list(refresher.differences(posted.pk)) == []


def test_a_sensor_that_was_posted_beyond_the_kit_parts_with_its_last_value(device: Device) -> None:
    store(device, {NOON: {12: 20.0, 55: 1.0}})
    assert device.components.filter(sensor_id=55).exists()
    corrections.delete_some(Span(device.pk, NOON, NOON + MINUTE, sensor_id=55))
    assert not device.components.filter(sensor_id=55).exists()
    assert device.components.filter(sensor_id=12).exists(), "its kit has it"


def test_readings_ahead_of_the_clock_are_deleted_and_the_next_one_waits_in_their_place(
    device: Device,
) -> None:
    now = timezone.now().replace(microsecond=0)
    ahead = [now + timedelta(hours=n) for n in (2, 3)]
    store(device, {now: {12: 20.0}, ahead[0]: {12: 30.0}, ahead[1]: {12: 40.0}})
    corrections.delete(device.pk, [ahead[0]])
    assert (row(device).future_at, row(device).last_reading_at) == (ahead[1], now)
    corrections.delete(device.pk, [now])
    assert (row(device).future_at, row(device).last_reading_at) == (ahead[1], None)
    corrections.delete(device.pk, [ahead[1]])
    assert (row(device).future_at, row(device).latest) == (None, None)


def test_a_value_is_put_right_and_the_raw_number_stays(posted: Device, client: APIClient) -> None:
    times = [NOON + 2 * MINUTE, NOON + MINUTE]
    assert corrections.correct(posted.pk, times[0], {12: 19.5, 7: 52.0}) == {12: 22.0}
    assert corrections.correct(posted.pk, times[1], {12: 18.5}) == {12: 21.0}
    newest = row(posted).newest.sensors[12]
    assert (newest.value, newest.raw) == (19.5, 220.0)
    assert (newest.prev_value, newest.prev_raw) == (18.5, 210.0)
    version = row(posted).readings_version
    assert corrections.correct(posted.pk, times[0], {12: 19.5}) == {}
    assert row(posted).readings_version == version, "nothing was changed"


def test_what_was_not_measured_is_not_put_right(posted: Device) -> None:
    for at, sensor_id in ((NOON, 55), (NOON - MINUTE, 12)):
        with pytest.raises(KeyError):
            corrections.correct(posted.pk, at, {sensor_id: 1.0})
    assert Reading.objects.count() == 3
    assert corrections.delete(posted.pk, [NOON - MINUTE]) == 0
    assert corrections.delete(posted.pk, [NOON], sensor_id=55) == 0


def test_what_is_corrected_is_not_forwarded_again(posted: Device, settings: Any) -> None:
    settings.MQTT_URL = "mqtt://broker"
    posted.change(enable_forwarding=True)
    corrections.correct(posted.pk, NOON, {12: 1.0})
    assert not OrmQ.objects.exists()


def test_a_long_span_goes_in_short_transactions(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "AT_ONCE", 3)
    store(device, {NOON + n * MINUTE: {12: float(n)} for n in range(8)})
    span: Span | None = Span(device.pk, NOON, NOON + 7 * MINUTE)
    assert span is not None and corrections.count(span) == 4, "more than three"
    steps = []
    while span is not None:
        deleted, span = corrections.delete_some(span)
        steps.append((deleted, Reading.objects.count()))
    assert steps == [(3, 5), (3, 2), (1, 1)]
    assert row(device).newest.sensors[12].value == 7.0


def test_every_statement_over_readings_names_the_device(posted: Device) -> None:
    with CaptureQueriesContext(connection) as queries:
        corrections.delete_some(Span(posted.pk, NOON, NOON + MINUTE, sensor_id=12))
        corrections.delete_some(Span(posted.pk, NOON + MINUTE, NOON + 9 * MINUTE))
    over = [query["sql"] for query in queries if "readings_reading" in query["sql"]]
    assert len(over) >= 4
    for sql in over:
        assert f"device_id = {posted.pk}" in sql.replace('"', "").replace(
            "readings_reading.", ""
        ) or sql.startswith("INSERT INTO readings_reading"), sql


@pytest.mark.parametrize("seed", range(12))
def test_a_device_is_as_if_what_was_deleted_had_never_come(
    seed: int, device: Device, sck_1_1: Any
) -> None:
    rng = random.Random(seed)
    times = [NOON + n * timedelta(minutes=rng.choice([1, 40])) for n in range(14)]
    values: dict[datetime, dict[int, float]] = {}
    for at in times:
        sensors = rng.sample([7, 12, 14, 55], rng.randint(1, 4))
        values[at] = {id_: float(rng.randint(0, 99)) for id_ in sensors}
    store(device, dict(rng.sample(sorted(values.items()), len(values))))
    refreshed(device)
    for _ in range(rng.randint(1, 3)):
        sensor_id = rng.choice([None, 7, 55])
        chosen = rng.sample(sorted(values), rng.randint(1, len(values)))
        corrections.delete(device.pk, chosen, sensor_id)
        for at in chosen:
            left = {id_: value for id_, value in values[at].items() if id_ != sensor_id}
            values[at] = left if sensor_id else {}
        values = {at: found for at, found in values.items() if found}
        if not values:
            break
    other = Device.objects.register(owner=device.owner, kit=sck_1_1, name="Other")
    store(other, dict(sorted(values.items())))
    found, expected = row(device).newest, row(other).newest
    assert found.sensors == expected.sensors
    assert found.recorded_at == expected.recorded_at
    assert row(device).last_reading_at == row(other).last_reading_at
    joined = [set(one.components.values_list("sensor_id", flat=True)) for one in (device, other)]
    assert joined[0] == joined[1]
    refreshed(device)
    assert list(refresher.differences(device.pk)) == []
