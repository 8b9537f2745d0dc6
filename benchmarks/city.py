"""Drives the platform like a city: kits that post every minute, and people who read.

    DATABASE_URL=… REDIS_URL=… python benchmarks/city.py [--kits 5000] [--people 200] [--minutes 10]

Makes a database of its own on the server of DATABASE_URL and drops it in the end. The load is open:
every request has its time, whether or not those before it were answered, and is measured from that
time, so that a server that stalls does not hide it. Half of the kits post by the old header to the
kit door, half by REST; people open the map, a device, a month of one sensor, a list, and search.
Prints a Markdown table: requests, errors by status, p50 and p99; and the memory of each part of the
server, minute by minute.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from reads import database, fill, free_port, served

ROOT = Path(__file__).resolve().parents[1]
KIT_HOST = "data.smartcitizen.me"
# Every person asks for something so often, in seconds
THINKS = 10
PATIENCE = 30
PAGES = [
    "/v0/devices/world_map",
    "/v0/devices/{device}",
    "/v0/devices/{device}/readings?rollup=1h&sensor_id=12&relative=30d",
    "/v0/devices?page={page}",
    "/v0/search?q=lisbon",
    "/v0/users/1",
]
AIMS = {"ingest": 250, "reads": 500}


class Ports(NamedTuple):
    """Where the web server and the kit door listen, a token that may post, and the first moment."""

    web: int
    door: int
    token: str
    began: datetime


class Due(NamedTuple):
    """A request, the address that it comes from, and its time, in seconds from the start."""

    at: float
    kind: str
    source: str
    port: int
    head: str
    body: bytes = b""


class Outcome(NamedTuple):
    """What came of it: the status, or why there is none, and the milliseconds since it was due."""

    kind: str
    status: str
    milliseconds: float


def kits(devices: list[dict[str, str]], options: argparse.Namespace, ports: Ports) -> Iterator[Due]:
    """Every kit posts once a minute, at a second of its own."""
    for number, device in enumerate(devices):
        second = random.uniform(0, 60)
        post = by_header if number % 2 else by_rest
        for minute in range(options.minutes):
            yield post(second + 60 * minute, address(number), device, ports)


def address(number: int) -> str:
    """An address of loopback for each, as kits and people have: no limit of one is met."""
    return str(ip_address("127.1.0.0") + number)


def by_header(at: float, source: str, device: dict[str, str], ports: Ports) -> Due:
    """An SCK 1.1's post, by the header of old kits."""
    row = {"temp": "25132", "hum": "30072", "noise": str(random.randrange(500)), "bat": "800"}
    row["timestamp"] = f"{ports.began + timedelta(seconds=at):%Y-%m-%d %H:%M:%S}"
    head = (
        f"PUT /add HTTP/1.1\r\nHost: {KIT_HOST}\r\nConnection: close\r\n"
        f"X-SmartCitizenMacADDR: {device['mac']}\r\nX-SmartCitizenVersion: 1.1-0.8.5-A\r\n"
        f"X-SmartCitizenData: {json.dumps([row])}\r\n"
    )
    return Due(at, "ingest", source, ports.door, head)


def by_rest(at: float, source: str, device: dict[str, str], ports: Ports) -> Due:
    """A client's post, by REST."""
    sensors = [{"id": id_, "value": random.random() * 50} for id_ in (7, 12, 13, 14, 15, 16, 17)]
    element = {"recorded_at": (ports.began + timedelta(seconds=at)).isoformat(), "sensors": sensors}
    body = json.dumps({"data": [element]}).encode()
    head = (
        f"POST /v0/devices/{device['id']}/readings HTTP/1.1\r\nHost: localhost\r\n"
        f"Connection: close\r\nAuthorization: Bearer {ports.token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return Due(at, "ingest", source, ports.web, head, body)


def people(
    devices: list[dict[str, str]], options: argparse.Namespace, ports: Ports
) -> Iterator[Due]:
    """Every person opens something now and then."""
    for number in range(options.people):
        at = random.uniform(0, THINKS)
        while at < 60 * options.minutes:
            device = random.choice(devices)["id"]
            path = random.choice(PAGES).format(device=device, page=random.randint(1, 100))
            head = (
                f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                "Accept-Encoding: gzip\r\n"
            )
            yield Due(at, "reads", address(len(devices) + number), ports.web, head)
            at += random.uniform(0, 2 * THINKS)


async def ask(due: Due, began: float) -> Outcome:
    """One request on a connection of its own, as kits and phones have them."""
    status = "closed without an answer"
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", due.port, local_addr=(due.source, 0)
            )
            writer.write(f"{due.head}\r\n".encode() + due.body)
            answer = await reader.read()
            writer.close()
        found = re.match(rb"HTTP/1\.\d (\d{3})", answer)
        if found:
            status = found[1].decode()
    except TimeoutError:
        status = f"no answer in {PATIENCE} s"
    except OSError as error:
        status = error.strerror or type(error).__name__
    return Outcome(due.kind, status, (time.monotonic() - began - due.at) * 1000)


