"""How near the average of what is shown of many hidden devices comes to where they all are.

    python benchmarks/hidden_places.py

Needs no database. Compares the grid of the platform with two other ways (docs/decisions/
hidden-places.md), each with as many devices at one place; prints metres, the median of 300 places.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

sys.path.insert(0, str(Path(__file__).parents[1]))

from django.conf import settings  # noqa: E402

settings.configure(ENCRYPTION_KEY="of the benchmark")

from apps.devices.location import GRID, METRES_A_DEGREE, OFFSET, blurred  # noqa: E402

PLACES = 300
DEVICES = (1, 3, 10, 100)
Point = tuple[float, float]


def as_it_is(place: Point, uuid: UUID) -> Point:
    """The platform's, at the equator, where a degree is as long either way; in metres."""
    north, east = blurred(place[0] / METRES_A_DEGREE, place[1] / METRES_A_DEGREE, uuid)
    return north * METRES_A_DEGREE, east * METRES_A_DEGREE


def moved_grid(place: Point, uuid: UUID) -> Point:
    """The same, on a grid that lies elsewhere for each device."""
    drawn = random.Random(uuid.int)
    by = (drawn.uniform(0, GRID), drawn.uniform(0, GRID))
    north, east = as_it_is((place[0] - by[0], place[1] - by[1]), uuid)
    return north + by[0], east + by[1]


def random_move(place: Point, uuid: UUID) -> Point:
    """No grid: a move that each device keeps."""
    drawn, most = random.Random(uuid.int), 2 * OFFSET
    return place[0] + drawn.uniform(-most, most), place[1] + drawn.uniform(-most, most)


def error(way: Callable[[Point, UUID], Point], devices: int, rng: random.Random) -> float:
    """Metres from one place to the average of what is shown of so many devices there."""
    place = (rng.uniform(0, 30_000), rng.uniform(0, 30_000))
    shown = [way(place, UUID(int=rng.getrandbits(128))) for _ in range(devices)]
    return math.dist(place, [statistics.mean(axis) for axis in zip(*shown, strict=True)])


def main() -> None:
    """Print the table."""
    print("| devices | grid of all, as it is | grid moved for each | random move for each |")
    print("|---:|---:|---:|---:|")
    for devices in DEVICES:
        rng = random.Random(8)
        medians = (
            statistics.median(error(way, devices, rng) for _ in range(PLACES))
            for way in (as_it_is, moved_grid, random_move)
        )
        print(f"| {devices} |", " | ".join(f"{each:.0f}" for each in medians), "|")


if __name__ == "__main__":
    main()
