"""Readings as files: CSV and NDJSON of any length, by `format` or by Accept."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.devices.models import Component, Device
from apps.readings import exports, ingest
from apps.readings.keys import Row
from apps.readings.models import Reading
from apps.sensors.models import Sensor
from apps.users.models import User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


@pytest.fixture
def filled(device: Device) -> Device:
    """Three readings; sensor 7 raw and calibrated, sensor 21 every other time."""
    rows = [
        Row(0, NOON, {7: (50.0, 0.0)}),
        Row(1, NOON + timedelta(minutes=1), {7: (57.5, 5.0), 21: (3.0, None)}),
        Row(2, NOON + timedelta(minutes=2), {7: (60.0, 40.0)}),
    ]
    ingest.store(device.pk, rows)
    return device


def body(answer: Any) -> str:
    """What was streamed, whole."""
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


def lines(text: str) -> list[list[str]]:
    """The columns of sensors 7 and 21 of a CSV file, header included."""
    table = [line.split(",") for line in text.splitlines()]
    wanted = [0, *(at for at, name in enumerate(table[0]) if name.startswith(("POM", "Micro")))]
    return [[row[at] for at in wanted] for row in table]


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=csv", "*/*"), ("", "text/csv"), ("?format=csv&callback=f", "")]
)
def test_csv_by_its_name_or_by_accept(
    client: APIClient, filled: Device, query: str, accept: str
) -> None:
    answer = client.get(f"/v0/devices/{filled.pk}/readings{query}", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="device-{filled.pk}.csv"'
    assert lines(body(answer)) == [
        ["recorded_at", "POM-3044P-R (dB)", "Microchip RN-131 (# networks)"],
        ["2026-03-05T12:00:00Z", "50.0", ""],
        ["2026-03-05T12:01:00Z", "57.5", "3"],
        ["2026-03-05T12:02:00Z", "60.0", ""],
    ]


def test_csv_of_a_range_and_with_raw_numbers(client: APIClient, filled: Device) -> None:
    query = "format=csv&raw=true&sensor_id=7&from=2026-03-05T12:01:00Z&to=2026-03-05T12:02:00Z"
    answer = client.get(f"/v0/devices/{filled.pk}/readings?{query}")
    assert body(answer) == (
        "recorded_at,POM-3044P-R (dB),POM-3044P-R (dB) raw\n2026-03-05T12:01:00Z,57.5,5\n"
    )


def test_ndjson_is_the_raw_list_oldest_first(client: APIClient, filled: Device) -> None:
    path = f"/v0/devices/{filled.pk}/readings"
    answer = client.get(f"{path}?format=ndjson")
    assert answer["Content-Type"] == "application/x-ndjson; charset=utf-8"
    found = [json.loads(line) for line in body(answer).splitlines()]
    assert found == client.get(path).json()[::-1]


def test_format_json_is_the_list(client: APIClient, filled: Device) -> None:
    path = f"/v0/devices/{filled.pk}/readings"
    answer = client.get(f"{path}?format=json", headers={"Accept": "text/csv, */*"})
    assert answer.json() == client.get(path).json()


def test_another_format_is_refused(client: APIClient, filled: Device) -> None:
    answer = client.get(f"/v0/devices/{filled.pk}/readings?format=xml")
    assert answer.status_code == 400
    assert answer.json()["message"] == "format has to be json, csv or ndjson"


@pytest.mark.parametrize(
    ("query", "status"), [("from=soon", 400), ("raw=perhaps", 400), ("sensor_id=x", 400)]
)
def test_errors_on_the_way_to_a_file_are_json(
    client: APIClient, filled: Device, query: str, status: int
) -> None:
    answer = client.get(f"/v0/devices/{filled.pk}/readings?format=csv&{query}")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/json")
    assert answer.json()["id"] == "bad_request"
    missing = client.get("/v0/devices/0/readings", headers={"Accept": "text/csv"})
    assert (missing.status_code, missing.json()["id"]) == (404, "record_not_found")


def test_a_file_that_a_client_holds_is_not_made_again(
    client: APIClient, filled: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v0/devices/{filled.pk}/readings?format=csv"
    first = client.get(path)
    body(first)
    assert first["ETag"].startswith('W/"')

    def never(*args: Any, **options: Any) -> Iterator[bytes]:
        raise AssertionError("the file was made")

    monkeypatch.setattr(exports, "as_csv", never)
    held = {"If-None-Match": first["ETag"]}
    assert client.get(path, headers=held).status_code == 304
    monkeypatch.undo()
    ingest.store(filled.pk, [Row(0, NOON - timedelta(hours=1), {7: (1.0, None)})])
    again = client.get(path, headers=held)
    assert (again.status_code, len(body(again).splitlines())) == (200, 5)


@pytest.mark.parametrize(
    "query", ["format=csv", "format=ndjson", "rollup=1h&sensor_id=7&from=2026-03-05&to=2026-03-06"]
)
def test_another_name_of_a_sensor_is_another_answer(
    client: APIClient, filled: Device, query: str
) -> None:
    path = f"/v0/devices/{filled.pk}/readings?{query}"
    held = {"If-None-Match": client.get(path)["ETag"]}
    for change in (
        lambda: Sensor.objects.filter(pk=7).update(name="Noise"),
        lambda: Sensor.objects.filter(pk=7).update(unit="dBA"),
        lambda: Component.objects.filter(device=filled, sensor_id=7).update(key="loud"),
    ):
        assert client.get(path, headers=held).status_code == 304
        change()
        again = client.get(path, headers=held)
        assert again.status_code == 200
        held = {"If-None-Match": again["ETag"]}
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, headers=held).status_code == 304
    assert len(queries) == 2


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_head_says_what_a_file_is_without_making_it(
    client: APIClient, filled: Device, form: str
) -> None:
    path = f"/v0/devices/{filled.pk}/readings?format={form}"
    whole = client.get(path)
    with CaptureQueriesContext(connection) as queries:
        head = client.head(path)
        assert body(head) == ""
    assert not any("readings_reading" in query["sql"] for query in queries.captured_queries)
    assert {name: head[name] for name in ("Content-Type", "Content-Disposition", "ETag")} == {
        name: whole[name] for name in ("Content-Type", "Content-Disposition", "ETag")
    }
    assert head.status_code == 200
    assert "Content-Length" not in head


def test_a_file_is_compressed_piece_by_piece(
    client: APIClient, filled: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/v0/devices/{filled.pk}/readings?format=ndjson"
    plain = body(client.get(path)).encode()
    monkeypatch.setattr(exports, "PAGE", 1)
    answer = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert (answer["Content-Encoding"], answer.has_header("Content-Length")) == ("gzip", False)
    assert "Accept-Encoding" in answer["Vary"]
    assert gzip.decompress(b"".join(answer.streaming_content)) == plain


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_a_file_that_fails_midway_says_so_in_its_last_line(
    client: APIClient, filled: Device, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    path = f"/v0/devices/{filled.pk}/readings?format={form}"
    whole = body(client.get(path)).splitlines()
    unknown = Reading.objects.filter(device_id=filled.pk, recorded_at=NOON + timedelta(minutes=2))
    unknown.update(sensor_set_id=4711)
    *lines, end = body(client.get(path)).splitlines()
    assert lines == whole[:-1]
    assert end == exports.INCOMPLETE[form].decode().strip()
    assert "incomplete" in end


def test_pieces_are_made_while_they_are_sent(
    client: APIClient, filled: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 1)
    answer = client.get(f"/v0/devices/{filled.pk}/readings?format=ndjson")
    assert len(list(answer.streaming_content)) == 3


GPS = {125: (52.3781, None), 126: (4.6291, None), 127: (12.0, None), 55: (21.0, None)}


def test_where_a_hidden_device_is_its_owner_alone_reads_from_its_gps(
    client: APIClient, as_user: Any, alice: User, device: Device
) -> None:
    ingest.store(device.pk, [Row(0, NOON, dict(GPS))])  # type: ignore[arg-type]
    Device.objects.filter(pk=device.pk).update(precise_location=False)
    path = f"/v0/devices/{device.pk}"

    def seen(viewer: APIClient) -> dict[str, set[str]]:
        history = viewer.get(f"{path}/readings").json()[0]["data"]
        ndjson = json.loads(body(viewer.get(f"{path}/readings?format=ndjson")))["data"]
        header = body(viewer.get(f"{path}/readings?format=csv")).splitlines()[1].split(",")
        rolled = {
            str(sensor_id)
            for sensor_id in GPS
            if viewer.get(
                f"{path}/readings?rollup=1h&sensor_id={sensor_id}&from=2026-01-01"
            ).json()["readings"]
        }
        sensors = viewer.get(path).json()["data"]["sensors"]
        nested = viewer.get("/v0/users/alice").json()["devices"][0]["data"]
        return {
            "history": set(history),
            "ndjson": set(ndjson),
            "csv": {"52.3781", "21"} & set(header),
            "rollup": rolled,
            "latest": {str(each["id"]) for each in sensors if each["value"] is not None},
            "nested": {key for key in nested if key.isdigit()},
        }

    everything = {str(sensor_id) for sensor_id in GPS}
    assert seen(as_user(alice)) == {
        "history": everything,
        "ndjson": everything,
        "csv": {"52.3781", "21"},
        "rollup": everything,
        "latest": everything,
        "nested": everything,
    }
    assert seen(client) == {
        "history": {"55"},
        "ndjson": {"55"},
        "csv": {"21"},
        "rollup": {"55"},
        "latest": {"55"},
        "nested": {"55"},
    }
    [on_map] = client.get("/v0/devices/world_map").json()
    assert {key for key in on_map["data"] if key.isdigit()} == {"55"}
