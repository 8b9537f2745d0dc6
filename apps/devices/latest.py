"""The newest reading of each sensor of a device, as the device row keeps it: pure, no database."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple


class Newest(NamedTuple):
    """The newest value of one sensor and the one before it.

    `raw` is None where the value was posted calibrated or needs no calibration: then the raw
    value is the value. Times are epoch seconds, with their fraction.
    """

    value: float
    raw: float | None
    at: float
    prev_value: float | None = None
    prev_raw: float | None = None
    prev_at: float | None = None


def number(value: float | None) -> float | int | None:
    """A raw or uncalibrated number as it is shown: whole ones as integers (calibration rules)."""
    if value is None:
        return None
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def shown(value: float | None, raw: float | None) -> tuple[float | int | None, float | int | None]:
    """`value` and `raw_value` as they are shown.

    A value that went through a formula is a float, a value that did not is its own raw value.
    """
    if raw is None:
        return number(value), number(value)
    return value, number(raw)


@dataclass
class Latest:
    """The newest readings of a device: by sensor id, with the times of the newest post."""

    recorded_at: float | None = None
    added_at: float | None = None
    sensors: dict[int, Newest] = field(default_factory=dict)

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Latest:
        """Read what `to_json` wrote; None is a device that never posted."""
        if data is None:
            return cls()
        return cls(
            recorded_at=data["recorded_at"],
            added_at=data["added_at"],
            sensors={int(id_): _newest(*newest) for id_, newest in data["sensors"].items()},
        )

    def to_json(self) -> dict[str, Any]:
        """The form that the device row stores."""
        return {
            "recorded_at": self.recorded_at,
            "added_at": self.added_at,
            "sensors": {str(id_): list(self.sensors[id_]) for id_ in sorted(self.sensors)},
        }

    def fold(
        self, at: float, added_at: float, values: Mapping[int, tuple[float, float | None]]
    ) -> None:
        """Take in one reading: newer values replace older ones, older ones change nothing.

        At the same time the later message wins. A late reading that lies between the newest and
        the one before it becomes the one before.
        """
        if self.recorded_at is None or at >= self.recorded_at:
            self.recorded_at, self.added_at = at, added_at
        for sensor_id, (value, raw) in values.items():
            held = self.sensors.get(sensor_id)
            if held is None:
                self.sensors[sensor_id] = Newest(value, raw, at)
            elif at > held.at:
                self.sensors[sensor_id] = Newest(value, raw, at, held.value, held.raw, held.at)
            elif at == held.at:
                self.sensors[sensor_id] = held._replace(value=value, raw=raw)
            elif held.prev_at is None or at >= held.prev_at:
                self.sensors[sensor_id] = held._replace(prev_value=value, prev_raw=raw, prev_at=at)

    def compact(self, hidden: Collection[int] = ()) -> dict[str, Any] | None:
        """The world map's `data`: values and raw values keyed by sensor id, and three times.

        Sensors whose values the viewer may not see are left out. None for a device that never
        posted. reference: World Map of Devices
        """
        if self.recorded_at is None or self.added_at is None:
            return None
        data: dict[str, Any] = {}
        for sensor_id in sorted(self.sensors.keys() - set(hidden)):
            newest = self.sensors[sensor_id]
            value, raw_value = shown(newest.value, newest.raw)
            data[str(sensor_id)] = value
            if newest.raw is not None:
                data[f"{sensor_id}_raw"] = raw_value
        added_at = iso(self.added_at)
        return {
            **data,
            "added_at": added_at,
            "calibrated_at": added_at,
            "recorded_at": iso(self.recorded_at),
        }


def iso(epoch: float) -> str:
    """Epoch seconds as the API writes times: UTC, whole seconds (contract: numbers, times)."""
    moment = datetime.fromtimestamp(int(epoch // 1), UTC)
    return moment.replace(tzinfo=None).isoformat() + "Z"


def _newest(value: float, raw: float | None, at: float, *before: float | None) -> Newest:
    """A stored list as a tuple. JSON has one kind of number: whole ones come back as integers."""
    prev = (None if number is None else float(number) for number in before)
    return Newest(float(value), None if raw is None else float(raw), at, *prev)
