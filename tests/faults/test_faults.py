"""Parts of the platform are killed and paused under load: nothing acknowledged is lost.

The short form is part of every run; `make test-faults` is the long one, which also fills the disk
of the database and writes docs/reliability.md.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg2
import pytest

from smartcitizen import processes
from tests.brokers import program
from tests.faults.load import Key, KitSender, Ledger, MqttSender, RestSender, Sender
from tests.faults.machine import Machine
from tests.faults.report import Report, write
from tests.live import ROOT
from tests.mailserver import MailServer

KILLS = int(os.environ.get("FAULT_KILLS", "0"))
SEED = int(os.environ.get("FAULT_SEED", "8"))
DOCUMENT = ROOT / "docs" / "reliability.md"
DOORS = ("REST", "kit", "MQTT")
# Puts a mail into the outbox again and again. A database that is away takes none; one that it has
# committed is owed.
MAILING = """
import time
from django.db import DatabaseError, InterfaceError, close_old_connections
from apps.users import mails
from apps.users.models import User
while True:
    close_old_connections()
    try:
        mails.welcome(User.objects.get(username="alice"))
    except (DatabaseError, InterfaceError):
        pass
    time.sleep(0.2)
"""
# As if the pauses before the next try of each mail were over
TRY_NOW = """
from django.utils import timezone
from apps.mail.models import Mail
from apps.mail.tasks import deliver_due
Mail.objects.waiting().update(try_at=timezone.now())
deliver_due()
"""
SECONDS_TO_HEAL = 120.0
# docs/decisions/mqtt.md: what the broker alone has when it is killed is lost with it, from its last
# writing down until the subscriber is back.
BROKER_SECONDS = (15.0, 10.0)
MAC_ADDRESS = "00:06:66:2A:02:B3"
PEOPLE = f"""
import json
from apps.devices.models import Device
from apps.users.models import User
alice = User.objects.create_user("alice", "alice@example.org", "alicealice")
rest = [Device.objects.register(owner=alice, name="rest", kit_id=3).pk for _ in range(2)]
kit = Device.objects.register(owner=alice, name="kit", kit_id=3, mac_address="{MAC_ADDRESS}").pk
mqtt = Device.objects.register(owner=alice, name="mqtt", kit_id=3, device_token="abc123").pk
print(json.dumps([rest, kit, mqtt]))
"""

pytestmark = pytest.mark.slow


@dataclass
class Run:
    """A machine under load, and what is done to it."""

    machine: Machine
    ledger: Ledger
    senders: list[Sender]
    report: Report
    mail_server: MailServer
    mailing: subprocess.Popen[bytes]
    rng: random.Random = field(default_factory=lambda: random.Random(SEED))
    broker_kills: list[float] = field(default_factory=list)

    def kill(self, name: str) -> None:
        """SIGKILL a part while posts are in flight, start it again, wait until all is well."""
        part = self.machine[name]
        time.sleep(self.rng.uniform(0, 0.5))
        in_flight = self.await_flight(part.doors)
        part.kill(self.rng)
        if name == "broker":
            self.broker_kills.append(time.monotonic())
        began = time.monotonic()
        time.sleep(self.rng.uniform(0, 1))
        if not part.is_running():
            part.run()
        self.heal()
        self.report.note(f"{name} killed", in_flight, time.monotonic() - began)

    def pause(self, name: str) -> None:
        """A part stands still for some seconds."""
        part = self.machine[name]
        in_flight = self.await_flight(part.doors)
        with part.paused():
            time.sleep(self.rng.uniform(1, 4))
        began = time.monotonic()
        self.heal()
        self.report.note(f"{name} paused", in_flight, time.monotonic() - began)

    def silence(self) -> None:
        """PostgreSQL stands still until each door that can say so told a client to come again."""
        in_flight = self.await_flight(())
        before = {door: self.ledger.refused(door) for door in ("REST", "kit")}
        deadline = time.monotonic() + SECONDS_TO_HEAL
        with self.machine["PostgreSQL"].paused():
            while any(self.ledger.refused(door) == count for door, count in before.items()):
                assert time.monotonic() < deadline, "nobody was told that PostgreSQL stands still"
                time.sleep(0.1)
        began = time.monotonic()
        self.heal()
        self.report.note("PostgreSQL silent until noticed", in_flight, time.monotonic() - began)

    def fill(self, place: Path) -> None:
        """The disk of the database is full until clients were told to come again."""
        in_flight = self.await_flight(())
        before = self.ledger.refused()
        ballast = place / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))
        deadline = time.monotonic() + SECONDS_TO_HEAL
        while self.ledger.refused() < before + 20:
            assert time.monotonic() < deadline, "nobody noticed that the disk is full"
            time.sleep(0.1)
        ballast.unlink()
        began = time.monotonic()
        self.heal()
        self.report.note("disk of PostgreSQL full", in_flight, time.monotonic() - began)

    def await_flight(self, doors: tuple[str, ...]) -> int:
        """Wait until posts are in flight; how many."""
        deadline = time.monotonic() + SECONDS_TO_HEAL
        while not (count := self.ledger.count(doors)):
            assert time.monotonic() < deadline, "no post is in flight"
            time.sleep(0.0005)
        return count

    def heal(self) -> None:
        """Wait until a post that begins now is stored by each door; as a supervisor meanwhile."""
        began = time.monotonic()
        waiting: dict[str, Key | None] = dict.fromkeys(DOORS)
        while waiting:
            self.machine.supervise()
            for door in list(waiting):
                at, key = self.ledger.newest.get(door, (0.0, None))
                waiting[door] = waiting[door] or (key if at > began else None)
                first = waiting[door]
                if first and (door != "MQTT" or self.is_stored(first)):
                    del waiting[door]
            assert time.monotonic() - began < SECONDS_TO_HEAL, f"{[*waiting]} did not heal"
            time.sleep(0.02)

    def is_stored(self, key: Key) -> bool:
        """Whether a reading, or one of the same door after it, is there."""
        with contextlib.suppress(psycopg2.OperationalError):
            return bool(
                self.ask(
                    "SELECT 1 FROM readings_reading WHERE device_id = %s AND recorded_at >= %s"
                    " LIMIT 1",
                    key,
                )
            )
        return False

    def ask(self, sql: str, parameters: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
        """Ask the database."""
        database = psycopg2.connect(self.machine.postgres.url)
        try:
            with database.cursor() as cursor:
                cursor.execute(sql, parameters)
                rows: list[tuple[object, ...]] = cursor.fetchall()
                return rows
        finally:
            database.close()

    def end(self) -> None:
        """End the load, and hold what is stored against the ledger."""
        assert self.mailing.poll() is None
        processes.stop(self.mailing, (signal.SIGTERM, 20))
        for sender in self.senders:
            sender.ending.set()
        for sender in self.senders:
            sender.join(180)
        assert not [sender for sender in self.senders if sender.is_alive() or sender.gave_up]
        stored = self.await_queue()
        acknowledged = self.ledger.acknowledged
        missing = [key for key in acknowledged if key not in stored]
        with_broker = {key for key in missing if self.was_with_broker(key)}
        self.report.acknowledged = len(acknowledged) - len(with_broker)
        self.report.found = sum(key in stored for key in acknowledged)
        self.report.lost_with_broker = len(with_broker)
        self.report.answers = self.ledger.answers
        assert not set(missing) - with_broker
        wrong = {key: value for key, value in stored.items() if self.ledger.sent[key] != value}
        assert not wrong
        assert not self.ledger.unclear
        self.hold_mails()
        self.machine.platform.manage("rollups")
        assert "what is kept equals" in self.machine.platform.manage("rollups", "--check")
        assert self.machine.platform.get("/health/ready").status_code == 200

    def hold_mails(self) -> None:
        """Every mail of the outbox came, under one Message-ID, saying the same each time."""
        self.machine.platform.python(TRY_NOW)
        rows = self.ask("SELECT message_id, sent_at IS NOT NULL FROM mail_mail")
        assert rows
        assert all(sent for _, sent in rows)
        copies: dict[str, set[str]] = {str(message_id): set() for message_id, _ in rows}
        for mail in self.mail_server.taken:
            copies[mail["Message-ID"]].add(str(mail["Date"]) + str(mail.get_payload(0)))
        self.report.mails = len(rows)
        self.report.mails_sent = sum(bool(different) for different in copies.values())
        self.report.mail_copies = len(self.mail_server.taken)
        assert {len(different) for different in copies.values()} == {1}

    def await_queue(self) -> dict[Key, float]:
        """All readings, once what waits in the broker is taken."""
        deadline = time.monotonic() + 60
        before = -1
        while True:
            self.machine.supervise()
            stored = self.stored()
            waiting = [k for k in self.ledger.acknowledged if k not in stored]
            if not waiting:
                return stored
            if len(stored) != before:
                deadline = time.monotonic() + 60 if before < 0 else deadline + 5
            elif time.monotonic() > deadline or all(map(self.was_with_broker, waiting)):
                return stored
            before = len(stored)
            time.sleep(3)

    def stored(self) -> dict[Key, float]:
        """What is there; an error where a row is there twice or holds other than one value."""
        rows = self.ask("SELECT device_id, recorded_at, values FROM readings_reading")
        found: dict[Key, float] = {}
        for device_id, recorded_at, values in rows:
            assert isinstance(device_id, int)
            assert isinstance(recorded_at, datetime)
            assert isinstance(values, list)
            assert (device_id, recorded_at) not in found
            [found[device_id, recorded_at]] = values
        return found

    def was_with_broker(self, key: Key) -> bool:
        """Whether the broker alone had a reading, shortly before or after it died."""
        at = self.ledger.acknowledged[key]
        before, after = BROKER_SECONDS
        near = any(kill - before < at < kill + after for kill in self.broker_kills)
        return self.ledger.doors[key] == "MQTT" and near


@contextlib.contextmanager
def running(title: str, database: Path | None = None) -> Iterator[Run]:
    """A machine under load."""
    program("mosquitto")
    directory = Path(tempfile.mkdtemp(prefix="smartcitizen-faults-"))
    mail_server = MailServer()
    machine = Machine(directory, database, mail_server.port)
    try:
        machine.start()
        [one, other], kit, mqtt = json.loads(machine.platform.python(PEOPLE).splitlines()[-1])
        token = sign_in(machine)
        ledger = Ledger()
        place = machine.platform.web, token, ledger
        door = f"http://127.0.0.1:{machine.platform.kit_port}/add"
        senders: list[Sender] = [
            RestSender(*place, one, 0, 2),
            RestSender(*place, one, 1, 2),  # two at once on one device
            RestSender(*place, other, 0, 1),
            KitSender(door, MAC_ADDRESS, ledger, kit, 0, 2),
            KitSender(door, MAC_ADDRESS, ledger, kit, 1, 2),
            MqttSender(machine.mqtt_port, "abc123", ledger, mqtt, 0, 2),
            MqttSender(machine.mqtt_port, "abc123", ledger, mqtt, 1, 2),
        ]
        for sender in senders:
            sender.start()
        with mail_server.running(), mailing(machine) as writing:
            run = Run(machine, ledger, senders, Report(title), mail_server, writing)
            run.heal()
            yield run
            run.end()
        print("\n".join(run.report.lines()))
    except BaseException:
        print((directory / "parts.log").read_text(errors="replace")[-50_000:])
        raise
    finally:
        machine.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def mailing(machine: Machine) -> Iterator[subprocess.Popen[bytes]]:
    """Mails are written for the length of the block at most."""
    process = processes.start(
        [sys.executable, "manage.py", "shell", "-v0", "-c", MAILING],
        cwd=ROOT,
        env=machine.platform.environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            processes.stop(process, (signal.SIGTERM, 20))


def sign_in(machine: Machine) -> str:
    """Alice's token."""
    answer = machine.platform.post("/v0/sessions", {"username": "alice", "password": "alicealice"})
    token: str = answer.json()["access_token"]
    return token


