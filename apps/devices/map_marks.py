"""What the map of the first page draws of each device: columns, a sixth of the map's bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import orjson

from apps.devices.serializers import Json

# As they are in an entry of the world map.
COLUMNS = ("id", "name", "city", "latitude", "longitude", "status", "exposure", "last_reading_at")


def columns(entries: Iterable[Json]) -> bytes:
    """Entries of the world map as JSON: a list for each column, in the order of the entries.

    `sensors` has for each device the place, in `sensor_sets`, of the ids of the sensors that it
    posted; a device that never posted has the empty set.
    """
    shown: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    sets: dict[tuple[int, ...], int] = {(): 0}
    sensors: list[int] = []
    for entry in entries:
        for name, column in shown.items():
            column.append(entry[name])
        posted = (int(key) for key in entry["data"] or () if str(key).isdigit())
        sensors.append(sets.setdefault(tuple(sorted(posted)), len(sets)))
    return orjson.dumps({**shown, "sensors": sensors, "sensor_sets": list(sets)})
