"""`GET /v0/devices/:id/readings?rollup=…`: the history of one sensor in buckets."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Component, Device
from apps.readings import ingest, refresher, rollups
from apps.readings.buckets import Buckets, Rollup
from apps.readings.keys import Row
from apps.readings.models import DirtyHour, KeptDay, KeptHour

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DAY = "from=2026-03-05&to=2026-03-06"


def post(device: Device, *readings: tuple[datetime, float]) -> None:
    """Noise, by time."""
    ingest.store(
        device.pk, [Row(n, at, {7: (value, None)}) for n, (at, value) in enumerate(readings)]
    )


def fill(device: Device) -> None:
    """Noise of 1, 2, … 90 each minute from noon."""
    post(device, *((NOON + timedelta(minutes=n), n + 1.0) for n in range(90)))


def ask(client: APIClient, device: Device, query: str) -> Any:
    """The answer to a question about noise."""
    response = client.get(f"/v0/devices/{device.pk}/readings?sensor_id=7&{query}")
    assert response.status_code == 200, response.content
    return response.json()


def test_an_answer_says_what_was_asked_and_lists_the_newest_first(
    client: APIClient, device: Device
) -> None:
    fill(device)
    component = Component.objects.get(device=device, sensor_id=7)
    for _ in ("dirty", "kept"):
        assert ask(client, device, f"rollup=1h&{DAY}") == {
            "device_id": device.pk,
            "sensor_id": 7,
            "sensor_key": component.key or component.sensor.default_key,
            "component_id": component.pk,
            "rollup": "1h",
            "function": "avg",
            "from": "2026-03-05T00:00:00Z",
            "to": "2026-03-06T00:00:00Z",
            "sample_size": 90,
            "readings": [["2026-03-05T13:00:00Z", 75.5], ["2026-03-05T12:00:00Z", 30.5]],
        }
        refresher.refresh_due(60)
    assert KeptHour.objects.filter(device_id=device.pk, sensor_id=7).count() == 2


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("avg", 45.5),
        ("max", 90),
        ("min", 1),
        ("sum", 4095),
        ("count", 90),
        ("dev", pytest.approx(26.124701, rel=1e-6)),
        ("first", 1),
        ("last", 90),
    ],
)
def test_every_function_is_served_from_raw_and_from_kept_days(
    client: APIClient, device: Device, function: str, expected: float
) -> None:
    fill(device)
    query = f"rollup=1d&function={function}&{DAY}"
    assert ask(client, device, query)["readings"] == [["2026-03-05T00:00:00Z", expected]]
    refresher.refresh_due(60)
    KeptHour.objects.all().delete()
    assert KeptDay.objects.filter(device_id=device.pk).count() == 1
    assert ask(client, device, query)["readings"] == [["2026-03-05T00:00:00Z", expected]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("rollup=1y", ["2026-01-01T00:00:00Z"]),
        ("rollup=2M", ["2026-03-01T00:00:00Z"]),
        ("rollup=1w", ["2026-03-02T00:00:00Z"]),
        ("rollup=1d&tz=Asia/Kolkata", ["2026-03-04T18:30:00Z"]),
        ("rollup=1d&tz=Europe/Madrid", ["2026-03-04T23:00:00Z"]),
        ("rollup=1h&limit=1", ["2026-03-05T13:00:00Z"]),
        ("rollup=auto&max_points=3", ["2026-03-05T00:00:00Z"]),
        ("rollup=500ms&limit=1", ["2026-03-05T13:29:00.000Z"]),
        (
            "rollup=6h&all_intervals=true",
            [f"2026-03-05T{hour}:00:00Z" for hour in ("18", "12", "06", "00")],
        ),
    ],
)
def test_buckets_are_aligned_and_named_by_their_start(
    client: APIClient, device: Device, query: str, expected: list[str]
) -> None:
    fill(device)
    for _ in ("dirty", "kept"):
        assert [at for at, _ in ask(client, device, f"{query}&{DAY}")["readings"]] == expected
        refresher.refresh_due(60)


def test_auto_says_which_rollup_it_chose(client: APIClient, device: Device) -> None:
    assert ask(client, device, f"rollup=auto&{DAY}")["rollup"] == "5m"
    assert ask(client, device, f"rollup=auto&max_points=1&{DAY}")["rollup"] == "1d"


def test_a_sensor_that_the_device_lacks_has_no_readings(client: APIClient, device: Device) -> None:
    response = client.get(f"/v0/devices/{device.pk}/readings?sensor_id=999999999&rollup=1h")
    assert response.json()["readings"] == []
    assert response.json()["sample_size"] == 0


def test_a_sensor_is_named_by_its_key(client: APIClient, device: Device) -> None:
    fill(device)
    found = client.get(f"/v0/devices/{device.pk}/readings?sensor_key=noise&rollup=1d&{DAY}")
    assert found.json()["sensor_id"] == 7
    assert len(found.json()["readings"]) == 1


def test_a_range_of_any_length_is_answered(client: APIClient, device: Device) -> None:
    fill(device)
    for query in ("from=2001-01-01", "from=0001-01-01&to=9999-12-31", "relative=100y"):
        assert ask(client, device, f"rollup=1m&{query}")["sample_size"] == 90


def test_values_too_great_to_square_do_not_fail(client: APIClient, device: Device) -> None:
    post(device, (NOON, 1e308), (NOON + timedelta(minutes=1), 1e308))
    for function in ("avg", "sum", "dev", "max", "last"):
        ask(client, device, f"rollup=1h&function={function}&{DAY}")
    assert refresher.refresh_due(60) == 1
    assert ask(client, device, f"rollup=1h&function=max&{DAY}")["readings"][0][1] == 1e308


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("rollup=1x", "rollup"),
        ("rollup=0h", "rollup"),
        ("rollup=0ms", "rollup"),
        ("rollup=-1h", "rollup"),
        ("rollup=999999999y", "rollup"),
        ("rollup=", "rollup"),
        ("rollup=1h&function=median", "function"),
        ("rollup=1h&tz=Mars/Base", "tz"),
        ("rollup=1h&limit=0", "limit"),
        ("rollup=1h&all_intervals=perhaps", "all_intervals"),
        ("rollup=auto&max_points=x", "max_points"),
        ("rollup=auto&max_points=1&from=2001-01-01", "max_points"),
        ("rollup=1h&from=2026-03-06&to=2026-03-05", "from"),
        ("rollup=1h&relative=never", "relative"),
        ("rollup=1m&all_intervals=true&from=2020-01-01&to=2026-01-01", "rollup=5m would do"),
        ("rollup=1000y&all_intervals=true&from=0001-01-01", "all_intervals"),
        ("rollup=1h&to=0001-01-01", "to is too early"),
    ],
)
def test_a_bad_parameter_is_named(
    client: APIClient, device: Device, query: str, named: str
) -> None:
    response = client.get(f"/v0/devices/{device.pk}/readings?sensor_id=7&{query}")
    assert response.status_code == 400, response.content
    assert named in response.json()["message"]


def test_a_rollup_without_a_sensor_misses_a_parameter(client: APIClient, device: Device) -> None:
    response = client.get(f"/v0/devices/{device.pk}/readings?rollup=1h")
    assert (response.status_code, response.json()["id"]) == (400, "parameter_missing")
    assert "sensor_id" in response.json()["message"]


def test_what_a_client_holds_already_costs_two_queries(
    client: APIClient, device: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(device)
    url = f"/v0/devices/{device.pk}/readings?sensor_id=7&rollup=1h&{DAY}"
    with django_assert_num_queries(4):
        etag = client.get(url)["ETag"]
    # The device's change counter, and what its sensors are called
    with django_assert_num_queries(2):
        assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    post(device, (NOON, 5.0))
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_a_late_reading_is_answered_before_and_after_the_refresh(
    client: APIClient, device: Device
) -> None:
    fill(device)
    refresher.refresh_due(60)
    post(device, (NOON + timedelta(seconds=30), 1000.0))
    for _ in ("dirty", "kept"):
        assert ask(client, device, f"rollup=1d&function=max&{DAY}")["readings"][0][1] == 1000
        assert ask(client, device, f"rollup=1h&function=count&{DAY}")["readings"][1][1] == 61
        refresher.refresh_due(60)
    assert not DirtyHour.objects.exists()


def test_an_hour_that_is_open_is_left_to_raw(device: Device) -> None:
    fill(device)
    assert refresher.refresh_due(60, now=NOON + timedelta(minutes=64)) == 0
    assert refresher.refresh_due(60, now=NOON + timedelta(minutes=65)) == 1
    assert DirtyHour.objects.filter(device_id=device.pk).count() == 1


def test_check_says_what_differs_and_rebuild_mends_it(device: Device) -> None:
    fill(device)
    refresher.refresh_due(60)
    call_command("rollups", "--check", stdout=StringIO())
    KeptHour.objects.filter(device_id=device.pk, bucket=NOON).update(max=99.0)
    KeptDay.objects.filter(device_id=device.pk).delete()
    told = StringIO()
    with pytest.raises(CommandError, match="2 kept rollups differ"):
        call_command("rollups", "--check", stdout=told)
    assert "hour 2026-03-05T12:00Z" in told.getvalue() and "is not kept" in told.getvalue()
    call_command("rollups", "--rebuild", stdout=StringIO())
    call_command("rollups", stdout=StringIO())
    call_command("rollups", "--check", stdout=StringIO())


def test_a_long_answer_is_fetched_in_chunks_from_the_server(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2026, 3, 5, 12, tzinfo=UTC)
    rows = [Row(n, start + timedelta(minutes=n), {7: (float(n), None)}) for n in range(50)]
    ingest.store(device.pk, rows)
    end = start + timedelta(hours=1)
    question = rollups.Question(
        device.pk, 7, start, end, Buckets(Rollup.parse("1m")), "avg", None, False
    )
    [whole] = rollups.answer(question)
    monkeypatch.setattr(rollups, "FETCHED_AT_ONCE", 20)
    chunks = []
    for chunk in rollups.answer(question):
        chunks.append(chunk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE NOT is_holdable")
            assert cursor.fetchone() == (1,)
    assert [len(chunk) for chunk in chunks] == [20, 20, 10]
    assert [row for chunk in chunks for row in chunk] == whole
    [few] = rollups.answer(replace(question, limit=5))
    assert few == whole[:5]
