"""`manage.py mqtt` as it runs: a process that is killed, kept from its database, and stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection, transaction

from apps.devices.models import Device
from apps.readings.models import IngestError, Reading
from smartcitizen import processes, serve, welcome
from tests.brokers import Kit, Mosquitto
from tests.live import ROOT, server_of_tests, url_of_database

TOKEN = "abc123"
START = datetime(2026, 1, 1, tzinfo=UTC)

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """A running Mosquitto."""
    running = Mosquitto(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def kit(broker: Mosquitto, device: Device) -> Iterator[Kit]:
    """Alice's device as a newer kit, connected to the broker."""
    device.change(device_token=TOKEN)
    connected = Kit(broker.port, TOKEN)
    yield connected
    connected.leave()


class Subscriber:
    """`manage.py mqtt`, over the database of the tests; it logs to a file."""

    def __init__(self, broker: Mosquitto, log: Path, name: str = "1") -> None:
        self.broker, self.log, self.name = broker, log, name
        self.start()

    def start(self) -> None:
        """Start it, and wait until it is connected."""
        before = self.said().count("connected to the broker")
        environment = {
            **os.environ,
            "DATABASE_URL": url_of_database(str(connection.settings_dict["NAME"])),
            "MQTT_URL": self.broker.url,
            "LOG_LEVEL": "INFO",
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "mqtt", "--name", self.name],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )
        until(lambda: self.said().count("connected to the broker") > before)

    def said(self) -> str:
        """What it logged."""
        return self.log.read_text() if self.log.exists() else ""

    def kill(self) -> None:
        """End it with no chance to finish anything."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it in good order."""
        return processes.stop(self.process, (signal.SIGTERM, 10))


@pytest.fixture
def subscriber(broker: Mosquitto, kit: Kit, tmp_path: Path) -> Iterator[Subscriber]:
    """A running subscriber."""
    running = Subscriber(broker, tmp_path / "log")
    yield running
    running.stop()


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def message(number: int) -> str:
    """One reading, told apart by its time and its value."""
    return f"{{t:{START + timedelta(seconds=number):%Y-%m-%dT%H:%M:%SZ},55:{number}}}"


def stored() -> list[tuple[int, float]]:
    """The readings that are stored, each as its number by its time and its value."""
    readings = Reading.objects.order_by("recorded_at")
    return [((r.recorded_at - START).total_seconds().__int__(), r.values[0]) for r in readings]


def all_of(count: int) -> list[tuple[int, float]]:
    """What is stored where each of `count` messages is there exactly once."""
    return [(number, float(number)) for number in range(count)]


@contextmanager
def held(device: Device) -> Iterator[None]:
    """Nobody can store readings of the device meanwhile."""
    with transaction.atomic():
        Device.objects.select_for_update().get(pk=device.pk)
        yield


def test_killed_between_receipt_and_commit_it_loses_nothing(
    subscriber: Subscriber, kit: Kit, device: Device
) -> None:
    with held(device):
        kit.publish("readings/raw", message(0))
        until(is_waiting)
        subscriber.kill()
    assert stored() == []
    subscriber.start()
    until(stored)
    assert stored() == all_of(1)
    assert not IngestError.objects.exists()


def is_waiting() -> bool:
    """Whether somebody waits for the row that the test holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        found: int = cursor.fetchone()[0]
    return found > 0


def test_killed_again_and_again_it_stores_every_reading_exactly_once(
    subscriber: Subscriber, kit: Kit
) -> None:
    for number in range(300):
        kit.publish("readings/raw", message(number))
        if number % 100 == 99:
            subscriber.kill()
            subscriber.start()
    until(lambda: len(stored()) == 300)
    assert stored() == all_of(300)
    assert not IngestError.objects.exists()


def test_a_database_that_is_away_is_waited_for_and_nothing_is_lost(
    subscriber: Subscriber, kit: Kit
) -> None:
    kit.publish("readings/raw", message(0))
    until(stored)
    name = str(connection.settings_dict["NAME"])
    connection.close()
    admin = psycopg2.connect(dbname="postgres", **server_of_tests())
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        for number in range(1, 50):
            kit.publish("readings/raw", message(number))
        until(lambda: subscriber.said().count("message waits") >= 3)
    finally:
        with admin.cursor() as cursor:
            cursor.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
        admin.close()
    until(lambda: len(stored()) == 50)
    assert stored() == all_of(50)
    assert "messages are taken again" in subscriber.said()
    assert not IngestError.objects.exists()


def test_a_retained_message_and_one_sent_twice_are_one_reading(
    broker: Mosquitto, kit: Kit, subscriber: Subscriber, tmp_path: Path
) -> None:
    kit.publish("readings/raw", message(0), retain=True)
    kit.publish("readings/raw", message(0))
    until(stored)
    subscriber.stop()
    subscriber.start()
    kit.publish("readings/raw", message(1))
    until(lambda: len(stored()) == 2)
    assert stored() == all_of(2)


def test_it_ends_in_good_order_and_keeps_its_session(subscriber: Subscriber, kit: Kit) -> None:
    assert subscriber.stop() == 0
    kit.publish("readings/raw", message(0))
    subscriber.start()
    until(stored)
    assert "whose session is new" not in subscriber.said().splitlines()[-1]
    assert "Traceback" not in subscriber.said()


@pytest.mark.parametrize(("url", "wanted"), [("", False), ("mqtt://127.0.0.1", True)])
def test_make_run_starts_it_where_there_is_a_broker(settings: Any, url: str, wanted: bool) -> None:
    settings.MQTT_URL = url
    assert ("subscriber" in [part.name for part in serve.parts()]) is wanted


def test_make_run_says_where_newer_kits_publish_and_no_password(
    settings: Any, tmp_path: Path
) -> None:
    settings.MQTT_URL = "mqtt://platform:a-password@broker.example.org"
    said = welcome.text(False, tmp_path)
    assert "  newer kits   what they publish at broker.example.org by MQTT" in said.splitlines()
    assert "a-password" not in said


def test_without_a_broker_to_go_to_it_says_so() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "mqtt"],
        cwd=ROOT,
        env={**os.environ, "MQTT_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert (
        done.stderr
        == "CommandError: MQTT_URL is not set: use an address such as mqtt://host:1883\n"
    )
