"""Compares the web servers that could carry this platform, side by side in one run.

    python benchmarks/servers.py [--seconds 6] [--rounds 3]

Each server is a real process on loopback with two workers of eight threads, in front of the same
tiny Django. `wrk` drives them where it is installed, else a small client of our own: figures of the
two are not comparable, ratios within one run are. Prints two Markdown tables: speed, behaviour.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from server_behaviour import PROBES

HERE = Path(__file__).resolve().parent
WORKERS, THREADS = "2", "8"
CONNECTIONS = 32
BASE = "gunicorn gthread"


def command(server: str, port: int) -> list[str]:
    """The command line that serves the tiny application on `port`."""
    if server == BASE:
        options = ["--workers", WORKERS, "--threads", THREADS, "--keep-alive", "75"]
        options += ["--bind", f"127.0.0.1:{port}", "--log-level", "error", "--no-control-socket"]
        options += ["--limit-request-field_size", "32768", "--worker-tmp-dir", "/dev/shm"]
        return [sys.executable, "-m", "gunicorn", *options, "tiny_app:application"]
    options = ["--interface", "wsgi", "--workers", WORKERS, "--blocking-threads", THREADS]
    options += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error", "--http", "1"]
    options += ["--respawn-failed-workers", "--workers-kill-timeout", "25"]
    return [sys.executable, "-m", "granian", *options, "tiny_app:application"]


SERVERS = (BASE, "granian")
LOADS = {
    "1 kB of JSON, connections kept": ("/small", True),
    "1 kB of JSON, one connection a request": ("/small", False),
    "1.5 MB compressed before": ("/big", True),
}


@contextlib.contextmanager
def running(server: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run `server` for the length of the block; yields its process and port once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen(command(server, port), cwd=HERE, start_new_session=True)
    try:
        deadline = time.monotonic() + 20
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{server} does not answer")
            time.sleep(0.1)
        yield process, port
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(40)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and workers that outlived it
        process.wait()


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(b"GET /small HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def rate(port: int, path: str, keep: bool, seconds: int) -> float:
    """Requests a second that `path` answers, asked by 32 connections at once."""
    url = f"http://127.0.0.1:{port}{path}"
    if not shutil.which("wrk"):
        return asyncio.run(_own_client(port, path, keep, seconds))
    header = [] if keep else ["-H", "Connection: close"]
    words = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", *header, url]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    found = re.search(r"Requests/sec:\s+([\d.]+)", said)
    if not found or "Non-2xx" in said:
        raise SystemExit(said)
    return float(found[1])


async def _own_client(port: int, path: str, keep: bool, seconds: int) -> float:
    """The same without wrk: slower itself, so that it flatters the slower server."""
    manner = "keep-alive" if keep else "close"
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: {manner}\r\n\r\n".encode()
    end = time.monotonic() + seconds
    answered = 0

    async def one_connection() -> None:
        nonlocal answered
        while time.monotonic() < end:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while time.monotonic() < end:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head.lower())
                await reader.readexactly(int(length[1]) if length else 0)
                answered += 1
                if not keep:
                    break
            writer.close()

    await asyncio.gather(*(one_connection() for _ in range(CONNECTIONS)))
    return answered / seconds


def compare_speed(rounds: int, seconds: int) -> str:
    """A Markdown table of requests a second, and of ratios to gunicorn in the same rounds."""
    rates: dict[tuple[str, str], list[float]] = {}
    for _ in range(rounds):
        for server in SERVERS:  # in turn, so that a slow minute of the machine meets both
            with running(server) as (_process, port):
                for load, (path, keep) in LOADS.items():
                    rate(port, path, keep, 1)
                    rates.setdefault((server, load), []).append(rate(port, path, keep, seconds))
    lines = [f"| requests/s | {' | '.join(SERVERS)} | ratio |", "|---|---|---|---|"]
    for load in LOADS:
        middle = {server: statistics.median(rates[server, load]) for server in SERVERS}
        ratios = [b / a for a, b in zip(rates[BASE, load], rates["granian", load], strict=True)]
        cells = " | ".join(f"{middle[server]:,.0f}" for server in SERVERS)
        lines.append(
            f"| {load} | {cells} | {statistics.median(ratios):.2f}"
            f" ({min(ratios):.2f}–{max(ratios):.2f}) |"
        )
    return "\n".join(lines)


def compare_behaviour() -> str:
    """A Markdown table of what each server does in trouble."""
    lines = [f"| in trouble | {' | '.join(SERVERS)} |", "|---|---|---|"]
    for name, probe in PROBES.items():
        cells = []
        for server in SERVERS:
            with running(server) as (process, port):
                cells.append(probe(process, port))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--seconds", type=int, default=6, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured")
    options = parser.parse_args()
    client = "wrk" if shutil.which("wrk") else "our own client"
    print(f"{client}, {CONNECTIONS} connections, {options.rounds} rounds of {options.seconds} s\n")
    print(compare_speed(options.rounds, options.seconds), end="\n\n", flush=True)
    print(compare_behaviour())


if __name__ == "__main__":
    main()
