"""Files of readings from the web server as production runs it: broken ones, and slow clients."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from urllib.parse import urlsplit

import psycopg2
import pytest
import requests

from apps.readings import exports
from tests import live

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

# A minute apart from this time on, of six sensors: some megabytes as NDJSON
START = datetime(2026, 3, 1, tzinfo=UTC)
COUNT = 40_000
FILL = f"""
from datetime import datetime, timedelta, UTC
from django.db import connection
from apps.devices.models import Device
from apps.readings import ingest, partitions, sensor_sets
from apps.readings.keys import Row
from apps.users.models import User
owner = User.objects.create(username='alice', email='alice@example.org')
device = Device.objects.register(owner=owner, name='Long')
start = datetime.fromisoformat('{START.isoformat()}')
last = start + timedelta(minutes={COUNT} - 1)
partitions.ensure([start + timedelta(days=day) for day in range(42)])
ingest.store(device.pk, [Row(0, last, {{n: (n + 0.123, None) for n in (7, 12, 13, 14, 17, 18)}})])
with connection.cursor() as cursor:
    cursor.execute(
        "INSERT INTO readings_reading"
        " (device_id, recorded_at, added_at, sensor_set_id, \\"values\\")"
        " SELECT device_id, recorded_at - n * interval '1 minute', added_at, sensor_set_id,"
        " \\"values\\" FROM readings_reading, generate_series(1, {COUNT} - 1) AS n"
    )
print(device.pk)
"""


@pytest.fixture(scope="module")
def served(django_db_setup: None, django_db_blocker: object) -> Iterator[tuple[live.Platform, str]]:
    """A platform with one device of many readings; and the path of its NDJSON file."""
    with (
        django_db_blocker.unblock(),  # type: ignore[attr-defined]
        live.platform("streams_live", WEB_CONCURRENCY="1") as platform,
    ):
        device_id = platform.python(FILL).split()[-1]
        yield platform, f"/v0/devices/{device_id}/readings?format=ndjson"


def transactions(platform: live.Platform) -> list[tuple[str, str]]:
    """Sessions of the platform's database that hold a transaction for longer than a page takes."""
    with closing(psycopg2.connect(platform.environment["DATABASE_URL"])) as connection:
        cursor = connection.cursor()
        cursor.execute(
            "SELECT state, query FROM pg_stat_activity WHERE datname = current_database()"
            " AND xact_start < clock_timestamp() - interval '1 second'"
        )
        return [(str(state), str(query)) for state, query in cursor.fetchall()]


def test_a_file_is_whole_and_a_head_makes_none(served: tuple[live.Platform, str]) -> None:
    platform, path = served
    answer = platform.get(path, headers={"Accept-Encoding": "identity"})
    assert (answer.status_code, answer.content.count(b"\n")) == (200, COUNT)
    zipped = platform.get(path)
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.content == answer.content
    head = requests.head(platform.web + path, timeout=30)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == answer.headers["Content-Type"]


def test_a_client_that_stops_reading_holds_nothing(served: tuple[live.Platform, str]) -> None:
    platform, path = served
    address = urlsplit(platform.web)
    stalled = []
    try:
        for _ in range(2):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((address.hostname, address.port))
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
            assert client.recv(12) == b"HTTP/1.1 200"
            stalled.append(client)
        # Until what lies between the server and the clients is full.
        time.sleep(2)
        deadline = time.monotonic() + 20
        while (held := transactions(platform)) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert held == []
        assert platform.get("/v0/sensors").status_code == 200
    finally:
        for client in stalled:
            client.close()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_file_that_fails_midway_ends_visibly_broken(
    served: tuple[live.Platform, str], encoding: str
) -> None:
    platform, path = served
    # A row of a set that does not exist cannot be shown; it lies in the last page.
    spoil = "UPDATE readings_reading SET sensor_set_id = %s WHERE recorded_at = %s"
    with closing(psycopg2.connect(platform.environment["DATABASE_URL"])) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT sensor_set_id, max(recorded_at) FROM readings_reading GROUP BY 1")
        ((set_id, last),) = cursor.fetchall()
        cursor.execute(spoil, [set_id + 1000, last])
        try:
            answer = platform.get(path, headers={"Accept-Encoding": encoding})
        finally:
            cursor.execute(spoil, [set_id, last])
    *readings, end = answer.content.splitlines(keepends=True)
    assert end == exports.INCOMPLETE["ndjson"]
    assert 0 < len(readings) < COUNT