NAMES = ("web worker", "PostgreSQL", "kit door", "Valkey", "subscriber", "broker")
NAMES += ("task worker", "refresher")


def test_nothing_acknowledged_is_lost_when_any_part_is_killed_or_paused() -> None:
    with running("Parts killed and paused") as run:
        for name in NAMES:
            run.kill(name)
        for name in ("PostgreSQL", "web worker"):
            run.pause(name)


@contextlib.contextmanager
def small_disk() -> Iterator[Path]:
    """A disk of 300 MB in memory; the test ends where this machine lets us make none."""
    place = Path(tempfile.mkdtemp(prefix="smartcitizen-disk-"))
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", place])
    if made.returncode:
        pytest.fail("a full disk needs the right to mount one: run make test-faults as root")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)
        place.rmdir()


@pytest.mark.skipif(not KILLS, reason="the long form: make test-faults")
def test_nothing_acknowledged_is_lost_in_a_hundred_faults() -> None:
    with running(f"Parts killed and paused, seed {SEED}") as run:
        for turn in range(KILLS):
            in_turn = turn < KILLS // 2
            run.kill(NAMES[turn % len(NAMES)] if in_turn else run.rng.choice(NAMES))
            if turn % 9 == 8:
                run.pause(NAMES[turn // 9 % len(NAMES)])
        run.silence()
    write(DOCUMENT, "parts", run.report)


@pytest.mark.skipif(not KILLS, reason="the long form: make test-faults")
def test_nothing_acknowledged_is_lost_by_a_full_disk() -> None:
    with small_disk() as place, running("The disk of the database full", place) as run:
        for _ in range(3):
            run.fill(place)
    write(DOCUMENT, "disk", run.report)
