"""What the time series costs on a Citus cluster, beside plain PostgreSQL, in one run.

    DATABASE_URL=… REDIS_URL=… CITUS_URL=… python benchmarks/citus.py [--rounds 3] [--days 365]

`CITUS_URL` names a database on the coordinator, by a user who may make databases on each machine.
Makes a database of its own on both and drops them in the end. One device gets readings of 20
sensors every ten minutes of so many days; then both are asked in turn, in this process without
HTTP: posts by the REST door, one at a time and a thousand at once, and rolled-up and raw history.
Prints a Markdown table of medians; the write-ahead log is that of the coordinator alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import psycopg2
from reads import ROOT, database, manage

NAME = "smartcitizen_citus_bench"
SENSORS = 20
ASKED = 30
SINGLE = 300
BULK = 1000


def databases() -> tuple[list[tuple[str, int]], Callable[..., str]]:
    """The machines of the cluster, the coordinator first, and how their databases are named."""
    given = urlsplit(os.environ["CITUS_URL"])
    who = given.netloc.rpartition("@")[0]

    def url(place: tuple[str, int], name: str) -> str:
        netloc = f"{who}@{place[0]}:{place[1]}" if who else f"{place[0]}:{place[1]}"
        return given._replace(netloc=netloc, path=f"/{name}").geturl()

    nodes = "SELECT nodename, nodeport FROM pg_dist_node ORDER BY groupid"
    return [(host, int(port)) for host, port in run(given.geturl(), nodes)], url


def run(url: str, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, each on its own; the rows of the last."""
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@contextlib.contextmanager
def cluster() -> Iterator[str]:
    """The address of an empty database with Citus on every machine, for the length of the block."""
    places, url = databases()
    drop = f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)"
    try:
        for place in places:
            run(url(place, "postgres"), drop, f"CREATE DATABASE {NAME}")
            run(url(place, NAME), "CREATE EXTENSION citus")
        coordinator, *workers = places
        here = url(coordinator, NAME)
        run(here, f"SELECT citus_set_coordinator_host({coordinator[0]!r}, {coordinator[1]})")
        for host, port in workers:
            run(here, f"SELECT citus_add_node({host!r}, {port})")
        yield here
    finally:
        for place in places:
            run(url(place, "postgres"), drop)


def ask(environment: Mapping[str, str], *words: str) -> dict[str, float]:
    """Run this file within the platform; its figures."""
    said = subprocess.run(
        [sys.executable, __file__, "--inside", *words],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    ).stdout
    figures: dict[str, float] = json.loads(said)
    return figures


def inside(days: int) -> dict[str, float]:
    """Fill where `days` says so, else measure; runs where Django's settings name one database."""
    import django

    django.setup()
    from django.utils import timezone

    from apps.devices.models import Device
    from apps.kits.models import Kit
    from apps.readings import posts, refresher
    from apps.sensors.models import Sensor
    from apps.users.models import User

    sensors = list(Sensor.objects.order_by("pk").values_list("pk", flat=True)[:SENSORS])
    now = timezone.now().replace(microsecond=0)

    def elements(count: int, every: int, until: int = 0) -> list[dict[str, Any]]:
        """So many posts, some seconds apart, the last one so many seconds ago."""
        return [
            {
                "recorded_at": int(now.timestamp()) - until - every * number,
                "sensors": [{"id": id_, "value": 20 + id_ + number % 97 / 8} for id_ in sensors],
            }
            for number in range(count)
        ]

    def register(count: int) -> list[Device]:
        owner, _ = User.objects.get_or_create(username="bench", email="bench@example.org")
        kit = Kit.objects.get(slug="sck:1,1")
        return [Device.objects.register(owner=owner, kit=kit, name="bench") for _ in range(count)]

    if days:
        (device,) = register(1)
        for batch in range(days * 144 // BULK + 1):
            posts.take(device, elements(BULK, 600, batch * BULK * 600), now)
        refresher.refresh_due(3600)
        return {}
    device = Device.objects.order_by("pk")[0]
    devices = register(10)
    before = logged()
    figures = {
        "single posts a second": rate(
            SINGLE,
            lambda n: posts.take(devices[n % 10], elements(1, 60, 86_400 - 60 * (n // 10)), now),
        )
    }
    figures["write-ahead log of a single post, bytes"] = (logged() - before) / SINGLE
    bulks = [elements(BULK, 60, BULK * 60 * number) for number in range(1, 6)]
    figures["readings a second in bulk"] = (
        rate(len(bulks), lambda n: posts.take(devices[n], bulks[n], now)) * BULK * SENSORS
    )
    return figures | histories(device.pk, sensors[0])


def histories(device_id: int, sensor_id: int) -> dict[str, float]:
    """Medians of questions for history, in milliseconds."""
    from apps.readings import history, rolled_up

    asked = {
        "1 h over 30 d, ms": {"rollup": "1h", "relative": "30d"},
        "1 d over 1 y, ms": {"rollup": "1d", "relative": "1y"},
    }
    figures = {}
    for name, parameters in asked.items():
        wanted = rolled_up.Request.from_parameters({**parameters, "sensor_id": str(sensor_id)})
        figures[name] = 1000 / rate(ASKED, lambda n, w=wanted: rolled_up.as_json(device_id, w))
    series = history.Range.from_parameters({}).of(device_id)
    figures["25 raw readings, ms"] = 1000 / rate(ASKED, lambda n: series.newest(25))
    return figures


def logged() -> int:
    """How many bytes the server has written to its write-ahead log."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")
        return int(cursor.fetchone()[0])


def rate(count: int, call: Callable[..., object]) -> float:
    """How many calls a second, by the median of their times."""
    took = []
    for number in range(count):
        begun = time.perf_counter()
        call(number)
        took.append(time.perf_counter() - begun)
    return 1 / statistics.median(took)


def main() -> None:
    """Make both databases, fill them, ask them in turn, and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=3, help="of both, in turn (3)")
    parser.add_argument("--days", type=int, default=365, help="of one device (365)")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--fill", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(inside(options.fill)))
        return
    with database() as plain, cluster() as citus:
        rounds: dict[str, list[dict[str, float]]] = {plain: [], citus: []}
        environments = {}
        for url in rounds:
            environments[url] = {
                **os.environ,
                "DATABASE_URL": url,
                "PYTHONPATH": str(ROOT),
                "DJANGO_SETTINGS_MODULE": "smartcitizen.settings",
            }
            manage(environments[url], "migrate")
            manage(environments[url], "catalogue")
            if url == citus:
                manage(environments[url], "distribute")
            ask(environments[url], "--fill", str(options.days))
            run(url, "ANALYZE")
        for _ in range(options.rounds):
            for url, figures in rounds.items():
                figures.append(ask(environments[url]))
        print("| | PostgreSQL | Citus | ratio |\n|---|--:|--:|--:|")
        for name in rounds[plain][0]:
            one, other = (statistics.median(f[name] for f in rounds[url]) for url in rounds)
            print(f"| {name} | {one:,.1f} | {other:,.1f} | {other / one:.2f} |")


if __name__ == "__main__":
    main()
