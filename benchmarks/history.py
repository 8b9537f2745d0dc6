"""Measures the history of one sensor over HTTP, beside InfluxDB and VictoriaMetrics.

    DATABASE_URL=… REDIS_URL=… python benchmarks/history.py [--asked 200] [--days 365]
        [--devices 10] [--years 10]

Makes databases of its own on the server of DATABASE_URL and drops them in the end: one with a year
of one device, a copy of it with ten devices, and one with ten years of the device. The real web
server runs in front of each. One client with kept connections asks all in turn, so that a slow
moment of the machine meets all alike. Prints two Markdown tables: beside the yardsticks, and with
ten times the data. `processor` is what the processes of the web server spend on an answer;
PostgreSQL's part is not in it.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode

from reads import ROOT, database, free_port, started
from series import (
    END,
    INFLUX_WRITE,
    VICTORIA_WRITE,
    Filled,
    add_devices,
    add_years,
    fill,
    influx,
    lines,
    post_all,
    victoria,
)

BASE, DEVICES, YEARS = (f"smartcitizen_benchmark_history_{kind}" for kind in ("1", "d", "y"))
# The range does not begin and end with a bucket, as that of a chart does not.
RAGGED = timedelta(minutes=17)
WARM = 30
YEAR, MONTH = "1 d averages over a year", "1 h averages over 30 days"
# Length of the range in days, length of a bucket
YARDSTICKS = {YEAR: (365, "1d"), MONTH: (30, "1h")}
AIMS = {YEAR: 10, MONTH: 6}


class Times(NamedTuple):
    """Milliseconds of one question: the fastest answer, the median, and 95 of 100."""

    fastest: float
    p50: float
    p95: float


class Asker:
    """A client with one kept connection, to a server whose process is known or not."""

    def __init__(self, port: int, server: int | None = None) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.server = server

    def spent(self) -> float:
        """Milliseconds of processor time that the server's processes have had."""
        ticks = 0
        for pid in processes(self.server) if self.server else []:
            # The name, which may hold anything, ends with the last parenthesis.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks * 1000 / os.sysconf("SC_CLK_TCK")

    def ask(self, path: str) -> float:
        """Milliseconds from the request to the last byte of its answer, which has to be 200."""
        began = time.perf_counter()
        self.connection.request("GET", path)
        answer = self.connection.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200 or len(body) < 1000:
            raise SystemExit(f"{path}: {answer.status} {body[:500]!r}")
        return took


def processes(main: int) -> list[int]:
    """A server's main process and all that it started."""
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    return [main, *(one for child in children for one in processes(int(child)))]


def bounds(days: int) -> tuple[datetime, datetime]:
    """The range of a question."""
    return END - timedelta(days=days) + RAGGED, END - RAGGED


