"""The web server is killed while it takes readings, and the books balance.

Real processes: what was acknowledged is there once, what was not can be sent again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg2
import pytest
import requests
from pytest_django import DjangoDbBlocker

from tests import live

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
SETUP = """
from apps.devices.models import Device
from apps.kits.models import Kit
from apps.users.models import User
from datetime import timedelta
from django.utils import timezone
from oauth2_provider.models import AccessToken, set_token_value
alice = User.objects.create_user("alice", "alice@example.org", "alicealice")
device = Device.objects.register(owner=alice, kit=Kit.objects.get(slug="sck:1,1"), name="Roof",
    description="", exposure="outdoor", latitude=52.4, longitude=4.6, city="", country_code="NL")
expires = timezone.now() + timedelta(days=1)
token = AccessToken(user=alice, expires=expires, scope="public write readings")
set_token_value(token, "the-token-of-alice")
token.save()
print(device.pk)
"""


class Site:
    """A database with a device of alice's, and a web server that may die."""

    def __init__(self, url: str) -> None:
        self.port = live.free_port()
        self.web = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **os.environ,
            "DATABASE_URL": url,
            "SECRET_KEY": "for-a-live-platform-in-the-tests-0123456789-abcdefghijkl",
            "PORT": str(self.port),
            "PUBLIC_URL": self.web,
            "WEB_WORKERS": "1",
            "LOG_LEVEL": "ERROR",
            "THROTTLE_USER": "",
        }
        self.platform = live.Platform(self.web, 0, self.environment)
        self.platform.manage("migrate")
        self.platform.manage("catalogue")
        self.platform.manage("collectstatic", "--noinput")
        self.device_id = int(self.platform.python(SETUP))

    @contextmanager
    def served(self) -> Iterator[subprocess.Popen[bytes]]:
        """The web server, until it is killed, at the end of the block at the latest."""
        command = [sys.executable, "-m", "smartcitizen.webserver"]
        process = subprocess.Popen(
            command, cwd=live.ROOT, env=self.environment, start_new_session=True
        )
        try:
            live.wait_for(f"{self.web}/datetime", process)
            yield process
        finally:
            if process.poll() is None:
                kill(process)

    def post(self, minute: int) -> requests.Response:
        """Send the reading of one minute."""
        at = START + timedelta(minutes=minute)
        element = {"recorded_at": at.isoformat(), "sensors": [{"id": 7, "value": minute}]}
        return requests.post(
            f"{self.web}/v0/devices/{self.device_id}/readings",
            data=json.dumps({"data": [element]}),
            headers={
                "Content-Type": "application/json",
                "Authorization": "Bearer the-token-of-alice",
            },
            timeout=60,
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """End a server and its workers at once, as a machine does that loses its power."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def until(cursor: Any, question: str, answer: int) -> None:
    """Wait until the database answers a question so."""
    deadline = time.monotonic() + live.SECONDS_TO_START
    while time.monotonic() < deadline:
        cursor.execute(question)
        if cursor.fetchone() == (answer,):
            return
        time.sleep(0.02)
    raise AssertionError(question)


OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND backend_type = 'client backend' AND application_name <> 'observer'"
)
# Where a post is held up: before its device's row is its own, and with its reading written.
HELD_UP = {
    "before it is written": "SELECT FROM devices_device WHERE id = {device} FOR NO KEY UPDATE",
    "between writing and commit": (
        "INSERT INTO readings_dirty (device_id, hour) VALUES ({device}, '{hour}')"
    ),
}


@pytest.fixture(scope="module")
def site(django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """One for all tests of this module: each has hours of its own."""
    with django_db_blocker.unblock(), live.database("killed") as url:
        yield Site(url)


@pytest.mark.parametrize("place", list(HELD_UP))
def test_a_post_that_dies_before_its_answer_can_be_sent_again(site: Site, place: str) -> None:
    url = site.environment["DATABASE_URL"]
    minute = 60 * (1 + list(HELD_UP).index(place))
    hour = START + timedelta(minutes=minute)
    observer = psycopg2.connect(url, application_name="observer")
    observer.autocommit = True
    holder = psycopg2.connect(url, application_name="observer")
    count = (
        f"SELECT count(*) FROM readings_reading WHERE device_id = {site.device_id}"
        f" AND recorded_at = '{hour.isoformat()}'"
    )
    with observer.cursor() as books, holder.cursor() as cursor, ThreadPoolExecutor(1) as client:
        with site.served() as server:
            cursor.execute(HELD_UP[place].format(device=site.device_id, hour=hour.isoformat()))
            answer = client.submit(site.post, minute)
            until(books, f"{OTHERS} AND wait_event_type = 'Lock'", 1)
            kill(server)
            with pytest.raises(requests.ConnectionError):
                answer.result()
        holder.rollback()
        until(books, OTHERS, 0)
        until(books, count, 0)
        with site.served():
            assert site.post(minute).json()["stored"] == 1
            again = site.post(minute)
            assert (again.status_code, again.json()["duplicates"]) == (200, 1)
        until(books, count, 1)
    observer.close()
    holder.close()


def test_what_was_acknowledged_before_a_kill_is_there_once(site: Site) -> None:
    """Four clients post while the server is killed, and send again what was not answered."""
    minutes = range(300, 340)
    waiting = set(minutes)
    acknowledged: list[int] = []

    def send(minute: int) -> None:
        try:
            answer = site.post(minute)
        except requests.RequestException:
            return  # it may have been stored or not: it is sent again
        assert answer.status_code in (200, 201)
        acknowledged.append(minute)

    for answers in (8, 20, len(minutes)):
        with site.served() as server, ThreadPoolExecutor(4) as clients:
            posts = [clients.submit(send, minute) for minute in sorted(waiting)]
            while len(acknowledged) < answers:
                time.sleep(0.001)
            kill(server)
            for post in posts:
                post.result()
        waiting -= set(acknowledged)
    with psycopg2.connect(site.environment["DATABASE_URL"]) as books, books.cursor() as cursor:
        cursor.execute(
            'SELECT "values"[1]::integer FROM readings_reading WHERE device_id = %s'
            " AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at",
            [site.device_id, START + timedelta(minutes=300), START + timedelta(minutes=340)],
        )
        assert [minute for (minute,) in cursor.fetchall()] == list(minutes)
    books.close()
    assert sorted(acknowledged) == list(minutes)
    site.platform.manage("rollups")
    site.platform.manage("rollups", "--check")
