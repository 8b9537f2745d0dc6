"""What asking for devices by place costs at 1,000 and at 100,000 devices, in one run.

    DATABASE_URL=… REDIS_URL=… python benchmarks/near.py [--devices 1000 100000] [--plans]

Makes a database of its own on the server of DATABASE_URL and drops it in the end. Half of the
devices are all over the Earth, half of them in one city. Prints a Markdown table: milliseconds in
PostgreSQL for the page and for the count of `Total` (medians), and of the whole request in this
process; the ratio is of the page at the most devices to that at the fewest. `--plans` prints the
plans of the pages as well.
"""

from __future__ import annotations

import argparse
import functools
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

from reads import ROOT, database

ROUNDS = 15
HOST = {"Host": "localhost"}
CITY = (41.39, 2.17)
ASKED = {
    "near, in the city": "near=41.39,2.17",
    "near, in the ocean": "near=-40,-120",
    "near, with a filter that half pass": "near=41.39,2.17&q[exposure_eq]=indoor",
    "near, with a filter that few pass": "near=41.39,2.17&q[name_eq]=device%20500",
    "near, with a tag that one in ten has": "near=41.39,2.17&with_tags=Amsterdam",
    "near, page 40": "near=41.39,2.17&page=40",
    "within 1 km in the city": "near=41.39,2.17&within=1",
    "within 500 km in the ocean": "near=-40,-120&within=500",
    "box of the city": "bbox=2.0,41.3,2.3,41.5",
    "box across the antimeridian": "bbox=170,-60,-170,-40",
    "no place": "",
}


def add(count: int, seen: int) -> None:
    """Add devices up to `count`, of one owner for every four; every tenth has a tag."""
    from apps.devices.models import Device, Tag
    from apps.users.models import User

    chance = random.Random(seen)
    owners = [User(username=f"owner{n}", email=f"{n}@x.org") for n in range(seen // 4, count // 4)]
    User.objects.bulk_create(owners)
    made = []
    for number in range(seen, count):
        latitude, longitude = CITY[0] + chance.gauss(0, 0.04), CITY[1] + chance.gauss(0, 0.05)
        if number % 2:
            latitude = math.degrees(math.asin(chance.uniform(-1, 1)))
            longitude = chance.uniform(-180, 180)
        device = Device(owner=chance.choice(owners), name=f"device {number}")
        device.latitude, device.longitude = latitude, longitude
        device.exposure = chance.choice(["indoor", "outdoor"])
        device.place()
        made.append(device)
    Device.objects.bulk_create(made, batch_size=2000)
    tag = Tag.objects.get(name="Amsterdam")
    through = Device.tags.through
    through.objects.bulk_create(
        [through(device_id=device.pk, tag_id=tag.pk) for device in made[::10]], batch_size=5000
    )


def timed(call: Callable[[], Any]) -> float:
    """The median of some calls, in milliseconds."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        call()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def statements(path: str) -> list[str]:
    """The SQL of a request, its parameters in place."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as captured:
        assert Client(headers=HOST).get(path).status_code == 200, path
    return [query["sql"] for query in captured]


def planned(statement: str) -> tuple[float, str]:
    """Milliseconds that PostgreSQL takes to plan and run a statement, and its plan."""
    from django.db import connection

    took, lines = [], []
    with connection.cursor() as cursor:
        for _ in range(ROUNDS):
            cursor.execute("EXPLAIN (ANALYZE, BUFFERS) " + statement.replace("%", "%%"), [])
            lines = [line for (line,) in cursor.fetchall()]
            named = {line.split(":")[0].strip(): line for line in lines if " Time: " in line}
            took.append(
                sum(
                    float(named[name].split(":")[1].removesuffix("ms"))
                    for name in ("Planning Time", "Execution Time")
                )
            )
    return statistics.median(took), "\n".join(lines)


def measure() -> dict[str, tuple[float, float, float, str]]:
    """For each question: page, count and whole request in ms, and the plan of the page."""
    from django.test import Client

    found = {}
    for name, parameters in ASKED.items():
        path = f"/v0/devices?{parameters}"
        asked = statements(path)
        # The ids of the page; the rows of 25 ids cost the same everywhere. A page that is not full
        # needs no count.
        page_ms, plan = planned(next(query for query in asked if " LIMIT " in query))
        counts = [planned(query)[0] for query in asked if "COUNT(*)" in query]
        whole = timed(functools.partial(Client(headers=HOST).get, path))
        found[name] = (page_ms, counts[0] if counts else 0.0, whole, plan)
    return found


def main() -> None:
    """Fill, measure, fill more, measure again, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--devices", type=int, nargs=2, default=(1_000, 100_000))
    parser.add_argument("--plans", action="store_true", help="print the plans as well")
    options = parser.parse_args()
    few, many = options.devices
    with database() as url:
        os.environ.update(
            DATABASE_URL=url, THROTTLE_ANON="", DJANGO_SETTINGS_MODULE="smartcitizen.settings"
        )
        os.environ["LOG_LEVEL"] = "ERROR"
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        call_command("catalogue", verbosity=0)
        results = []
        for count, seen in ((few, 0), (many, few)):
            add(count, seen)
            with connection.cursor() as cursor:
                cursor.execute("VACUUM ANALYZE")
            results.append(measure())
        connection.close()
    small, large = results
    print(
        f"| asked | page, {few:,} | page, {many:,} | ratio | count, {few:,} | count, {many:,} |",
        end="",
    )
    print(f" request, {few:,} | request, {many:,} |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in ASKED:
        (page, count, request, _), (page2, count2, request2, _) = small[name], large[name]
        print(f"| {name} | {page:.2f} | {page2:.2f} | {page2 / page:.1f} | {count:.2f} |", end="")
        print(f" {count2:.2f} | {request:.1f} | {request2:.1f} |")
    if options.plans:
        for name in ASKED:
            print(f"\n### {name}, {many:,} devices\n\n```\n{large[name][3]}\n```")


if __name__ == "__main__":
    main()