def ours(filled: Filled, days: int) -> dict[str, str]:
    """Our questions: those of the yardsticks, a chart's, and the newest raw readings."""
    path = f"/v0/devices/{filled.devices[0]}/readings"

    def rolled_up(length: int, **more: str) -> str:
        start, end = bounds(min(length, days))
        said = {"sensor_id": str(filled.sensors[5]), **more}
        said |= {"from": f"{start:%Y-%m-%dT%H:%M:%SZ}", "to": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        return f"{path}?{urlencode(said)}"

    asked = {name: rolled_up(*of[:1], rollup=of[1]) for name, of in YARDSTICKS.items()}
    asked["`rollup=auto&max_points=500` over a year"] = rolled_up(
        365, rollup="auto", max_points="500"
    )
    asked["`rollup=auto&max_points=500` over a week"] = rolled_up(
        7, rollup="auto", max_points="500"
    )
    asked["the newest 100 raw readings"] = f"{path}?per_page=100"
    asked["100 raw readings of half a year ago"] = (
        f"{path}?per_page=100&to={END - timedelta(days=days // 2):%Y-%m-%d}"
    )
    return asked


def of_influx(filled: Filled, days: int) -> dict[str, str]:
    """The questions of the yardsticks in InfluxQL."""
    asked = {}
    for name, (length, step) in YARDSTICKS.items():
        start, end = (f"{at.timestamp():.0f}s" for at in bounds(min(length, days)))
        query = (
            f"SELECT mean(s{filled.sensors[5]}) FROM readings WHERE device = '{filled.devices[0]}'"
            f" AND time >= {start} AND time < {end} GROUP BY time({step})"
        )
        asked[name] = f"/query?db=bench&q={quote(query)}"
    return asked


def of_victoria(filled: Filled, days: int) -> dict[str, str]:
    """The questions of the yardsticks in PromQL, without the cache of answers."""
    asked = {}
    for name, (length, step) in YARDSTICKS.items():
        start, end = (f"{at.timestamp():.0f}" for at in bounds(min(length, days)))
        query = (
            f'avg_over_time(readings_s{filled.sensors[5]}{{device="{filled.devices[0]}"}}[{step}])'
        )
        said = {"query": query, "start": start, "end": end, "step": step, "nocache": "1"}
        asked[name] = f"/api/v1/query_range?{urlencode(said)}"
    return asked


def in_turn(ways: Mapping[str, Callable[[], float]], count: int) -> dict[str, Times]:
    """The times of each way, all asked in turn so many times."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(WARM + count):
        for name, way in ways.items():
            took = way()
            if number >= WARM:  # every thread of a server has its connection and caches then
                times[name].append(took)
    return {
        name: Times(min(took), statistics.median(took), statistics.quantiles(took, n=20)[18])
        for name, took in times.items()
    }


def beside_yardsticks(
    asked: Mapping[str, str],
    asker: Asker,
    yardsticks: Mapping[str, Asker],
    others: Mapping[str, Mapping[str, str]],
    count: int,
) -> str:
    """The first table: the platform beside what is installed of the yardsticks."""
    heads = "".join(f" {name} p50 | ratio |" for name in yardsticks)
    lines = [f"| question | p50 ms | p95 | fastest | aim for p50 | processor |{heads}"]
    lines.append("|---|--:|--:|--:|--:|--:|" + "--:|--:|" * len(yardsticks))
    for name, path in asked.items():
        ways: dict[str, Callable[[], float]] = {"": lambda path=path: asker.ask(path)}
        for other, client in yardsticks.items():
            if name in others[other]:
                ways[other] = lambda client=client, path=others[other][name]: client.ask(path)
        before = asker.spent()
        found = in_turn(ways, count)
        spent = (asker.spent() - before) / (WARM + count)
        mine = found[""]
        cells = [f"{mine.p50:.1f}", f"{mine.p95:.1f}", f"{mine.fastest:.1f}"]
        cells += [str(AIMS.get(name, "")), f"{spent:.1f}"]
        for other in yardsticks:
            beside = found[other].p50 if other in found else None
            cells += [f"{beside:.1f}", f"{mine.p50 / beside:.2f}"] if beside else ["", ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def with_more(asked: Mapping[str, str], askers: Mapping[str, Asker], count: int) -> str:
    """The second table: the same questions with more data; the ratio is to the first."""
    first, *more = askers
    heads = "".join(f" {name} p50 | p95 | ratio |" for name in more)
    lines = [f"| question | {first} p50 ms | p95 |{heads}"]
    lines.append("|---|--:|--:|" + "--:|--:|--:|" * len(more))
    for name, path in asked.items():
        ways = {data: lambda one=one, path=path: one.ask(path) for data, one in askers.items()}
        found = in_turn(ways, count)
        base = found[first]
        cells = [f"{base.p50:.1f}", f"{base.p95:.1f}"]
        for data in more:
            one = found[data]
            cells += [f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.p50 / base.p50:.2f}"]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


@contextlib.contextmanager
def platform(url: str) -> Iterator[Asker]:
    """A client of the web server in front of a database, as `make run` starts it."""
    port = free_port()
    with started(["-m", "smartcitizen.webserver"], environment(url, port), port) as server:
        yield Asker(port, server)


def environment(url: str, port: int) -> dict[str, str]:
    """The settings of a platform; requests are counted for the limit, which is out of reach."""
    own = {"DATABASE_URL": url, "HOST": "127.0.0.1", "PORT": str(port), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **own, "LOG_LEVEL": "ERROR", "THROTTLE_ANON": "999999999/s"}


@contextlib.contextmanager
def yardsticks(filled: Filled) -> Iterator[dict[str, Asker]]:
    """Clients of the yardsticks that are installed, with the same year in them."""
    with influx() as influx_port, victoria() as victoria_port:
        ports = {
            "InfluxDB": (influx_port, INFLUX_WRITE),
            "VictoriaMetrics": (victoria_port, VICTORIA_WRITE),
        }
        for name, (port, path) in ports.items():
            if port:
                post_all(port, path, lines(filled))
            else:
                print(f"{name} is not installed: that yardstick is missing\n")
        yield {name: Asker(port) for name, (port, _) in ports.items() if port}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--asked", type=int, default=200, help="times of a question (200)")
    parser.add_argument("--days", type=int, default=365, help="of one post a minute (365)")
    parser.add_argument("--devices", type=int, default=10, help="of the larger database (10)")
    parser.add_argument("--years", type=int, default=10, help="of the longer database (10)")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(database(BASE))
        began = time.monotonic()
        filled = fill(base, environment(base, 1), options.devices, options.days, options.years - 1)
        larger = stack.enter_context(database(DEVICES, BASE))
        longer = stack.enter_context(database(YEARS, BASE))
        add_devices(larger, filled)
        add_years(longer, filled, options.years - 1)
        print(
            f"{filled.readings:,} readings of a device, {options.asked} times in turn;"
            f" filled in {time.monotonic() - began:.0f} s\n",
            flush=True,
        )
        urls = {"1 device, 1 year": base, f"{options.devices} devices": larger}
        urls[f"{options.years} years"] = longer
        askers = {name: stack.enter_context(platform(url)) for name, url in urls.items()}
        asked = ours(filled, options.days)
        with yardsticks(filled) as others:
            theirs = {
                "InfluxDB": of_influx(filled, options.days),
                "VictoriaMetrics": of_victoria(filled, options.days),
            }
            asker = askers["1 device, 1 year"]
            print(beside_yardsticks(asked, asker, others, theirs, options.asked), end="\n\n")
        sys.stdout.flush()
        print(with_more(asked, askers, options.asked), flush=True)


if __name__ == "__main__":
    main()
