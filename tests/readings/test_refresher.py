"""The refresher follows the readings by itself, through the loss of its connections."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from pytest_django import DjangoDbBlocker

from apps.devices import world_map
from apps.devices.models import Device
from apps.readings import ingest, refresher
from apps.readings.keys import Row
from apps.readings.refresher import LONGEST_PAUSE, PAUSE, Follower
from smartcitizen import processes
from tests import live

HOUR = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEMPERATURE = 55
READING = """
INSERT INTO readings_reading (device_id, recorded_at, added_at, sensor_set_id, "values")
    VALUES (1, %(at)s, %(at)s, 1, '{20.5}');
INSERT INTO readings_dirty (device_id, hour) VALUES (1, date_trunc('hour', %(at)s, 'UTC'))
"""


def store(device: Device) -> None:
    """A reading of an hour that is long over."""
    rows = [Row(0, HOUR, {TEMPERATURE: (20.5, None)})]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)


@pytest.mark.django_db(transaction=True)
def test_a_turn_refreshes_what_waits_and_finds_nothing_afterwards(device: Device) -> None:
    store(device)
    follower = Follower()
    assert (follower.turn(), follower.turn()) == (1, 0)
    assert list(refresher.differences(device.pk)) == []


@pytest.mark.django_db(transaction=True)
def test_a_turn_renews_the_map_where_it_is_asked_for(device: Device) -> None:
    first = world_map.current()
    old = (first.tag, first.computed_at - world_map.RENEW - 1, first.generation)
    cache.set(world_map.COPY, old)
    assert world_map.current().tag == first.tag
    Follower().turn()
    assert world_map.current().computed_at > first.computed_at


@pytest.mark.django_db
def test_it_ends_after_the_turn_in_which_it_was_told_to_leave(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower, turns = Follower(), []

    def turn() -> int:
        turns.append(1)
        follower.leave()
        return 1

    monkeypatch.setattr(follower, "turn", turn)
    follower.run()
    assert turns == [1]


@pytest.mark.django_db(transaction=True)
def test_it_waits_longer_and_longer_for_a_database_that_is_away(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(device)
    follower = Follower()
    with monkeypatch.context() as away:
        away.setattr(connection, "cursor", _refused)
        pauses = []
        for _ in range(5):
            assert follower.turn() == 0
            pauses.append(follower.pause)
    assert pauses == [2 * PAUSE, 4 * PAUSE, LONGEST_PAUSE, LONGEST_PAUSE, LONGEST_PAUSE]
    assert (follower.turn(), follower.pause) == (1, PAUSE)


def _refused(*args: Any) -> Any:
    raise OperationalError("connection refused")


@contextmanager
def following(environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """The refresher, for the length of the block at most."""
    command = [sys.executable, "manage.py", "refresher"]
    process = subprocess.Popen(command, cwd=live.ROOT, env=environment, start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            processes.stop(process, (signal.SIGTERM, 20))


@pytest.mark.slow
def test_the_process_follows_through_lost_connections_and_leaves_in_good_order(
    django_db_blocker: DjangoDbBlocker,
) -> None:
    with django_db_blocker.unblock(), live.database("refresher") as url:
        environment = {**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
        live.Platform("", 0, environment).manage("migrate")
        with closing(psycopg2.connect(url)) as books, following(environment) as process:
            books.autocommit = True
            cursor = books.cursor()
            cursor.execute(
                "INSERT INTO readings_sensorset (id, sensor_ids) VALUES (1, %s)", [[TEMPERATURE]]
            )
            cursor.execute(READING, {"at": HOUR})
            until(lambda: kept(cursor) == 1)
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
            assert cursor.fetchall() == [(True,)], "it holds one connection"
            cursor.execute(READING, {"at": HOUR.replace(hour=13)})
            until(lambda: kept(cursor) == 2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0


def kept(cursor: Any) -> int:
    """How many hours are kept and clean."""
    cursor.execute("SELECT count(*) FROM readings_hourly WHERE NOT EXISTS (TABLE readings_dirty)")
    [(count,)] = cursor.fetchall()
    return int(count)


def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + live.SECONDS_TO_START
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
