"""Where devices are asked for: near a point, within a distance, in a box. Pure but for `Distance`.

All of it is about the public position (contract: positions), so that a search tells nothing that
the answers do not.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from django.db.models import BooleanField, F, FloatField, Func, Value

from apps.api.exceptions import BadRequest

# The radius of earthdistance's sphere: its `earth()`, in metres.
EARTH_RADIUS = 6378168.0
# Latitude, longitude and altitude as kits measure them (the catalogue's ids)
GPS_SENSORS = frozenset({125, 126, 127})
HALF_WAY_ROUND = math.pi * EARTH_RADIUS


class Point(NamedTuple):
    """A position in degrees."""

    latitude: float
    longitude: float


class Box(NamedTuple):
    """A stretch of the map in degrees; with west greater than east, across the antimeridian."""

    west: float
    south: float
    east: float
    north: float


class OnEarth(Func):
    """A position as a point on a sphere in space, which the index on devices is over."""

    function = "ll_to_earth"
    output_field: Any = FloatField()


class Distance(Func):
    """The straight line in metres between two points on the sphere.

    It grows with the great-circle distance, so that its order is the same, and an index serves it.
    """

    template = "(%(expressions)s)"
    arg_joiner = " <-> "
    output_field: Any = FloatField()

    @classmethod
    def of_device_from(cls, point: Point) -> Distance:
        """From the public position of a device to `point`."""
        return cls(
            OnEarth(F("public_latitude"), F("public_longitude")),
            OnEarth(Value(point.latitude), Value(point.longitude)),
        )


class Around(Func):
    """Whether a device's public position is in a cube around a point: an index serves it."""

    template = "(%(expressions)s)"
    arg_joiner = " @> "
    output_field: Any = BooleanField()

    @classmethod
    def of_device(cls, point: Point, kilometres: float) -> Around:
        """The cube holds all that is within the distance, and a little more in its corners."""
        metres = Value(min(kilometres * 1000, HALF_WAY_ROUND))
        cube = Func(
            OnEarth(Value(point.latitude), Value(point.longitude)), metres, function="earth_box"
        )
        return cls(cube, OnEarth(F("public_latitude"), F("public_longitude")))


def chord(kilometres: float) -> float:
    """The straight line in metres that spans an arc of so many kilometres on the sphere."""
    arc = min(kilometres * 1000, HALF_WAY_ROUND)
    return 2 * EARTH_RADIUS * math.sin(arc / (2 * EARTH_RADIUS))


def read_point(name: str, written: str) -> Point:
    """`lat,lng` in degrees; raises BadRequest naming the parameter."""
    latitude, longitude = _degrees(name, written, "lat,lng such as 41.401108,2.215319", 2)
    return Point(_in_range(name, latitude, 90), _in_range(name, longitude, 180))


def read_box(name: str, written: str) -> Box:
    """`west,south,east,north` in degrees; raises BadRequest naming the parameter."""
    west, south, east, north = _degrees(name, written, "west,south,east,north", 4)
    if south > north:
        raise BadRequest(f"{name} has its south above its north")
    return Box(
        _in_range(name, west, 180),
        _in_range(name, south, 90),
        _in_range(name, east, 180),
        _in_range(name, north, 90),
    )


def read_kilometres(name: str, written: str) -> float:
    """A distance in kilometres from 0; raises BadRequest naming the parameter."""
    [kilometres] = _degrees(name, written, "a number of kilometres", 1)
    if kilometres < 0:
        raise BadRequest(f"{name} has to be a number of kilometres, from 0")
    return kilometres


def _degrees(name: str, written: str, wanted: str, count: int) -> list[float]:
    """So many finite numbers, separated by commas."""
    try:
        numbers = [float(part) for part in written.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise BadRequest(f"{name} has to be {wanted}")
    return numbers


def _in_range(name: str, degrees: float, most: float) -> float:
    """Degrees between -most and most; raises BadRequest naming the parameter."""
    if abs(degrees) > most:
        raise BadRequest(f"{name} is out of range: {degrees:g} is not between -{most} and {most}")
    return degrees
