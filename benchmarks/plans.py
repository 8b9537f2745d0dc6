"""Writes docs/query-plans.md: how PostgreSQL answers the statements that the platform asks most.

    DATABASE_URL=… REDIS_URL=… python benchmarks/plans.py [--days 365] [--devices 10]

Makes a database of its own on the server of DATABASE_URL and drops it in the end: so many devices
with a year of a post a minute each, and 5,000 devices that never posted. Then it does what clients
do, in this process, writes down what goes over the driver, and has PostgreSQL explain each
statement, constants and all. What a statement changes is taken back.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from history import environment
from near import add
from psycopg2.extensions import cursor as DriverCursor
from reads import ROOT, database
from series import END, SENSORS, Filled, add_devices, fill

DATABASE = "smartcitizen_benchmark_plans"
DOCUMENT = ROOT / "docs" / "query-plans.md"
OTHERS = 5_000
ROUNDS = 5
# What goes without saying, or is no statement over tables
TACIT = re.compile(r"(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|SET|DECLARE|FETCH|CLOSE)\b")
CLAUSE = re.compile(
    r" (?=(?:FROM|WHERE|JOIN|LEFT|INNER|UNION|GROUP|ORDER|LIMIT|VALUES|ON CONFLICT|SET|AND)\b)"
)
_CONSTANT = r"(?:'[^']*'(?:::\w+)?|\d+)"
# More than seven constants, of which two are shown
LONG_LIST = re.compile(rf"({_CONSTANT}, {_CONSTANT})(?:, ?{_CONSTANT}){{6,}}")
WIDTH = 110
HEAD = """# How PostgreSQL answers what it is asked most

Written by one command, `python benchmarks/plans.py`, which does what clients do, notes what goes
to the server, and has it explained: do not edit it by hand. Data: {devices} devices with {days}
days of a post of {sensors} values a minute ({rows:,} rows of readings), {others:,} devices that
never posted; PostgreSQL {version}, statistics up to date, what is asked for in memory. Times are
medians of {rounds} on a machine that others used as well: they say which statements matter, not how
fast a server is. Plans are those of `EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY
OFF)`; a buffer is a page of 8 kB. Long lists of constants and of columns are cut here (`…`).

