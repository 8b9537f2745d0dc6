"""What a place costs: loading the list, and one lookup, beside a plain scan and an empty call.

    python benchmarks/places.py

Needs no database. Prints times, memory, and each time as a multiple of an empty Python call.
"""

from __future__ import annotations

import random
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from django.conf import settings  # noqa: E402

settings.configure(ELEVATION_TILES="")

from apps.devices import places  # noqa: E402
from apps.operations.demo_places import PLACES  # noqa: E402

LOOKUPS = 5000
SCANS = 20


def microseconds(call: Callable[[float, float], object], times: int) -> list[float]:
    """Sorted times of calls at points around the demo's cities."""
    chance = random.Random(7)
    took = []
    for _ in range(times):
        city = chance.choice(PLACES)
        point = city.latitude + chance.gauss(0, 0.2), city.longitude + chance.gauss(0, 0.3)
        begun = time.perf_counter()
        call(*point)
        took.append((time.perf_counter() - begun) * 1e6)
    return sorted(took)


def scan(latitude: float, longitude: float) -> int:
    """The nearest place by looking at each: what the cells save."""
    known = places.gazetteer()
    squares = (
        (known.latitudes[index] - latitude) ** 2 + (known.longitudes[index] - longitude) ** 2
        for index in range(len(known.people))
    )
    return min(enumerate(squares), key=lambda pair: pair[1])[0]


def resident() -> int:
    """Memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 2**20


def main() -> None:
    """Print one line each."""
    before, begun = resident(), time.perf_counter()
    count = len(places.gazetteer().people)
    took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    kept = resident() - before
    print(f"load: {count} places in {took:.2f} s; {kept} MB kept, {peak - before} MB at the peak")
    empty = statistics.median(microseconds(lambda latitude, longitude: None, LOOKUPS))
    for name, call, times in (
        ("lookup", places.place_of, LOOKUPS),
        ("plain scan", scan, SCANS),
    ):
        found = microseconds(call, times)
        p50, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
        print(f"{name}: p50 {p50:.0f} µs, p99 {p99:.0f} µs; {p50 / empty:.0f} empty calls")


if __name__ == "__main__":
    main()
