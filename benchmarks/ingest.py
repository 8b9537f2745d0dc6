"""Measures how fast readings come in, beside COPY, other databases and a view that commits a row.

    DATABASE_URL=… REDIS_URL=… python benchmarks/ingest.py [--seconds 5] [--rounds 3]

Makes a database of its own on the server of DATABASE_URL, which must not be one that loses commits,
and drops it in the end. The web server and the door of the kits run on loopback as `make run`
starts them; a real client posts to them. Prints two Markdown tables: bulk posts (1,000 posts of 12
sensors a request, 4 clients) beside COPY of the same rows into the same table and beside InfluxDB
and VictoriaMetrics, where these are installed (VictoriaMetrics acknowledges what is in memory); and
single posts beside a bare Django view with one durable commit.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import psycopg2
from reads import HERE, ROOT, database, free_port, manage, served
from series import INFLUX_WRITE, VICTORIA_WRITE, influx, victoria

CLIENTS, POSTS, SENSORS = 4, 1_000, 12
# Bodies of a client in a round: what a few seconds take
BODIES = 25
SINGLE_CLIENTS = 16
DEVICES = 64
START = datetime(2025, 1, 1, tzinfo=UTC)
SETUP = """
import json
from apps.devices.models import Device
from apps.kits.models import Kit
from apps.users.models import User
user = User.objects.create_user("bench", "bench@example.org", "benchbench")
kit = Kit.objects.get(slug="sck:1,1")
for number in range({devices}):
    Device.objects.register(
        owner=user, kit=kit, name="bench", description="", exposure="indoor",
        mac_address="de:ad:be:ef:%02x:%02x" % divmod(number, 256),
        latitude=41.4, longitude=2.2, city="Barcelona", country_code="ES",
    )
