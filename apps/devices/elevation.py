"""How high a point lies, from an operator's own folder of SRTM tiles, where there is one.

A tile `N41E002.hgt` holds the square degree north and east of its name: 1201 × 1201 samples (3 arc
seconds) or 3601 × 3601 (1 arc second), rows from north to south, each a big-endian signed 16-bit
number of metres, -32768 where nothing was measured; its outer rows and columns are its neighbours'
too (NASA, SRTM Collection User Guide, "SRTM Height Files"). Eight bytes are read for an answer:
nothing is loaded or kept.
"""

from __future__ import annotations

import functools
import logging
import math
import struct
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

SIDES = {2 * side * side: side for side in (1201, 3601)}
# Anything else is a void, or a tile that is broken: the Dead Sea is at -430, Everest at 8,849.
PLAUSIBLE = range(-500, 9001)


def elevation_of(latitude: float, longitude: float) -> int | None:
    """Metres above the sea at a point in degrees (WGS 84), between its four nearest samples.

    None where no tile is, where one of the samples is void, and where a tile cannot be read, which
    is logged once. `longitude` is from -180 up to, but not including, 180.
    """
    if not settings.ELEVATION_TILES:
        return None
    south, west = math.floor(latitude), math.floor(longitude)
    tile = Path(settings.ELEVATION_TILES, tile_name(south, west))
    try:
        with tile.open("rb", buffering=0) as file:
            side = SIDES.get(file.seek(0, 2))
            if side is None:
                _complain(tile, f"it is not of {' or '.join(map(str, SIDES))} bytes")
                return None
            row, down = _position(1 - (latitude - south), side)
            column, right = _position(longitude - west, side)
            samples: list[int] = []
            for line in (row, row + 1):
                file.seek(2 * (line * side + column))
                samples += struct.unpack(">2h", file.read(4))
    except FileNotFoundError:
        return None
    except (OSError, struct.error) as error:
        _complain(tile, str(error))
        return None
    return _between(samples, down, right)


def tile_name(south: int, west: int) -> str:
    """The name of the tile whose south-western corner is at these whole degrees."""
    return f"{'NS'[south < 0]}{abs(south):02d}{'EW'[west < 0]}{abs(west):03d}.hgt"


def _position(share: float, side: int) -> tuple[int, float]:
    """The sample before a share of the side of a tile, and how far it is from there to the next."""
    exact = share * (side - 1)
    before = min(int(exact), side - 2)
    return before, exact - before


def _between(samples: list[int], down: float, right: float) -> int | None:
    """The height between north-west, north-east, south-west and south-east (bilinear)."""
    weights = [(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right]
    counted = [(height, weight) for height, weight in zip(samples, weights, strict=True) if weight]
    if any(height not in PLAUSIBLE for height, _ in counted):
        return None
    return round(sum(height * weight for height, weight in counted))


@functools.cache
def _complain(tile: Path, why: str) -> None:
    """Say once that a tile is of no use; devices in it have no elevation."""
    logger.warning("%s is no SRTM tile: %s", tile, why)