async def drive(
    schedule: list[Due], parts: dict[str, int]
) -> tuple[list[Outcome], dict[str, list[int]]]:
    """Send every request at its time; returns what came of each, and the parts' memory, in MB."""
    began, running, next_look = time.monotonic(), [], 0.0
    memory: dict[str, list[int]] = {name: [] for name in parts}

    def look() -> None:
        for name, pid in parts.items():
            memory[name].append(resident(pid))

    for due in sorted(schedule):
        if (wait := due.at - (time.monotonic() - began)) > 0:
            await asyncio.sleep(wait)
        running.append(asyncio.create_task(ask(due, began)))
        if due.at >= next_look:
            look()
            next_look += 60
    outcomes = list(await asyncio.gather(*running))
    look()
    return outcomes, memory


def started() -> dict[str, int]:
    """The process ids of what this one started, by the last word of each command."""
    own = os.getpid()
    pids = Path(f"/proc/{own}/task/{own}/children").read_text().split()
    return {Path(f"/proc/{pid}/cmdline").read_text().split("\0")[-2]: int(pid) for pid in pids}


def resident(pid: int) -> int:
    """Memory of a process and its children, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    [kilobytes] = re.findall(r"VmRSS:\s+(\d+)", status)
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(kilobytes) // 1024 + sum(resident(int(child)) for child in children)


def table(outcomes: list[Outcome], minutes: int) -> str:
    """What came of each kind of request."""
    lines = [
        "| requests | count | a second | errors | p50 ms | p99 ms | aim |",
        "|---|--:|--:|---|--:|--:|--:|",
    ]
    times: dict[str, list[float]] = defaultdict(list)
    errors: dict[str, Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        times[outcome.kind].append(outcome.milliseconds)
        if outcome.status not in {"200", "201"}:
            errors[outcome.kind][outcome.status] += 1
    for kind, taken in sorted(times.items()):
        taken.sort()
        found = ", ".join(f"{count} × {status}" for status, count in errors[kind].items())
        lines.append(
            f"| {kind} | {len(taken):,} | {len(taken) / minutes / 60:.0f} | {found or 'none'} |"
            f" {taken[len(taken) // 2]:.0f} | {taken[len(taken) * 99 // 100]:.0f} | {AIMS[kind]} |"
        )
    return "\n".join(lines)


PREPARE = """
import json
from apps.devices.models import Device
from apps.users import access
from apps.users.models import User
carol = User.objects.create_superuser("carol", "carol@example.org", "carolcarol")
token = access.open_session(carol)
rows = Device.objects.order_by("pk").values("pk", "mac_address")
print(json.dumps([token, [{"id": str(row["pk"]), "mac": row["mac_address"]} for row in rows]]))
"""


def prepared(environment: dict[str, str]) -> tuple[str, list[dict[str, str]]]:
    """An administrator's token, and every device's id and MAC address."""
    words = [sys.executable, "manage.py", "shell", "--no-imports", "--command", PREPARE]
    said = subprocess.run(
        words, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
    token, devices = json.loads(said)
    return token, devices


def main() -> None:
    """Drive and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--kits", type=int, default=5000)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=10)
    options = parser.parse_args()
    with database() as url:
        web, door = free_port(), free_port()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "HOST": "127.0.0.1",
            "PORT": str(web),
            "KIT_PORT": str(door),
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "ERROR",
            "THROTTLE_ANON": "",
        }
        fill(url, environment, options.kits, max(1, options.kits // 4))
        token, devices = prepared(environment)
        worker = [sys.executable, "manage.py", "qcluster"]
        refresher = [sys.executable, "manage.py", "refresher"]
        with (
            served(["-m", "smartcitizen.webserver"], environment, web),
            served(["manage.py", "kit_door"], environment, door),
            subprocess.Popen(worker, cwd=ROOT, env=environment) as working,
            subprocess.Popen(refresher, cwd=ROOT, env=environment) as refreshing,
        ):
            ports = Ports(web, door, token, datetime.now(UTC))
            schedule = [*kits(devices, options, ports), *people(devices, options, ports)]
            outcomes, memory = asyncio.run(drive(schedule, started()))
            working.terminate()
            refreshing.terminate()
    print(f"{options.kits:,} kits, {options.people} people, {options.minutes} minutes\n")
    print(table(outcomes, options.minutes))
    print("\nMemory, MB, minute by minute:\n")
    for name, megabytes in memory.items():
        print(f"- {name}: {', '.join(map(str, megabytes))}")


if __name__ == "__main__":
    main()
