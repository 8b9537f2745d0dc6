"""A year of a kit that posts each minute: in our tables, and as other databases take it.

What is stored is what the platform stores: the first device's hours are kept by the refresher, in
the platform's own way. More devices, and more years, are copies of its rows.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import psycopg2
from reads import ROOT, free_port, manage

SENSORS = 12
END = datetime(2026, 1, 1, tzinfo=UTC)
POSTS_AT_ONCE = 5_000
# Where the others take line protocol
INFLUX_WRITE = "/write?db=bench&precision=s"
VICTORIA_WRITE = "/write?precision=s"
SETUP = """
import json
from datetime import datetime, timedelta
from apps.devices.models import Component, Device
from apps.kits.models import Kit
from apps.readings import partitions, sensor_sets
from apps.sensors.models import Sensor
from apps.users.models import User
user = User.objects.create_user("bench", "bench@example.org", "benchbench")
for number in range({devices}):
    device = Device.objects.register(
        owner=user, kit=Kit.objects.get(slug="sck:2,1"), name=f"bench {{number}}", description="",
        exposure="indoor", latitude=41.4, longitude=2.2, city="Barcelona", country_code="ES",
    )
    own = sorted(Component.objects.filter(device=device).values_list("sensor_id", flat=True))
    more = Sensor.objects.exclude(pk__in=own).order_by("pk").values_list("pk", flat=True)
    sensors = sorted([*own, *more[: {sensors} - len(own)]])[:{sensors}]
    Component.objects.ensure(device.pk, [(sensor, None) for sensor in sensors])
start, end = datetime.fromisoformat("{start}"), datetime.fromisoformat("{end}")
partitions.ensure(start + timedelta(days=day) for day in range((end - start).days))
number = sensor_sets.numbers([tuple(sensors)], device.pk, None)[tuple(sensors)]
devices = list(Device.objects.order_by("pk").values_list("pk", flat=True))
print(json.dumps([devices, sensors, number]))
"""
# Plain values with two decimals, as kits send them; `value` says the same.
POSTS = """
INSERT INTO readings_reading (device_id, recorded_at, added_at, sensor_set_id, "values")
SELECT %(device)s, %(start)s + minute * interval '1 minute',
    %(start)s + minute * interval '1 minute' + interval '2 seconds', %(set)s,
    ARRAY[{values}] FROM generate_series(0, %(minutes)s - 1) AS minute
"""
MARKS = """
INSERT INTO readings_dirty (device_id, hour)
SELECT %(device)s, hour
FROM generate_series(%(start)s, %(end)s - interval '1 hour', '1 hour') AS hour
"""
# In order of arrival, the devices in turn.
COPY_DEVICES = """
INSERT INTO readings_reading (device_id, recorded_at, added_at, sensor_set_id, "values")
SELECT device, recorded_at, added_at, sensor_set_id, "values"
FROM readings_reading, unnest(%(to)s) AS device
WHERE device_id = %(device)s AND recorded_at >= %(lo)s AND recorded_at < %(hi)s
ORDER BY recorded_at, device
"""
COPY_YEARS = """
INSERT INTO readings_reading (device_id, recorded_at, added_at, sensor_set_id, "values")
SELECT device_id, recorded_at - %(by)s, added_at - %(by)s, sensor_set_id, "values"
FROM readings_reading
WHERE device_id = %(device)s AND recorded_at >= %(lo)s AND recorded_at < %(hi)s
"""
KEPT = "mean, m2, min, max, first, last, count, sensor_id"


class Filled(NamedTuple):
    """What is in the database: devices, the sensors that each posts, and the first moment."""

    devices: Sequence[int]
    sensors: Sequence[int]
    start: datetime
    minutes: int

    @property
    def readings(self) -> int:
        """How many values of one device there are."""
        return self.minutes * len(self.sensors)


def value(place: int, minute: int) -> float:
    """What the sensor at a place, counted from 0, says in a minute."""
    return (2000 + 100 * place + (minute * 37 + place * 11) % 1000) / 100


def fill(
    url: str,
    environment: Mapping[str, str],
    devices: int,
    days: int,
    years: int = 0,
    *,
    refreshed: bool = True,
) -> Filled:
    """Tables, catalogue and devices, of which the first one has posted for so many days.

    The partitions of so many years before are made as well. What is not `refreshed` is all dirty.
    """
    manage(environment, "migrate")
    manage(environment, "catalogue")
    start = END - timedelta(days=days)
    said = {"start": start - timedelta(days=365 * years), "end": END}
    code = SETUP.format(devices=devices, sensors=SENSORS, **said)
    words = [sys.executable, "manage.py", "shell", "-v", "0", "-c", code]
    made = subprocess.run(words, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE)
    ids, sensors, number = json.loads(made.stdout)
    filled = Filled(ids, sensors, start, days * 1440)
    terms = (
        f"(2000 + 100 * {n} + (minute * 37 + {n} * 11) % 1000) / 100::float8"
        for n in range(len(sensors))
    )
    known = {"device": ids[0], "start": start, "end": END, "set": number}
    with connected(url) as cursor:
        # A % of the expression is none of a parameter's.
        posts = POSTS.format(values=", ".join(terms).replace("%", "%%"))
        cursor.execute(posts, {**known, "minutes": filled.minutes})
        cursor.execute(MARKS, known)
        cursor.execute("VACUUM ANALYZE readings_reading, readings_dirty")
        if refreshed:
            manage(environment, "rollups")
        _leave_newest(cursor, ids[:1])
    settle(url)
    return filled


def add_devices(url: str, filled: Filled) -> None:
    """Give the other devices the rows of the first one."""
    others = list(filled.devices[1:])
    with connected(url) as cursor:
        for day in range(0, filled.minutes // 1440, 10):
            lo = filled.start + timedelta(days=day)
            known = {"device": filled.devices[0], "to": others, "lo": lo}
            known["hi"] = min(lo + timedelta(days=10), END)
            cursor.execute(COPY_DEVICES, known)
            for table in "hourly", "daily":
                cursor.execute(
                    f"INSERT INTO readings_{table} (device_id, bucket, {KEPT})"
                    f" SELECT device, bucket, {KEPT}"
                    f" FROM readings_{table}, unnest(%(to)s) AS device"
                    " WHERE device_id = %(device)s AND bucket >= %(lo)s AND bucket < %(hi)s"
                    " ORDER BY device, bucket",
                    known,
                )
        _leave_newest(cursor, others)
    settle(url)


def add_years(url: str, filled: Filled, years: int) -> None:
    """Give the first device so many years more, before the one that it has."""
    with connected(url) as cursor:
        for year in range(1, years + 1):
            known = {"device": filled.devices[0], "by": timedelta(days=365 * year)}
            known |= {"lo": filled.start, "hi": END}
            cursor.execute(COPY_YEARS, known)
            for table in "hourly", "daily":
                cursor.execute(
                    f"INSERT INTO readings_{table} (device_id, bucket, {KEPT})"
                    f" SELECT device_id, bucket - %(by)s, {KEPT} FROM readings_{table}"
                    " WHERE device_id = %(device)s AND bucket >= %(lo)s AND bucket < %(hi)s",
                    known,
                )
    settle(url)


def settle(url: str) -> None:
    """Bring the database to where one is that runs for a while: statistics, and no writes due."""
    with connected(url) as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")


@contextlib.contextmanager
def connected(url: str) -> Iterator[psycopg2.extensions.cursor]:
    """A cursor whose statements are committed one by one."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        yield connection.cursor()


