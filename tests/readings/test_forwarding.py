"""Forwarding: new readings of a device are published on our own broker, once they are stored."""

from __future__ import annotations

import json
import queue
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import forwarded, forwarder, ingest, publisher
from apps.readings.keys import Row
from apps.users import accounts
from apps.users.models import User
from tests.brokers import Mosquitto
from tests.live import free_port

TOKEN = "f0rward-token"
NOON = datetime.fromisoformat("2026-11-20T12:00:00Z")


@pytest.fixture
def broker(tmp_path: Path, settings: Any) -> Iterator[Mosquitto]:
    """A broker that MQTT_URL names."""
    found = Mosquitto(tmp_path)
    settings.MQTT_URL = found.url
    yield found
    found.stop()


@pytest.fixture(autouse=True)
def not_away(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """No broker was away a moment ago; where none is started, none is there."""
    monkeypatch.setattr(publisher, "_away_until", 0.0)
    settings.MQTT_URL = f"mqtt://127.0.0.1:{free_port()}"


@pytest.fixture
def forwarding_device(device: Device, alice: User) -> Device:
    """alice's device, whose readings are forwarded."""
    alice.forwarding_token = TOKEN
    alice.save()
    device.enable_forwarding = True
    device.save()
    return device


@pytest.fixture
def heard(broker: Mosquitto) -> Iterator[queue.Queue[tuple[str, Any]]]:
    """What somebody hears who reads the topics of alice's token."""
    found: queue.Queue[tuple[str, Any]] = queue.Queue()
    subscribed: queue.Queue[bool] = queue.Queue()
    client = Client(CallbackAPIVersion.VERSION2)

    def on_message(client: Client, data: Any, message: MQTTMessage) -> None:
        found.put((message.topic, json.loads(message.payload)))

    client.on_message = on_message
    client.on_subscribe = lambda *arguments: subscribed.put(True)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe(f"/forward/{TOKEN}/#", 1)
    subscribed.get(timeout=10)
    yield found
    client.disconnect()
    client.loop_stop()


def store(device: Device, *minutes: int, value: float = 20.5) -> None:
    """Store readings of minutes after noon."""
    ingest.store(
        device.pk,
        [
            Row(n, NOON + timedelta(minutes=n), {12: (value, 24000.0), 7: (4.0, None)})
            for n in minutes
        ],
    )


def queued() -> list[tuple[int, list[datetime]]]:
    """What waits to be forwarded."""
    return [
        waiting.task["args"]
        for waiting in OrmQ.objects.order_by("pk")
        if waiting.task["func"] == forwarded.TASK
    ]


def work() -> None:
    """Do all that waits, as the worker does."""
    for device_id, times in queued():
        forwarder.forward(device_id, times)
    OrmQ.objects.all().delete()


def test_a_new_reading_is_published_on_the_topic_of_its_owner(
    forwarding_device: Device, heard: queue.Queue[tuple[str, Any]], client: APIClient
) -> None:
    store(forwarding_device, 0, 1)
    work()
    topic = f"/forward/{TOKEN}/device/{forwarding_device.pk}/readings"
    first, second = (heard.get(timeout=10) for _ in range(2))
    assert (first[0], second[0]) == (topic, topic)
    assert first[1] == {
        "device_id": forwarding_device.pk,
        "recorded_at": "2026-11-20T12:00:00Z",
        "added_at": first[1]["added_at"],
        "data": {"7": 4, "12": 20.5, "12_raw": 24000},
    }
    # The shape is that of the raw history.
    listed = client.get(f"/v0/devices/{forwarding_device.pk}/readings").json()
    assert [second[1], first[1]] == listed


def test_only_what_changed_is_forwarded(
    forwarding_device: Device, heard: queue.Queue[tuple[str, Any]]
) -> None:
    store(forwarding_device, 0, 1)
    work()
    store(forwarding_device, 0, 1)
    assert queued() == []
    store(forwarding_device, 1, value=21.5)
    work()
    values = [heard.get(timeout=10)[1]["data"]["12"] for _ in range(3)]
    assert values == [20.5, 20.5, 21.5]
    assert heard.empty()


def test_it_is_queued_if_and_only_if_it_is_stored(forwarding_device: Device) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        store(forwarding_device, 0)
        assert len(queued()) == 1
        raise ZeroDivisionError
    assert queued() == []
    store(forwarding_device, 0)
    assert queued() == [(forwarding_device.pk, [NOON])]


def test_many_readings_are_many_tasks(
    forwarding_device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarded, "BATCH", 2)
    store(forwarding_device, 4, 3, 2, 1, 0)
    assert [len(times) for _, times in queued()] == [2, 2, 1]
    ordered = [time for _, times in queued() for time in times]
    assert ordered == sorted(ordered)


@pytest.mark.parametrize("why", ["nobody asked", "there is no broker"])
def test_nothing_is_queued_where_nobody_listens(why: str, device: Device, settings: Any) -> None:
    if why == "there is no broker":
        Device.objects.update(enable_forwarding=True)
        settings.MQTT_URL = ""
    store(device, 0)
    assert queued() == []


@pytest.mark.parametrize("why", ["ended", "archived", "owner archived", "never stored"])
def test_what_is_not_wanted_any_more_is_not_published(
    why: str, forwarding_device: Device, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(forwarding_device, 0)
    times = [NOON]
    match why:
        case "ended":
            forwarding_device.change(enable_forwarding=False)
        case "archived":
            forwarding_device.archive()
        case "owner archived":
            accounts.archive(alice)
        case _:
            times = [timezone.now()]
    # With no broker there, publishing would raise.
    forwarder.forward(forwarding_device.pk, times)


def test_while_the_broker_is_away_the_task_fails_at_once_and_is_tried_again(
    forwarding_device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(forwarding_device, 0)
    [(device_id, times)] = queued()
    with pytest.raises(publisher.BrokerAway, match="ConnectionRefusedError"):
        forwarder.forward(device_id, times)
    # The next ones do not even ask, so that they keep no worker waiting.
    monkeypatch.setattr(publisher, "Broker", None)
    with pytest.raises(publisher.BrokerAway, match="a moment ago"):
        forwarder.forward(device_id, times)


def test_a_broker_that_refuses_us_is_told_from_one_that_listens(
    forwarding_device: Device, tmp_path: Path, settings: Any
) -> None:
    port = free_port()
    strict = Mosquitto(
        tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous false\nuser root\n", port
    )
    settings.MQTT_URL = f"mqtt://platform:a%2Fb@127.0.0.1:{port}"
    store(forwarding_device, 0)
    try:
        with pytest.raises(publisher.BrokerAway, match="refuses us"):
            forwarder.forward(forwarding_device.pk, [NOON])
    finally:
        strict.stop()


def test_an_owner_without_a_token_is_given_one(
    device: Device, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[str] = []
    monkeypatch.setattr(publisher, "publish", lambda topic, messages: published.append(topic))
    Device.objects.update(enable_forwarding=True)
    store(device, 0)
    forwarder.forward(device.pk, [NOON])
    alice.refresh_from_db()
    assert published == [f"/forward/{alice.forwarding_token}/device/{device.pk}/readings"]
