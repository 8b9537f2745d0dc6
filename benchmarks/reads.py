"""Measures the reads of the API beside a bare Django view that serves the same bytes.

    DATABASE_URL=… REDIS_URL=… python benchmarks/reads.py [--large] [--seconds 5] [--rounds 3]

Makes a database of its own on the server of DATABASE_URL, fills it with demo data, and drops it in
the end. Two real web servers of two workers run on loopback; both are asked in turn, so that a slow
minute of the machine meets both. Requests are counted for the limit, which is out of reach.
Prints a Markdown table; the ratio is to the bare view. `--large` asks more of more rows.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
from load import Load, client, load
from psycopg2 import sql

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
DATABASE = "smartcitizen_benchmark_reads"
CONNECTIONS = 8
WORKERS = "2"
GZIP = {"Accept-Encoding": "gzip"}

Endpoint = tuple[str, Mapping[str, str]]
ENDPOINTS: dict[str, Endpoint] = {
    "device": ("/v0/devices/100", {}),
    "25 devices": ("/v0/devices", {}),
    "25 devices, gzipped": ("/v0/devices", GZIP),
    "25 users": ("/v0/users", {}),
    "25 sensors": ("/v0/sensors", {}),
    "25 devices near a point": ("/v0/devices?near=41.4,2.2", {}),
    "world map, gzipped": ("/v0/devices/world_map", GZIP),
}
LARGE: dict[str, Endpoint] = {
    "devices, last page": ("/v0/devices?page={devices_page}", {}),
    "devices by name": ("/v0/devices?q%5Bs%5D=name", {}),
    "devices by name, last page": ("/v0/devices?q%5Bs%5D=name&page={devices_page}", {}),
    "devices whose city contains": ("/v0/devices?q%5Bcity_cont%5D=ar", {}),
    "devices of a kind of kit": ("/v0/devices?q%5Bkit_slug_eq%5D=sck:1,1&q%5Bs%5D=id+desc", {}),
    "devices with a tag": ("/v0/devices?with_tags=Amsterdam", {}),
    "near, page 100": ("/v0/devices?near=41.4,2.2&page=100", {}),
    "users, last page": ("/v0/users?page={users_page}", {}),
    "users by name, backwards": ("/v0/users?q%5Bs%5D=username+desc", {}),
    "users whose city contains": ("/v0/users?q%5Bcity_cont%5D=ar", {}),
    "components, last page": ("/v0/components?page={devices_page}", {}),
}


@contextlib.contextmanager
def database(called: str = DATABASE, template: str = "template1") -> Iterator[str]:
    """The address of a database of our own, empty or a copy, for the length of the block."""
    given = os.environ["DATABASE_URL"]
    name, source = sql.Identifier(called), sql.Identifier(template)
    server = psycopg2.connect(given)
    server.autocommit = True  # a database cannot be made within a transaction
    try:
        with server.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(name))
            cursor.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, source))
        yield urlsplit(given)._replace(path=f"/{called}").geturl()
    finally:
        with server.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        server.close()


def manage(environment: Mapping[str, str], *words: str) -> None:
    """Run a management command; what it says is shown where it fails, and dropped elsewhere."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode:
        sys.exit(f"manage.py {' '.join(words)} failed:\n{done.stdout.decode()}")


def fill(url: str, environment: Mapping[str, str], devices: int, owners: int) -> None:
    """Tables, catalogue and demo data; statistics as a server that runs for a while has them."""
    manage(environment, "migrate")
    manage(environment, "catalogue")
    amount = ["--devices", str(devices), "--owners", str(owners), "--days", "0"]
    manage(environment, "demo", *amount)
    with contextlib.closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")


