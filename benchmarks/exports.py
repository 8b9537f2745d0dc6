"""Measures files of readings: how fast they come, and what the server needs of memory meanwhile.

    DATABASE_URL=… REDIS_URL=… python benchmarks/exports.py [--megabytes 100] [--slow 0.5]

Makes a database of its own on the server of DATABASE_URL and drops it in the end. The real web
server streams CSV and NDJSON of about so many megabytes to a client that reads as fast as it can,
and to one that takes `--slow` megabytes a second. Beside it runs `COPY … TO STDOUT` of the same
rows. The memory is that of all processes of the web server together, above what they hold after
some small requests.
Then the world map beside nginx, which serves the same gzipped bytes as a file, where it is
installed. Prints two Markdown tables.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from history import environment, processes
from load import client, load
from reads import CONNECTIONS, GZIP, body, database, free_port, manage, started
from series import END, Filled, connected, fill

DATABASE = "smartcitizen_benchmark_exports"
# Bytes of a line, about, for the length of the range
LINE = {"csv": 94, "ndjson": 222}
PIECE = 64 * 1024
SAMPLED_EVERY = 0.05
# The slow client leaves then: what the server holds for it, it holds by that time.
SLOW_SECONDS = 20
MAP = "/v0/devices/world_map"
MAP_DEVICES, MAP_OWNERS = 5_000, 2_000
AIM = 60
NGINX = """
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 256; }}
http {{ access_log off; client_body_temp_path {folder}; proxy_temp_path {folder};
fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
server {{ listen 127.0.0.1:{port}; root {folder};
location / {{ types {{ }} default_type application/json; add_header Content-Encoding gzip; }} }} }}
"""


class Sent(NamedTuple):
    """One file: bytes, seconds, and the most that the server held above its memory when idle."""

    size: int
    seconds: float
    megabytes: float


def memory(pids: list[int]) -> float:
    """Megabytes that processes hold in memory."""
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextlib.contextmanager
def watched(pids: list[int]) -> Iterator[list[float]]:
    """The memory of processes, sampled during the block."""
    samples, over = [memory(pids)], threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLED_EVERY):
            samples.append(memory(pids))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def download(port: int, path: str, pids: list[int], idle: float, rate: float | None = None) -> Sent:
    """Read a file, as fast as it comes, or by so many megabytes a second for some time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    size, last = 0, b""
    with watched(pids) as samples:
        began = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        while piece := answer.read(PIECE):
            size, last = size + len(piece), piece
            if rate:
                time.sleep(max(0.0, began + size / rate / 1e6 - time.monotonic()))
                if time.monotonic() - began > SLOW_SECONDS:
                    break
        seconds = time.monotonic() - began
    connection.close()
    whole = last.endswith(b"\n") and b"incomplete" not in last
    if answer.status != 200 or not (whole or rate):
        raise SystemExit(f"{path}: {answer.status}, and it ends so: {last[-200:]!r}")
    return Sent(size, seconds, max(samples) - idle)


def copied(url: str, filled: Filled, minutes: int) -> float:
    """Seconds that COPY of the same rows takes, to nowhere."""
    with connected(url) as cursor, Path(os.devnull).open("wb") as nowhere:
        began = time.monotonic()
        cursor.copy_expert(
            "COPY (SELECT * FROM readings_reading"
            f" WHERE device_id = {filled.devices[0]} AND recorded_at >= '{start_of(minutes)}'"
            " ORDER BY recorded_at) TO STDOUT",
            nowhere,
        )
        return time.monotonic() - began


