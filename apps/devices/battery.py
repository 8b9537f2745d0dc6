"""How full the battery of a device is, by the sensors that tell it: pure, no database."""

from __future__ import annotations

from typing import NamedTuple

from apps.devices.latest import Latest


class Scale(NamedTuple):
    """How a sensor tells it: under `least` no battery is connected, from `low` down it is nearly
    empty, from `good` up it is charged again. Between the two it stays what it was."""

    least: float
    low: float
    good: float
    unit: str


# Sensor id → scale. Percent from kits up to SCK 1.1, of which those without a battery tell up to 1;
# volts of the lithium cell of later ones.
SCALES = {
    10: Scale(least=2.0, low=15.0, good=25.0, unit="%"),
    17: Scale(least=2.0, low=15.0, good=25.0, unit="%"),
    222: Scale(least=1.0, low=3.4, good=3.6, unit="V"),
}


class Battery(NamedTuple):
    """What a device told last of its battery, and when (epoch seconds)."""

    level: float
    at: float
    scale: Scale

    def __str__(self) -> str:
        return f"{self.level:.3g} {self.scale.unit}"

    @property
    def is_low(self) -> bool:
        """Whether its owner should do something about it."""
        return self.level <= self.scale.low

    @property
    def is_good(self) -> bool:
        """Whether it is charged again, well above low, so that it is not low again at once."""
        return self.level >= self.scale.good


def battery_of(latest: Latest) -> Battery | None:
    """The newest word of a device on its battery; None where it has none or says nothing of it."""
    told = [
        Battery(newest.value, newest.at, scale)
        for sensor_id, scale in SCALES.items()
        if (newest := latest.sensors.get(sensor_id)) is not None and newest.value >= scale.least
    ]
    return max(told, key=lambda battery: battery.at, default=None)
