"""How many searches a second the running platform answers, beside an answer that needs no database.

    python manage.py demo --devices 20000 --owners 5000 --days 0     # once, in a fresh database
    python benchmarks/search.py [--seconds 4]

Starts the web server on loopback with two workers, over the database of `DATABASE_URL`, and drives
it with `wrk` (Debian's package) over eight connections. Each line is one query: its Total, requests
a second, the median and the slowest percent, and how many times as often the root is answered.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
QUERIES = {
    "a name": "anastasia",
    "a username": "anastasia12",
    "a city": "barcelona",
    "two words": "barcelona balcony",
    "a country": "united kingdom",
    "accents": "zürich",
    "a typo, short": "haarlam",
    "a typo, long": "barcelna",
    "a word of every tenth row": "balcony",
    "a word of every device": "sck",
    "one letter": "a",
    "a typo of a word of every device": "ambent",
    "nothing": "zzzqqqzzz",
    "garbage, long": "xq" * 2000,
    "200 words": " ".join(f"qx{number}zzv" for number in range(200)),
    "only punctuation": "%_\\'&|!",
}
LINE = "{:34} {:>6} {:>8} {:>10} {:>10} {:>7}"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def start(port: int) -> subprocess.Popen[bytes]:
    """The web server, once it answers."""
    options = ["--interface", "wsgi", "--workers", "2", "--blocking-threads", "4"]
    options += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    server = subprocess.Popen(
        [sys.executable, "-m", "granian", *options, "smartcitizen.wsgi:application"],
        cwd=ROOT,
        env={**os.environ, "THROTTLE_ANON": "", "PUBLIC_URL": "http://127.0.0.1"},
    )
    for _ in range(120):
        try:
            urlopen(f"http://127.0.0.1:{port}/v0").close()
            return server
        except OSError:
            time.sleep(0.5)
    server.terminate()
    raise SystemExit("the web server did not start")


def drive(url: str, seconds: int) -> tuple[float, str, str]:
    """Requests a second, the median and the 99th percentile that wrk measures."""
    told = subprocess.run(
        ["wrk", "--latency", "-t1", "-c8", f"-d{seconds}s", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Non-2xx" not in told, told
    rate = re.search(r"Requests/sec:\s+([\d.]+)", told)
    half, slowest = (re.search(rf"\b{part}%\s+(\S+)\n", told) for part in (50, 99))
    assert rate and half and slowest, told
    return float(rate[1]), half[1], slowest[1]


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    seconds = parser.parse_args().seconds
    port = free_port()
    server = start(port)
    try:
        base = f"http://127.0.0.1:{port}/v0"
        bare, half, slowest = drive(base, seconds)
        print(LINE.format("query", "total", "req/s", "p50", "p99", "ratio"))
        print(LINE.format("(the root)", "", f"{bare:.0f}", half, slowest, "1.0"))
        for name, query in QUERIES.items():
            url = f"{base}/search?q={quote(query)}"
            with urlopen(url) as answer:
                total = answer.headers["Total"]
            rate, half, slowest = drive(url, seconds)
            print(LINE.format(name, total, f"{rate:.0f}", half, slowest, f"{bare / rate:.1f}"))
    finally:
        server.terminate()
        server.wait(30)


if __name__ == "__main__":
    main()