@contextlib.contextmanager
def served(words: list[str], environment: Mapping[str, str], port: int) -> Iterator[str]:
    """Run a web server for the length of the block; yields its address once it answers."""
    with started(words, environment, port):
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def started(words: list[str], environment: Mapping[str, str], port: int) -> Iterator[int]:
    """The same; yields the number of its process."""
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{words} does not answer")
            time.sleep(0.1)
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def body(url: str, headers: Mapping[str, str]) -> bytes:
    """What is served, as it is on the wire."""
    with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers))) as answer:
        sent: bytes = answer.read()
        return sent


def measure(
    endpoints: Mapping[str, Endpoint],
    ours: str,
    environment: Mapping[str, str],
    options: argparse.Namespace,
) -> str:
    """A Markdown table of the endpoints of the server at the address `ours`."""
    lines = [
        "| endpoint | kB | requests/s | p50 ms | p99 ms | bare view/s | ratio |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        sizes = []
        for number, (path, headers) in enumerate(endpoints.values()):
            sent = body(ours + path, headers)
            (Path(folder) / str(number)).write_bytes(sent)
            sizes.append(len(sent))
        port = free_port()
        words = ["-m", "granian", "--interface", "wsgi", "--http", "1", "--host", "127.0.0.1"]
        words += ["--port", str(port), "--workers", WORKERS, "--log-level", "error"]
        words += ["--working-dir", str(HERE), "bare_app:application"]
        with served(words, {**environment, "BODIES": folder}, port) as bare:
            for number, (name, (path, headers)) in enumerate(endpoints.items()):
                rounds = [
                    (_load(ours + path, headers, options), _load(f"{bare}/{number}", {}, options))
                    for _ in range(options.rounds)
                ]
                lines.append(f"| {name} | {sizes[number] / 1000:,.0f} | {_cells(rounds)} |")
    return "\n".join(lines)


def _load(url: str, headers: Mapping[str, str], options: argparse.Namespace) -> Load:
    load(url, headers, CONNECTIONS, 1)  # every thread has its connections and caches then
    return load(url, headers, CONNECTIONS, options.seconds)


def _cells(rounds: list[tuple[Load, Load]]) -> str:
    """The medians of the rounds."""
    mine, bare = zip(*rounds, strict=True)
    middle = [statistics.median(values) for values in zip(*mine, strict=True)]
    beside = statistics.median(load.rate for load in bare)
    ratio = statistics.median(one.rate / other.rate for one, other in rounds)
    rate, p50, p99 = middle
    return f"{rate:,.0f} | {p50:.1f} | {p99:.1f} | {beside:,.0f} | {ratio:.3f}"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=5, help="length of one measurement (5)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (3)")
    parser.add_argument("--large", action="store_true", help="20,000 devices of 5,000 users")
    options = parser.parse_args()
    devices, users = (20_000, 5_000) if options.large else (5_000, 2_000)
    pages = {"devices_page": devices // 25, "users_page": users // 25}
    asked = {**ENDPOINTS, **LARGE} if options.large else ENDPOINTS
    endpoints = {name: (path.format(**pages), headers) for name, (path, headers) in asked.items()}
    print(f"{client()}, {CONNECTIONS} connections, {WORKERS} workers, {devices:,} devices of")
    print(f"{users:,} users, {options.rounds} rounds of {options.seconds} s\n", flush=True)
    with database() as url:
        port = free_port()
        environment = {
            **os.environ,
            **{
                "DATABASE_URL": url,
                "HOST": "127.0.0.1",
                "PORT": str(port),
                "PYTHONPATH": str(ROOT),
            },
            **{"WEB_WORKERS": WORKERS, "LOG_LEVEL": "ERROR", "THROTTLE_ANON": "999999999/s"},
        }
        drop_map = ["shell", "-c", "from apps.devices import world_map; world_map.drop()"]
        fill(url, environment, devices, users)
        manage(environment, *drop_map)
        with served(["-m", "smartcitizen.webserver"], environment, port) as ours:
            print(measure(endpoints, ours, environment, options))
        manage(environment, *drop_map)  # Redis may be that of a server with other devices


if __name__ == "__main__":
    main()
