"""Kits as they are, old and new, against the processes of a real platform."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_django import DjangoDbBlocker

from smartcitizen import processes
from tests.brokers import Kit, Mosquitto
from tests.clients.conftest import Say, until
from tests.live import ROOT, Platform, platform

pytestmark = pytest.mark.slow

OLD, NEW = "SCK 1.1 over HTTP", "SCK 2.1 over MQTT"
MAC = "00:06:66:2A:02:B3"
PEOPLE = f"""
from apps.devices.models import Device
from apps.users.models import User
alice = User.objects.create_user("alice", "alice@example.org", "alicealice")
Device.objects.register(owner=alice, kit_id=3, name="Old", mac_address="{MAC}")
"""
ALICE = ("alice", "alicealice")


@pytest.fixture(scope="module")
def running(django_db_blocker: DjangoDbBlocker) -> Iterator[Platform]:
    """A platform with alice and her old kit."""
    with django_db_blocker.unblock(), platform("kits") as started:
        started.python(PEOPLE)
        yield started


@pytest.fixture(scope="module")
def broker(running: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker, and the platform's subscriber on it."""
    directory: Path = tmp_path_factory.mktemp("mosquitto")
    started = Mosquitto(directory)
    subscriber = subprocess.Popen(
        [sys.executable, "manage.py", "mqtt"],
        cwd=ROOT,
        env={**running.environment, "MQTT_URL": started.url},
    )
    kit = Kit(started.port, "first")
    # The broker keeps nothing for a subscriber that it has never seen.
    until(lambda: kit.publish("hello", b"1") or heard_of("first", running))
    kit.leave()
    yield started
    processes.stop(subscriber, (signal.SIGTERM, 10))
    started.stop()


def heard_of(token: str, running: Platform) -> bool:
    """Whether a message of an unknown device was kept."""
    code = "from apps.readings.models import IngestError; print(IngestError.objects.count())"
    return int(running.python(code)) > 0


def raw(port: int, request: bytes) -> bytes:
    """Send bytes as a kit does; returns what it is told."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_an_old_kit_is_told_the_time(running: Platform, say: Say) -> None:
    told = raw(
        running.kit_port,
        b"GET /datetime HTTP/1.1 \nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n\n",
    )
    assert re.search(rb"UTC:\d{4},\d{1,2},\d{1,2},\d\d,\d\d,\d\d#", told)
    say(OLD, "tell the time", "ok")


def test_an_old_kit_posts_in_loose_bytes(running: Platform, say: Say) -> None:
    now = datetime.now(UTC)
    row = f'{{"temp":"25132","bat":"800","timestamp":"{now:%Y-%-m-%-d %H:%M:%S}"}}'
    told = raw(
        running.kit_port,
        b"PUT /add HTTP/1.1 \nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n"
        + f"X-SmartCitizenMacADDR: {MAC}\r\nX-SmartCitizenVersion: 1.1-0.8.5-A\r\n".encode()
        + f"X-SmartCitizenData: [{row}]\r\n\r\n]\r\n\r\n".encode(),
    )
    assert b"UTC:" in told
    body = running.get("/v0/devices/1").json()
    assert body["last_reading_at"] == f"{now:%Y-%m-%dT%H:%M:%SZ}"
    values = {sensor["id"]: sensor["value"] for sensor in body["data"]["sensors"]}
    assert values[12] == pytest.approx(14.3858, abs=1e-3)
    say(OLD, "post readings in loose bytes", "ok")


def test_a_new_kit_is_set_up_and_posts(running: Platform, broker: Mosquitto, say: Say) -> None:
    web = f"{running.web}/v0/onboarding"
    made = requests.post(f"{web}/device", json={"name": "New", "kit_id": 34}, timeout=10).json()
    session, token = {"OnboardingSession": made["onboarding_session"]}, made["device_token"]
    kit = Kit(broker.port, token)
    kit.publish("hello", f"{token}:Hello")
    until(lambda: requests.get(f"{web}/device", headers=session, timeout=10).json()["seen_at"])
    registered = requests.post(f"{web}/register", headers=session, auth=ALICE, timeout=10)
    assert registered.status_code == 201, registered.text
    path = f"/v0/devices/{registered.json()['id']}"
    say(NEW, "be set up and say hello", "ok")

    kit.publish("readings/raw", "{t:2017-03-24T13:35:14Z,55:21.50,56:null}", qos=0)
    until(lambda: shown(running, path) == {55: 21.5})
    say(NEW, "post raw readings with QoS 0", "ok")

    element = '{"recorded_at":"2017-03-24 13:36:14","sensors":[{"id":56,"value":48}]}'
    kit.publish("readings", f'{{"data":[{element}]}}')
    until(lambda: shown(running, path) == {55: 21.5, 56: 48})
    say(NEW, "post readings", "ok")

    kit.publish("info", '{"hw_ver":"2.1","mac":"8C:45"}')
    until(lambda: told(running, path))
    assert told(running, path).items() >= {"hw_ver": "2.1", "mac": "8C:45"}.items()
    say(NEW, "report hardware", "ok")
    kit.leave()


def shown(running: Platform, path: str) -> dict[int, float]:
    """The newest values of a device."""
    sensors = running.get(path).json()["data"]["sensors"]
    return {sensor["id"]: sensor["value"] for sensor in sensors if sensor["value"] is not None}


def told(running: Platform, path: str) -> Any:
    """What a device last told its owner of itself."""
    return running.get(path, auth=ALICE).json()["hardware"]["last_status_message"]