def start_of(minutes: int) -> str:
    """The first of so many minutes, as a request and as SQL write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(END.timestamp() - minutes * 60))


def files(url: str, filled: Filled, port: int, pids: list[int], options: argparse.Namespace) -> str:
    """The table of files."""
    heads = ["file", "client", "MB", "seconds", "MB/s", "readings/s", f"memory, MB (aim {AIM})"]
    heads += ["`COPY`, readings/s", "ratio"]
    lines = [f"| {' | '.join(heads)} |", "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    readings = f"/v0/devices/{filled.devices[0]}/readings"
    for _ in range(20):  # so that every worker has what it imports with its first requests
        for form in LINE:
            download(port, f"{readings}?format={form}&from={start_of(1)}", pids, 0)
    idle = memory(pids)
    for form, line in LINE.items():
        minutes = min(int(options.megabytes * 1e6 / line), filled.minutes)
        path = f"{readings}?format={form}&from={start_of(minutes)}"
        values = minutes * len(filled.sensors)
        for name, rate in ("fast", None), (f"{options.slow} MB/s", options.slow):
            sent = download(port, path, pids, idle, rate)
            cells = [form.upper(), name, f"{sent.size / 1e6:.0f}", f"{sent.seconds:.1f}"]
            cells.append(f"{sent.size / 1e6 / sent.seconds:.1f}")
            cells.append("" if rate else f"{values / sent.seconds:,.0f}")
            cells.append(f"{sent.megabytes:.0f}")
            if not rate:
                beside = copied(url, filled, minutes)
                cells += [f"{values / beside:,.0f}", f"{beside / sent.seconds:.2f}"]
            else:
                cells += ["", ""]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def world_map(port: int, seconds: int, rounds: int) -> str:
    """The table of the world map beside nginx."""
    sent = body(f"http://127.0.0.1:{port}{MAP}", GZIP)
    if not (program := shutil.which("nginx") or shutil.which("/usr/sbin/nginx")):
        return "nginx is not installed: that yardstick is missing"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # its workers are another user's
        Path(folder, "map").write_bytes(sent)
        beside = free_port()
        config = Path(folder, "nginx.conf")
        config.write_text(NGINX.format(folder=folder, port=beside))
        process = subprocess.Popen([program, "-c", str(config)])
        try:
            time.sleep(1)
            found = [
                tuple(
                    load(address, GZIP, CONNECTIONS, seconds).rate
                    for address in (
                        f"http://127.0.0.1:{port}{MAP}",
                        f"http://127.0.0.1:{beside}/map",
                    )
                )
                for _ in range(rounds)
            ]
        finally:
            process.terminate()
            process.wait()
    mine, nginx = (statistics.median(rates) for rates in zip(*found, strict=True))
    ratio = statistics.median(one / other for one, other in found)
    return (
        "| world map, gzipped | kB | requests/s | nginx, the same bytes/s | ratio |\n"
        "|---|--:|--:|--:|--:|\n"
        f"| {client()}, {CONNECTIONS} connections | {len(sent) / 1000:,.0f} | {mine:,.0f}"
        f" | {nginx:,.0f} | {ratio:.2f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--megabytes", type=float, default=100, help="of a file, about (100)")
    parser.add_argument("--slow", type=float, default=0.5, help="MB/s of the slow client (0.5)")
    parser.add_argument("--seconds", type=int, default=4, help="of a measurement of the map (4)")
    parser.add_argument("--rounds", type=int, default=3, help="of these (3)")
    options = parser.parse_args()
    days = int(options.megabytes * 1e6 / LINE["csv"] / 1440) + 1
    drop_map = ["shell", "-c", "from apps.devices import world_map; world_map.drop()"]
    with database(DATABASE) as url:
        port = free_port()
        settings = environment(url, port)
        filled = fill(url, settings, 1, days, refreshed=False)
        with started(["-m", "smartcitizen.webserver"], settings, port) as server:
            pids = processes(server)
            print(files(url, filled, port, pids, options), end="\n\n", flush=True)
            amount = ["--devices", str(MAP_DEVICES), "--owners", str(MAP_OWNERS), "--days", "0"]
            manage(settings, "demo", *amount)
            manage(settings, *drop_map)
            print(world_map(port, options.seconds, options.rounds), flush=True)
        manage(settings, *drop_map)  # Redis may be that of a server with other devices


if __name__ == "__main__":
    main()