What to look for: every table of readings is asked by its primary key for one device; months that
are not asked for do not show up; nothing reads more than its answer needs.
"""


class Act(NamedTuple):
    """What a client does, in words and as a call, and which of its statements are shown.

    `before` brings about what it finds, in the same transaction where it is explained.
    """

    name: str
    why: str
    run: Callable[[], object]
    shown: str
    before: Callable[[], object] = lambda: None


# The same for what is read: an address in place of the call
Page = tuple[str, str, str, str]
OF_READINGS: list[Page] = [
    (
        "1 d averages over a year",
        "Kept days; the ragged ends of the first and last day from kept hours and raw readings.",
        "{readings}?sensor_id={sensor}&rollup=1d&from={year}&to={end}",
        "^WITH",
    ),
    (
        "1 h averages over 30 days",
        "Kept hours; the ragged ends from raw readings, as would be hours that are dirty.",
        "{readings}?sensor_id={sensor}&rollup=1h&from={month}&to={end}",
        "^WITH",
    ),
    (
        "10 m averages over a day",
        "Buckets shorter than an hour are made of raw readings.",
        "{readings}?sensor_id={sensor}&rollup=10m&from={day}&to={end}",
        "^WITH",
    ),
    (
        "The newest page of raw readings",
        "The device's row says where they end; its month has them.",
        "{readings}?per_page=100",
        "last_reading_at|readings_reading",
    ),
    (
        "A raw page in the middle of the history",
        "As any page that a cursor leads to.",
        "{readings}?per_page=100&to={middle}",
        "readings_reading",
    ),
    (
        "A raw page of one sensor",
        "Which hours have it, kept or dirty; then the readings of these hours.",
        "{readings}?per_page=100&sensor_id={sensor}",
        "readings_hourly|readings_reading",
    ),
]
OF_DEVICES: list[Page] = [
    (
        "A device with its newest readings",
        "One statement: the newest values are on the device's row.",
        "/v0/devices/{device}",
        "devices_device",
    ),
    (
        "A list of devices",
        "The ids of the page; the count of `Total`; the rows of these ids.",
        "/v0/devices?page=2",
        "devices_device",
    ),
    (
        "Devices near a point",
        "The same, nearest first.",
        "/v0/devices?near=41.39,2.17",
        "devices_device",
    ),
    (
        "A search",
        "Users and devices by words and by what these begin with.",
        "/v0/search?q=bench",
        "devices_device",
    ),
]


class Explained(NamedTuple):
    """A statement, milliseconds to plan and run it, and its plan."""

    sql: str
    took: float
    plan: str


@contextmanager
def noted() -> Iterator[list[str]]:
    """What goes to the server meanwhile, constants and all, by whatever way."""
    from django.db import connection

    sent: list[str] = []

    class Noting(DriverCursor):
        """Writes down what it sends."""

        def execute(self, query: Any, vars: Any = None) -> None:
            """A statement."""
            super().execute(query, vars)
            sent.append(bytes(self.query or b"").decode())

        def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
            """The rows of a file."""
            super().copy_expert(sql, file, size)
            sent.append(str(sql))

    connection.ensure_connection()
    driver: Any = connection.connection
    before, driver.cursor_factory = driver.cursor_factory, Noting
    try:
        yield sent
    finally:
        driver.cursor_factory = before


def acts(filled: Filled) -> Iterator[Act]:
    """All that is shown, in the order of the document."""
    from django.contrib.auth.models import AnonymousUser
    from django.db import connection

    from apps.devices.whole import seen
    from apps.readings import posts, refresher, rollups
    from apps.readings.models import Reading

    pk, at = filled.devices[3], END + timedelta(minutes=1)
    device = seen(str(pk), AnonymousUser(), "owner_id", "kit_id")
    sensors = [{"id": sensor, "value": 20.5} for sensor in filled.sensors]
    element = {"recorded_at": at.isoformat(), "sensors": sensors}
    hours = [END - timedelta(hours=number) for number in range(1, 4)]

    def mark() -> None:
        with connection.cursor() as cursor:
            rollups.mark(cursor, pk, hours)

    yield Act(
        "A kit posts",
        "The lock of the device's row; what is stored at that time; the row itself; the mark of its"
        " hour; the newest values, left on the device's row.",
        lambda: posts.take(device, [element], at),
        "readings_reading|readings_dirty|FOR NO KEY UPDATE|^UPDATE",
        Reading.objects.filter(device_id=pk, recorded_at__gte=END).delete,
    )
    yield from (_read(page, filled, pk) for page in OF_READINGS)
    yield Act(
        "Averages are refreshed",
        "Three dirty hours of a device and the day that they are of.",
        lambda: refresher.refresh(pk, END + timedelta(hours=2)),
        "readings_|FOR NO KEY UPDATE",
        mark,
    )
    yield from (_read(page, filled, pk) for page in OF_DEVICES)


def _read(page: Page, filled: Filled, device: int) -> Act:
    """A page as an act."""
    from django.test import Client

    name, why, template, shown = page
    end = END - timedelta(minutes=17)
    starts = {"year": 365, "month": 30, "day": 1}
    times = {word: END - timedelta(days=days, minutes=-17) for word, days in starts.items()}
    times |= {"end": end, "middle": END - timedelta(minutes=filled.minutes // 2)}
    address = template.format(
        device=device,
        readings=f"/v0/devices/{device}/readings",
        sensor=filled.sensors[5],
        **{word: f"{moment:%Y-%m-%dT%H:%M:%SZ}" for word, moment in times.items()},
    )

    def run() -> None:
        answer = Client(headers={"Host": "localhost"}).get(address)
        assert answer.status_code == 200, (address, answer.content[:500])

    return Act(name, f"`GET {template}`. {why}", run, shown)


def explained(act: Act, statements: list[str]) -> list[Explained]:
    """What PostgreSQL says of the statements of an act, one after the other, some times over."""
    for_times = [_replayed(act, statements, "ANALYZE, TIMING OFF") for _ in range(ROUNDS)]
    plans = _replayed(act, statements, "ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF")
    found = []
    for number, statement in enumerate(statements):
        took = statistics.median(_milliseconds(said[number]) for said in for_times)
        found.append(Explained(statement, took, plans[number].partition("\nPlanning:")[0]))
    return found


def _replayed(act: Act, statements: list[str], options: str) -> list[str]:
    """Run statements again with EXPLAIN before them, and take back what they change."""
    from django.db import connection, transaction

    found = []
    with transaction.atomic(), connection.cursor() as cursor:
        act.before()
        for statement in statements:
            if statement.startswith("COPY"):
                found.append("COPY has no plan: it writes the rows that it is sent.")
                continue
            cursor.cursor.execute(f"EXPLAIN ({options}) {statement}")
            found.append("\n".join(line for (line,) in cursor.fetchall()))
        transaction.set_rollback(True)
    return found


def _milliseconds(plan: str) -> float:
    """How long it took to plan and to run."""
    return sum(float(ms) for ms in re.findall(r"(?:Planning|Execution) Time: ([\d.]+)", plan))


def shortened(text: str) -> str:
    """A statement or plan with its long lists of constants cut, and line breaks at clauses."""
    text = LONG_LIST.sub(r"\1, …", text)
    text = re.sub(r"(\{[^{},]*,[^{},]*),[^{}]{80,}\}", r"\1, …}", text)
    return re.sub(
        r"SELECT ((?:[^,()]*,){4})(?:[^,()]*,){6,}[^,()]*? FROM", r"SELECT \1 … FROM", text
    )


def laid_out(sql: str) -> str:
    """A statement in lines that can be read, broken before its clauses."""
    lines, line = [], ""
    for piece in CLAUSE.split(shortened(sql)):
        if line and len(line) + len(piece) > WIDTH:
            lines.append(line)
            line = "  " + piece
        else:
            line = f"{line} {piece}" if line else piece
    return "\n".join([*lines, line])


def document(filled: Filled, days: int) -> str:
    """The whole text."""
    from django.db import connection

    from apps.readings.models import Reading

    times, sections = [], []
    for act in acts(filled):
        act.before()
        act.run()  # what a process keeps is there then
        act.before()
        with noted() as sent:
            act.run()
        wanted = [sql for sql in dict.fromkeys(sent) if not TACIT.match(sql)]
        found = explained(act, [sql for sql in wanted if re.search(act.shown, sql)])
        assert found, (act.name, sent)
        took = sum(one.took for one in found)
        times.append(f"| {act.name} | {len(wanted)} | {len(found)} | {took:.1f} |")
        sections.append(f"## {act.name}\n\n{act.why}\n")
        sections += [
            f"```sql\n{laid_out(one.sql)}\n```\n\n```\n{shortened(one.plan)}\n```\n"
            for one in found
        ]
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        version = cursor.fetchone()[0].split()[0]
    head = HEAD.format(
        devices=len(filled.devices), days=days, sensors=SENSORS, others=OTHERS, version=version,
        rounds=ROUNDS, rows=Reading.objects.count(),
    )  # fmt: skip
    table = (
        "| what | statements in all | shown here | ms to plan and run these |\n|---|--:|--:|--:|"
    )
    return "\n".join([head, table, *times, "", *sections]).rstrip() + "\n"


def main() -> None:
    """Fill, ask, write the document."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--days", type=int, default=365, help="of one post a minute (365)")
    parser.add_argument("--devices", type=int, default=10, help="that post (10)")
    options = parser.parse_args()
    with database(DATABASE) as url:
        settings = environment(url, 1)
        filled = fill(url, settings, options.devices, options.days)
        add_devices(url, filled)
        os.environ.update(settings, DJANGO_SETTINGS_MODULE="smartcitizen.settings")
        sys.path.insert(0, str(ROOT))
        import django

        django.setup()
        from django.db import connection

        add(OTHERS, 0)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        DOCUMENT.write_text(document(filled, options.days))
        connection.close()
    print(f"{DOCUMENT.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
