"""How many readings come in, as `/metrics` and `/ui/status` tell it, by door."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.operations import figures, ingest_rate
from apps.operations.ingest_rate import Meter
from apps.readings import kits, mqtt
from apps.users.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """No figures of another test, and none for another."""
    figures.forget()
    yield
    figures.forget()


@pytest.fixture
def posted(device: Device, sck_1_1: Kit, alice: User, as_user: Any) -> dict[str, float]:
    """What each door counted more, after two readings by REST, one by MQTT and one by `/add`."""
    before = ingest_rate.taken()
    Device.objects.update(mac_address="02:00:00:00:00:01", device_token="abcdef", kit=sck_1_1)
    now = timezone.now()
    sensor = sck_1_1.kit_sensors.get(key="noise").sensor_id
    elements = [
        {"recorded_at": f"2026-11-01T10:0{n}:00Z", "sensors": [{"id": sensor, "value": 50}]}
        for n in (0, 0, 1)
    ]
    for status in (201, 200):
        answer = as_user(alice).post(
            f"/v0/devices/{device.pk}/readings", {"data": elements}, format="json"
        )
        assert answer.status_code == status
    element = {"recorded_at": "2026-11-01T11:00:00Z", "sensors": [{"id": sensor, "value": 50}]}
    mqtt.take("device/sck/abcdef/readings", orjson.dumps({"data": [element]}), now)
    row = [{"noise": "500", "timestamp": "2026-11-01 12:00:00"}]
    kits.take("02:00:00:00:00:01", "1.1-0.8.5-A", orjson.dumps(row).decode(), now)
    kits.take("02:00:00:00:00:99", "1.1-0.8.5-A", orjson.dumps(row).decode(), now)
    return {door: count - before.get(door, 0) for door, count in ingest_rate.taken().items()}


def test_each_door_counts_what_it_stored_and_nothing_twice(posted: dict[str, float]) -> None:
    assert posted == {"add": 1, "mqtt": 1, "rest": 2}
    shown = Client().get("/metrics").content.decode()
    for door, count in ingest_rate.taken().items():
        assert f'smartcitizen_readings_taken_total{{door="{door}"}} {count}' in shown


def test_the_rate_is_over_the_last_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    time, count = 0.0, 100.0
    monkeypatch.setattr(ingest_rate, "taken", lambda: {"rest": count})
    meter = Meter(clock=lambda: time)
    assert meter.read() is None
    time = 5.0
    assert meter.read() is None
    time, count = 60.0, 160.0
    first = meter.read()
    assert first and first.by_door == {"rest": 60} and first.total == 60
    for _ in range(100):
        time += 15
        count += 1
        rate = meter.read()
    assert rate and rate.by_door == {"rest": 4}
    assert rate.since == first.since or rate.since > first.since


def test_who_asks_after_hours_is_told_the_rate_since_they_last_did(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    time, counts = 0.0, {"rest": 10.0}
    monkeypatch.setattr(ingest_rate, "taken", lambda: dict(counts))
    meter = Meter(clock=lambda: time)
    meter.read()
    time, counts = 7200.0, {"rest": 130.0, "mqtt": 240.0}
    rate = meter.read()
    assert rate and rate.by_door == {"mqtt": 2, "rest": 1}


def test_the_status_page_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0.0, 60.0])
    monkeypatch.setattr(ingest_rate, "meter", Meter(clock=lambda: next(times)))
    monkeypatch.setattr(ingest_rate, "taken", lambda: {"add": 0.0})
    assert "being counted" in Client().get("/ui/status").content.decode()
    figures.forget()
    monkeypatch.setattr(ingest_rate, "taken", lambda: {"add": 1234.0, "rest": 0.5})
    shown = Client().get("/ui/status").content.decode()
    assert "1,234.5 ·" in shown and "add: 1,234" in shown and "rest: 0.5" in shown
