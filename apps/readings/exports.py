"""Readings as CSV and NDJSON, of any length in constant memory (contract: History).

Pages follow one another by time, each a query of its own, so that neither a transaction nor a
cursor stays open while a slow client reads.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from apps.api.renderers import to_json
from apps.api.spreadsheets import harmless
from apps.devices.latest import iso, number
from apps.devices.models import Component
from apps.readings import history, sensor_sets
from apps.readings.raw import as_reading
from apps.sensors.models import Sensor

logger = logging.getLogger(__name__)

PAGE = 5000
MESSAGE = "This file is incomplete: something went wrong on our side. Please ask again."
# The last line of a file that is not whole: no reading, by its shape.
INCOMPLETE = {
    "csv": f"error,{MESSAGE}\n".encode(),
    "ndjson": to_json({"id": "internal_server_error", "message": MESSAGE}) + b"\n",
}


def as_csv(
    device_id: int, wanted: history.Range | None = None, *, raw: bool = False
) -> Iterator[bytes]:
    """The readings of a device within a range, oldest first, in pieces of some hundred kilobytes.

    `recorded_at` and one column a sensor, ordered by sensor id and headed by its name and unit;
    with `raw` a second one beside it. A cell is empty where the sensor says nothing.
    """
    wanted = wanted or history.Range()
    sensors = _sensors(device_id, wanted)
    yield _header(sensors, raw)
    layouts: dict[int, list[int | None]] = {}
    for page in wanted.of(device_id).pieces(PAGE):
        missing = {row[1] for row in page} - layouts.keys()
        for set_id, ids in sensor_sets.members(missing).items():
            places = {sensor_id: place for place, sensor_id in enumerate(ids)}
            layouts[set_id] = [places.get(sensor.pk) for sensor in sensors]
        yield "".join(_line(row, layouts[row[1]], raw) for row in page).encode()


def as_ndjson(device_id: int, wanted: history.Range) -> Iterator[bytes]:
    """The objects of the raw list, one a line, oldest first, in pieces likewise."""
    for page in wanted.of(device_id).pieces(PAGE):
        objects = history.as_json((as_reading(device_id, row) for row in page), wanted)
        yield b"".join(to_json(one) + b"\n" for one in objects)


def ending_visibly(pieces: Iterable[bytes], form: str) -> Iterator[bytes]:
    """The pieces of a file that is sent meanwhile; one that fails midway ends with INCOMPLETE.

    The web server ends an answer whose pieces fail as if it were whole, and its status is sent.
    """
    try:
        yield from pieces
    except Exception:  # whatever it was, the client has to see that the file is not whole
        logger.exception("a file of readings ended before it was whole")
        yield INCOMPLETE[form]


def _sensors(device_id: int, wanted: history.Range) -> list[Sensor]:
    """The sensors that a device has, or the one that is asked for if it has it."""
    components = Component.objects.filter(device_id=device_id)
    sensors = Sensor.objects.filter(pk__in=components.values("sensor_id")).order_by("pk")
    return [sensor for sensor in sensors if wanted.shows(sensor.pk)]


def _header(sensors: Sequence[Sensor], raw: bool) -> bytes:
    """The line that names the columns."""
    cells = ["recorded_at"]
    for sensor in sensors:
        name = harmless(f"{sensor.name} ({sensor.unit})" if sensor.unit else sensor.name)
        cells += [name, f"{name} raw"] if raw else [name]
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def _line(row: tuple[Any, ...], layout: Sequence[int | None], raw: bool) -> str:
    """A reading as a line; `layout` says for each column where its value stands, if anywhere."""
    recorded_at, _, values, raws, _ = row
    cells = [iso(recorded_at.timestamp())]
    for place in layout:
        if place is None:
            cells += ["", ""] if raw else [""]
            continue
        value, before = values[place], raws[place] if raws else None
        cells.append(str(number(value) if before is None else value))
        if raw:
            cells.append(str(number(value if before is None else before)))
    return ",".join(cells) + "\n"
