"""What the map of the first page draws: the devices of the world map, as columns."""

from __future__ import annotations

import gzip
from datetime import timedelta

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

pytestmark = pytest.mark.django_db


def test_they_are_the_devices_of_the_world_map_with_the_sensors_that_they_posted(
    device: Device, alice: User
) -> None:
    hidden = Device.objects.register(
        owner=alice, name="Hidden", latitude=1.2345678, longitude=2, precise_location=False
    )
    Device.objects.register(owner=alice, name="private", latitude=1, longitude=1, is_private=True)
    now = timezone.now().replace(microsecond=0)
    rows = [Row(0, now - timedelta(minutes=1), {12: (20.5, 300.0), 7: (50.0, None)})]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)
    client = Client()
    entries = client.get("/v0/devices/world_map").json()
    answer = client.get("/ui/map_marks")
    marks = answer.json()
    assert {len(column) for name, column in marks.items() if name != "sensor_sets"} == {2}
    for name in (
        *("id", "name", "city", "latitude", "longitude"),
        *("status", "exposure", "last_reading_at"),
    ):
        assert marks[name] == [entry[name] for entry in entries]
    assert [marks["sensor_sets"][place] for place in marks["sensors"]] == [[7, 12], []]
    assert marks["latitude"][1] == hidden.public_latitude != hidden.latitude
    assert marks.keys() == {
        *("id", "name", "city", "latitude", "longitude", "status", "exposure", "last_reading_at"),
        *("sensors", "sensor_sets"),
    }


def test_they_are_sent_compressed_and_not_again_to_who_has_them(device: Device) -> None:
    client = Client(headers={"Accept-Encoding": "gzip"})
    first = client.get("/ui/map_marks")
    assert first.headers["Content-Encoding"] == "gzip"
    assert first.headers["Cache-Control"] == "public, max-age=60"
    assert "Accept-Encoding" in first.headers["Vary"]
    assert orjson.loads(gzip.decompress(first.content))["id"] == [device.pk]
    again = client.get("/ui/map_marks", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_they_can_be_read_alone(client: Client) -> None:
    assert client.post("/ui/map_marks").status_code == 405
