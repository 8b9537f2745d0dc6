"""The history of a device: which readings a request asks for, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.api.exceptions import BadRequest
from apps.devices.latest import number
from apps.readings import literals, sensor_sets
from apps.readings.buckets import Rollup
from apps.readings.ingest import as_values
from apps.readings.models import Reading
from apps.readings.raw import Series

EPOCH = re.compile(r"-?\d{1,14}(\.\d{1,9})?", re.ASCII)
DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Range:
    """Which readings: from `start` (inclusive) to `end` (exclusive), of one sensor or of all."""

    start: datetime | None = None
    end: datetime | None = None
    sensor_id: int | None = None
    # Sensors that the viewer may not see
    hidden: frozenset[int] = frozenset()

    @classmethod
    def from_parameters(
        cls, parameters: Mapping[str, str], hidden: frozenset[int] = frozenset()
    ) -> Range:
        """Read `from`, `to`, `relative` and `sensor_id`; blank ones do not narrow.

        `relative=6w` begins six weeks ago, in place of `from`. Raises `BadRequest`.
        """
        start, end = (read_bound(name, parameters.get(name, "")) for name in ("from", "to"))
        if relative := parameters.get("relative", "").strip():
            if start:
                raise BadRequest("relative and from exclude each other")
            start = read_relative(relative, timezone.now())
        if start and end and start > end:
            raise BadRequest("from has to be before to")
        sensor_id = parameters.get("sensor_id", "")
        if sensor_id and not re.fullmatch(r"[0-9]{1,9}", sensor_id):
            raise BadRequest("sensor_id has to be the number of a sensor")
        return cls(start, end, int(sensor_id) if sensor_id else None, hidden)

    def of(self, device_id: int) -> Series:
        """The readings of a device within the range."""
        return Series.of(device_id, self.start, self.end, self.sensor_id)

    def shows(self, sensor_id: int) -> bool:
        """Whether values of this sensor are asked for, and may be seen."""
        return self.sensor_id in (None, sensor_id) and sensor_id not in self.hidden


def read_bound(name: str, written: str) -> datetime | None:
    """A bound of a range (contract: Readings): any time that ingest reads, a date, or an epoch."""
    written = written.strip()
    if not written:
        return None
    if EPOCH.fullmatch(written):
        # A short number is an epoch here, where ingest would take it for nonsense.
        moment = literals.moment(float(written))
    else:
        moment = literals.moment(f"{written} 00:00:00" if DATE.fullmatch(written) else written)
    if moment is None:
        raise BadRequest(f"{name} has to be a time such as 2016-06-08T10:30:00Z or a date")
    return moment


def read_relative(written: str, now: datetime) -> datetime:
    """The time that lies `<n><y|M|w|d|h|m|s|ms>` before now; calendar months keep the day."""
    try:
        return Rollup.parse(written).before(now)
    except ValueError:
        raise BadRequest(
            "relative has to be a length of time such as 6w: a number and one of y M w d h m s ms"
        ) from None


def as_json(found: Iterable[Reading], wanted: Range | None = None) -> list[dict[str, Any]]:
    """Raw readings as they are listed: `data` is keyed like the world map's, without its times."""
    found, wanted = list(found), wanted or Range()
    sets = sensor_sets.members(reading.sensor_set_id for reading in found)
    return [
        {
            "device_id": reading.device_id,
            "recorded_at": reading.recorded_at,
            "added_at": reading.added_at,
            "data": _data(reading, sets[reading.sensor_set_id], wanted),
        }
        for reading in found
    ]


def _data(
    reading: Reading, sensor_ids: tuple[int, ...], wanted: Range
) -> dict[str, float | int | None]:
    """Values and raw values by sensor id, of the sensors that are wanted."""
    data: dict[str, float | int | None] = {}
    for id_, (value, raw) in as_values(sensor_ids, reading.values, reading.raw_values).items():
        if wanted.shows(id_):
            data[str(id_)] = number(value) if raw is None else value
            if raw is not None:
                data[f"{id_}_raw"] = number(raw)
    return data