print(json.dumps(list(Device.objects.order_by("id").values_list("pk", "mac_address"))))
"""
# The keys of an SCK 1.1, by which `/add` names its sensors
KIT_KEYS = ("temp", "hum", "co", "no2", "light", "noise", "panel", "bat", "nets")

Request = tuple[str, bytes, Mapping[str, str]]
# The id and the MAC address of a device
Place = tuple[int, str]


def minutes(count: int, first: int) -> list[datetime]:
    """So many minutes in a row, from the given one on."""
    return [START + timedelta(minutes=first + number) for number in range(count)]


def value(sensor: int, minute: int) -> float:
    """A plain value with two decimals, as kits send them."""
    return round(20 + sensor + (minute * 37 + sensor * 11) % 1000 / 100, 2)


def rest_body(times: Sequence[datetime], sensors: Sequence[int]) -> bytes:
    """Elements as the contract has them."""
    elements = [
        {
            "recorded_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
            "sensors": [{"id": s, "value": value(s, i)} for s in sensors],
        }
        for i, at in enumerate(times)
    ]
    return json.dumps({"data": elements}, separators=(",", ":")).encode()


def copy_lines(device: int, times: Sequence[datetime], sensors: Sequence[int]) -> str:
    """The same rows for COPY."""
    now = datetime.now(UTC).isoformat()
    return "".join(
        f"{device}\t{at.isoformat()}\t{now}\t1\t"
        f"{{{','.join(str(value(s, i)) for s in sensors)}}}\t\\N\n"
        for i, at in enumerate(times)
    )


def influx_lines(device: int, times: Sequence[datetime], sensors: Sequence[int]) -> bytes:
    """The same in line protocol: a line a post, a field a sensor, which it takes fastest."""
    return "".join(
        f"readings,device={device} "
        f"{','.join(f's{s}={value(s, i)}' for s in sensors)} {at.timestamp():.0f}\n"
        for i, at in enumerate(times)
    ).encode()


def kit_request(mac_address: str, at: datetime) -> Request:
    """One post of an old kit."""
    row = {key: str(100 + number) for number, key in enumerate(KIT_KEYS)}
    data = json.dumps([{**row, "timestamp": f"{at:%Y-%m-%d %H:%M:%S}"}])
    return (
        "/add",
        b"",
        {
            "X-SmartCitizenMacADDR": mac_address,
            "X-SmartCitizenVersion": "1.1-0.8.5-A",
            "X-SmartCitizenData": data,
        },
    )


def hold(port: int, requests: Sequence[Request], until: float, good: bytes) -> int:
    """Send requests by one kept connection until the time is up; how many were answered well."""
    done = 0
    wire = [_wire(port, *request) for request in requests]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for request in wire:
            if time.monotonic() > until:
                return done
            connection.sendall(request)
            answer = b""
            while not _is_whole(answer):
                if not (piece := connection.recv(65536)):
                    raise SystemExit(f"port {port} closed the connection: {answer!r}")
                answer += piece
            if answer.split(b" ", 2)[1] not in good.split():
                raise SystemExit(answer.decode(errors="replace"))
            done += 1
    return done


def _is_whole(answer: bytes) -> bool:
    """Whether an answer with a Content-Length, or of status 204, is all there."""
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end or head.split(b" ", 2)[1] == b"204":
        return bool(end)
    length = head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0]
    return len(body) >= int(length)


def _wire(port: int, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {text}" for name, text in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def rate(work: Sequence[Callable[[], int]]) -> float:
    """Do the works at once; what they count, a second."""
    counts: list[int] = []
    threads = [threading.Thread(target=lambda do=do: counts.append(do())) for do in work]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(counts) < len(work):
        raise SystemExit("a client failed")
    return sum(counts) / (time.monotonic() - began)


class Bench:
    """The servers under test and the devices that post to them."""

    def __init__(self, url: str, web: int, kit: int, bare: int, devices: list[Place]) -> None:
        self.url, self.web, self.kit, self.bare, self.devices = url, web, kit, bare, devices
        self.next_minute = 0
        with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id FROM sensors_sensor ORDER BY id LIMIT %s", [SENSORS])
            self.sensors = [pk for (pk,) in cursor.fetchall()]
        self.authorization = {
            "Authorization": f"Bearer {self._token()}",
            "Content-Type": "application/json",
        }

    def _token(self) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.web}/v0/sessions",
            json.dumps({"username": "bench", "password": "benchbench"}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            token: str = json.load(answer)["access_token"]
            return token

    def fresh(self, count: int) -> list[datetime]:
        """Minutes that were not posted before."""
        self.next_minute += count
        return minutes(count, self.next_minute - count)

    def bulk_rest(self) -> float:
        """Readings a second by REST."""
        batches = [self.fresh(POSTS) for _ in range(BODIES)]
        bodies = [rest_body(times, self.sensors) for times in batches]
        clients = []
        for device, _ in self.devices[:CLIENTS]:
            path = f"/v0/devices/{device}/readings"
            requests = [(path, body, self.authorization) for body in bodies]
            clients.append(lambda asked=requests: self._held(self.web, asked, b"201"))
        return rate(clients) * POSTS * SENSORS

    def bulk_copy(self) -> float:
        """Readings a second by COPY of such rows into the same table, a commit each 1,000."""
        batches = [self.fresh(POSTS) for _ in range(BODIES)]
        texts = [
            [copy_lines(device, times, self.sensors) for times in batches]
            for device, _ in self.devices[:CLIENTS]
        ]
        return rate([lambda mine=mine: self._copied(mine) for mine in texts]) * POSTS * SENSORS

    def _copied(self, texts: Sequence[str]) -> int:
        with contextlib.closing(psycopg2.connect(self.url)) as connection:
            for text in texts:
                with connection, connection.cursor() as cursor:
                    cursor.copy_expert("COPY readings_reading FROM STDIN", io.StringIO(text))
        return len(texts)

    def bulk_lines(self, port: int, path: str) -> float:
        """Readings a second by line protocol, which both yardsticks take."""
        batches = [self.fresh(POSTS) for _ in range(BODIES)]
        clients = []
        for device, _ in self.devices[:CLIENTS]:
            requests = [(path, influx_lines(device, times, self.sensors), {}) for times in batches]
            clients.append(lambda asked=requests: self._held(port, asked, b"204"))
        return rate(clients) * POSTS * SENSORS

    def _held(self, port: int, requests: Sequence[Request], good: bytes) -> int:
        return hold(port, requests, float("inf"), good)

    def single(self, port: int, make: Callable[[int, datetime], Request], seconds: float) -> float:
        """Single posts a second, each client with devices of its own."""
        times = self.fresh(int(seconds * 1000))
        each = len(self.devices) // SINGLE_CLIENTS
        asked = [
            [make(client * each + n % each, at) for n, at in enumerate(times)]
            for client in range(SINGLE_CLIENTS)
        ]
        until = time.monotonic() + seconds
        return rate([lambda mine=mine: hold(port, mine, until, b"200 201") for mine in asked])

    def add(self, place: int, at: datetime) -> Request:
        """A post of an old kit."""
        return kit_request(self.devices[place][1], at)

    def rest(self, place: int, at: datetime) -> Request:
        """One element by REST."""
        path = f"/v0/devices/{self.devices[place][0]}/readings"
        return path, rest_body([at], self.sensors), self.authorization

    def commit(self, place: int, at: datetime) -> Request:
        """A row for the bare view."""
        return "/commit", rest_body([at], self.sensors), {}


def bulk_table(
    bench: Bench, influx_port: int | None, victoria_port: int | None, rounds: int
) -> str:
    """Bulk posts beside COPY, InfluxDB and VictoriaMetrics: medians of the rounds."""
    ways: dict[str, Callable[[], float]] = {"REST": bench.bulk_rest, "COPY": bench.bulk_copy}
    if influx_port:
        ways["InfluxDB"] = lambda: bench.bulk_lines(influx_port, INFLUX_WRITE)
    if victoria_port:
        ways["VictoriaMetrics, not durable"] = lambda: bench.bulk_lines(
            victoria_port, VICTORIA_WRITE
        )
    found = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    lines = ["| bulk | readings/s | ratio of REST to it |", "|---|--:|--:|"]
    for name in ways:
        middle = statistics.median(one[name] for one in found)
        ratio = statistics.median(one["REST"] / one[name] for one in found)
        lines.append(f"| {name} | {middle:,.0f} | {ratio:.2f} |")
    return "\n".join(lines)


def single_table(bench: Bench, rounds: int, seconds: float) -> str:
    """Single posts beside the bare view: medians of the rounds."""
    ways: dict[str, Callable[[], float]] = {
        "bare view, one commit": lambda: bench.single(bench.bare, bench.commit, seconds),
        "`/add`, web server": lambda: bench.single(bench.web, bench.add, seconds),
        "`/add`, kit door": lambda: bench.single(bench.kit, bench.add, seconds),
        "REST": lambda: bench.single(bench.web, bench.rest, seconds),
    }
    found = [{name: way() for name, way in ways.items()} for _ in range(rounds)]
    lines = ["| single posts | posts/s | ratio to the bare view |", "|---|--:|--:|"]
    for name in ways:
        middle = statistics.median(one[name] for one in found)
        ratio = statistics.median(one[name] / one["bare view, one commit"] for one in found)
        lines.append(f"| {name} | {middle:,.0f} | {ratio:.2f} |")
    return "\n".join(lines)


def prepare(url: str, environment: Mapping[str, str]) -> list[Place]:
    """Tables, catalogue and devices; the ids and MAC addresses of these."""
    manage(environment, "migrate")
    manage(environment, "catalogue")
    words = [sys.executable, "manage.py", "shell", "-v", "0", "-c", SETUP.format(devices=DEVICES)]
    made = subprocess.run(words, cwd=ROOT, env=environment, check=True, capture_output=True)
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute("CREATE TABLE bare_commit (id bigserial, body text)")
        connection.cursor().execute("VACUUM ANALYZE")
    devices: list[Place] = json.loads(made.stdout)
    return devices


def durable(url: str) -> str:
    """What the server says of how it commits; ends the program where it would lose commits."""
    with contextlib.closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('fsync'), current_setting('synchronous_commit'),"
            " current_setting('server_version')"
        )
        fsync, commit, version = cursor.fetchone()
    if (fsync, commit) != ("on", "on"):
        raise SystemExit("this server of DATABASE_URL does not commit durably: it proves nothing")
    return f"PostgreSQL {version}, fsync and synchronous_commit on"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement (5)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    options = parser.parse_args()
    with (
        database() as url,
        tempfile.TemporaryDirectory() as metrics,
        influx() as influx_port,
        victoria() as victoria_port,
    ):
        web, kit, bare = free_port(), free_port(), free_port()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "HOST": "127.0.0.1",
            "PORT": str(web),
            "PYTHONPATH": str(ROOT),
            "LOG_LEVEL": "ERROR",
            "THROTTLE_USER": "999999999/s",
            "PROMETHEUS_MULTIPROC_DIR": metrics,
        }
        devices = prepare(url, environment)
        door = ["manage.py", "kit_door", "--host", "127.0.0.1", "--port", str(kit)]
        view = ["-m", "granian", "--interface", "wsgi", "--http", "1", "--host", "127.0.0.1"]
        view += ["--port", str(bare), "--workers", "2", "--blocking-threads", "5"]
        view += ["--log-level", "error", "--working-dir", str(HERE), "commit_app:application"]
        print(f"{durable(url)}; {os.cpu_count()} cores; {options.rounds} rounds\n", flush=True)
        with (
            served(["-m", "smartcitizen.webserver"], environment, web),
            served(door, environment, kit),
            served(view, environment, bare),
        ):
            bench = Bench(url, web, kit, bare, devices)
            table = bulk_table(bench, influx_port, victoria_port, options.rounds)
            print(table, end="\n\n", flush=True)
            print(single_table(bench, options.rounds, options.seconds), flush=True)


if __name__ == "__main__":
    main()