def _leave_newest(cursor: psycopg2.extensions.cursor, devices: Sequence[int]) -> None:
    """The writer leaves the time of the newest reading on the device's row; and its hour is dirty,
    as that of a device that posts mostly is."""
    newest = END - timedelta(minutes=1)
    cursor.execute(
        "UPDATE devices_device SET last_reading_at = %s WHERE id = ANY (%s)",
        [newest, list(devices)],
    )
    cursor.execute(
        "INSERT INTO readings_dirty SELECT device, %s FROM unnest(%s) AS device"
        " ON CONFLICT DO NOTHING",
        [END - timedelta(hours=1), list(devices)],
    )


def lines(filled: Filled) -> Iterator[bytes]:
    """The first device's year in line protocol: a line a post, a field a sensor."""
    first = int(filled.start.timestamp())
    names = [(f"s{sensor}=", place) for place, sensor in enumerate(filled.sensors)]
    for minute in range(0, filled.minutes, POSTS_AT_ONCE):
        yield "".join(
            f"readings,device={filled.devices[0]} "
            + ",".join(f"{name}{value(place, at)}" for name, place in names)
            + f" {first + at * 60}\n"
            for at in range(minute, min(minute + POSTS_AT_ONCE, filled.minutes))
        ).encode()


def post_all(port: int, path: str, bodies: Iterator[bytes]) -> float:
    """Post one body after the other to a yardstick; the seconds that its answers took."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    spent = 0.0
    for body in bodies:
        began = time.monotonic()
        connection.request("POST", path, body)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 204:
            raise SystemExit(f"port {port}, {path}: {answer.status} {said.decode()}")
        spent += time.monotonic() - began
    return spent


@contextlib.contextmanager
def influx() -> Iterator[int | None]:
    """The port of an InfluxDB with an empty database on loopback; None where none is installed."""
    if not (program := shutil.which("influxd")):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        port, rpc = free_port(), free_port()
        config = Path(folder, "influxdb.conf")
        config.write_text(
            f'reporting-disabled = true\nbind-address = "127.0.0.1:{rpc}"\n'
            f'[meta]\ndir = "{folder}/meta"\n[data]\ndir = "{folder}/data"\n'
            f'wal-dir = "{folder}/wal"\nquery-log-enabled = false\n'
            f'[http]\nbind-address = "127.0.0.1:{port}"\nlog-enabled = false\n'
        )
        with _running([program, "-config", str(config)]):
            _wait(port, "POST", "/query?q=CREATE+DATABASE+bench")
            yield port


@contextlib.contextmanager
def victoria() -> Iterator[int | None]:
    """The port of an empty VictoriaMetrics on loopback; None where none is installed."""
    if not (program := shutil.which("victoria-metrics")):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        words = [program, f"-storageDataPath={folder}", f"-httpListenAddr=127.0.0.1:{port}"]
        with _running([*words, "-retentionPeriod=100y", "-search.latencyOffset=0s"]):
            _wait(port, "GET", "/health")
            yield port


@contextlib.contextmanager
def _running(words: list[str]) -> Iterator[None]:
    """A program that says nothing, for the length of the block."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def _wait(port: int, method: str, path: str) -> None:
    """Ask until there is an answer, half a minute at most."""
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request(method, path)
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
