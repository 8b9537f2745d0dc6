"""Where things are: geohashes, and public positions that hide the true one. Pure functions."""

from __future__ import annotations

import functools
import hashlib
import hmac
import math
from uuid import UUID

import pycountry
from django.conf import settings

BASE32 = "0123456789bcdefghjkmnpqrstuvwxyz"
GEOHASH_LENGTH = 10  # reference: Get a Device shows "dqcn9z86d7"

# A public position lies in the middle of a cell of this many metres, moved by up to OFFSET.
GRID = 300.0
OFFSET = 150.0
METRES_A_DEGREE = 111_320.0


@functools.cache
def _countries() -> dict[str, str]:
    """English names of countries by ISO 3166 alpha-2 code."""
    return {
        country.alpha_2: getattr(country, "common_name", country.name)
        for country in pycountry.countries
    }


def country_name(code: str | None) -> str | None:
    """The English name of a country by its ISO 3166 alpha-2 code; None where there is none."""
    return None if code is None else _countries().get(code)


def is_country(code: str) -> bool:
    """Whether a code is an ISO 3166 alpha-2 code, in upper case."""
    return code in _countries()


def geohash(latitude: float, longitude: float, length: int = GEOHASH_LENGTH) -> str:
    """The geohash of a point in degrees: bits of longitude and latitude in turn, in base 32.

    reference: Get a Device, `location.geohash`
    """
    bounds = [[-180.0, 180.0], [-90.0, 90.0]]
    point = (longitude, latitude)
    bits = 0
    for step in range(length * 5):
        low_high = bounds[step % 2]
        middle = sum(low_high) / 2
        upper = point[step % 2] >= middle
        low_high[0 if upper else 1] = middle
        bits = bits << 1 | upper
    return "".join(BASE32[bits >> shift & 31] for shift in range(length * 5 - 5, -1, -5))


def blurred(latitude: float, longitude: float, uuid: UUID) -> tuple[float, float]:
    """A public position a few hundred metres from the true one, in degrees.

    The point is snapped to a grid, then moved by an offset that depends on a key, the device and
    the cell alone: the same point in every answer, so that averaging many answers, or switching
    the blur off and on, reveals nothing new.
    """
    row = math.floor(latitude * METRES_A_DEGREE / GRID)
    centre_latitude = min(max((row + 0.5) * GRID / METRES_A_DEGREE, -90.0), 90.0)
    metres_a_degree_east = METRES_A_DEGREE * max(math.cos(math.radians(centre_latitude)), 0.01)
    column = math.floor(longitude * metres_a_degree_east / GRID)
    centre_longitude = (column + 0.5) * GRID / metres_a_degree_east
    key = hashlib.sha256(b"public position" + settings.ENCRYPTION_KEY.encode()).digest()
    digest = hmac.digest(key, f"{uuid}:{row}:{column}".encode(), "sha256")
    north, east = (
        (int.from_bytes(digest[part : part + 8], "big") / 2**64 * 2 - 1) * OFFSET for part in (0, 8)
    )
    moved_latitude = min(max(centre_latitude + north / METRES_A_DEGREE, -90.0), 90.0)
    moved_longitude = centre_longitude + east / metres_a_degree_east
    wrapped = (moved_longitude + 180.0) % 360.0 - 180.0
    return round(moved_latitude, 6), round(wrapped, 6)
