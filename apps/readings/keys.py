"""Which sensor a key or id names, and by which formula its raw numbers are calibrated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from apps.devices.models import Device
from apps.kits.models import Kit, KitSensor
from apps.readings.payloads import Refusal, Sample, Unreadable, excerpt
from apps.sensors.calibration import Formula, calibrate, is_identity
from apps.sensors.models import Sensor

# Calibration rules: 1.1 and above uses the SCK 1.1 row, 1.0 the SCK 1.0 row.
SCK_1_0, SCK_1_1 = "sck:1,0", "sck:1,1"
# What may be the id of a sensor, as a number or as text
NUMERIC = re.compile(r"[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """A sensor, the key that named it, and its formula; None: the number is the value."""

    sensor_id: int
    key: str
    formula: Formula


@dataclass(frozen=True, slots=True)
class Row:
    """A reading to be stored: by sensor id, the value and its raw number.

    A raw number of None: the value was posted calibrated, or its formula is the identity.
    """

    index: int
    recorded_at: datetime
    values: dict[int, tuple[float, float | None]]


def of_version(version: str | None, kit: Kit | None) -> dict[str, Target]:
    """The keys of an old kit, by its version header such as `1.1-0.8.5-A`.

    Without a readable one the device's kit decides, else SCK 1.1 (contract: In by old kits).
    """
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version or "", re.ASCII)
    rows = KitSensor.objects.order_by("sensor_id")
    if match is None and kit is not None:
        rows = rows.filter(kit=kit)
    else:
        old = match is not None and (int(match[1]), int(match[2])) < (1, 1)
        rows = rows.filter(kit__slug=SCK_1_0 if old else SCK_1_1)
    return {row.key: Target(row.sensor_id, row.key, row.calibration) for row in rows}


def calibrated(
    samples: Iterable[Sample], targets: Mapping[str, Target]
) -> tuple[list[Row], list[Refusal]]:
    """Samples as rows of values by sensor id; keys that name no sensor are refused one by one."""
    rows, refusals = [], []
    for sample in samples:
        values: dict[int, tuple[float, float | None]] = {}
        for key, number in sample.numbers.items():
            try:
                target = targets[str(key)]
                values[target.sensor_id] = _calibrated(target, number)
            except (KeyError, Unreadable) as problem:
                reason = str(problem) if isinstance(problem, Unreadable) else "unknown sensor"
                refusals.append(Refusal(sample.index, key, reason, excerpt(f"{key}: {number}")))
        if values:
            rows.append(Row(sample.index, sample.recorded_at, values))
    return rows, refusals


def named(samples: Iterable[Sample], device: Device) -> tuple[list[Row], list[Refusal]]:
    """Samples of REST and MQTT as rows by sensor id: their values are calibrated already.

    A sensor is named by its id, or by its key: that of the device's kit first, then a
    `default_key`, refused where it names two sensors (contract: In by REST).
    """
    samples = list(samples)
    sensor_ids = _sensor_ids({name for sample in samples for name in sample.numbers}, device)
    rows, refusals = [], []
    for sample in samples:
        values: dict[int, tuple[float, float | None]] = {}
        for name, number in sample.numbers.items():
            found = sensor_ids.get(name, [])
            if len(found) == 1:
                values[found[0]] = (number, None)
            else:
                reason = f"key names {len(found)} sensors: use an id" if found else "unknown sensor"
                refusals.append(Refusal(sample.index, name, reason, excerpt(f"{name}: {number}")))
        if values:
            rows.append(Row(sample.index, sample.recorded_at, values))
    return rows, refusals


def _sensor_ids(names: set[str | int], device: Device) -> dict[str | int, list[int]]:
    """The ids of the sensors that each id or key names."""
    ids = {name: int(name) for name in names if NUMERIC.fullmatch(str(name))}
    known = set(Sensor.objects.filter(pk__in=ids.values()).values_list("pk", flat=True))
    found: dict[str | int, list[int]] = {
        name: [sensor_id] for name, sensor_id in ids.items() if sensor_id in known
    }
    # PostgreSQL's text holds no NUL: such a key names nothing.
    if not (keys := {name for name in names - ids.keys() if "\0" not in str(name)}):
        return found
    for key, sensor_id in Sensor.objects.filter(default_key__in=keys).values_list(
        "default_key", "pk"
    ):
        found.setdefault(str(key), []).append(sensor_id)
    of_kit = KitSensor.objects.filter(kit=device.kit, key__in=keys)
    found.update({key: [sensor_id] for key, sensor_id in of_kit.values_list("key", "sensor_id")})
    return found


def _calibrated(target: Target, number: float) -> tuple[float, float | None]:
    """The value of a raw number, and that number, unless the formula is the identity.

    Raises Unreadable, also where the formula cannot be used: formulas are checked when they are
    saved, but one that came into the database otherwise must not refuse the kit's other sensors.
    """
    try:
        value = calibrate(target.formula, number)
        plain = is_identity(target.formula) and value == number
    except (ArithmeticError, AttributeError, LookupError, TypeError):
        raise Unreadable("the formula of the sensor cannot be used") from None
    if not math.isfinite(value):
        raise Unreadable("value is beyond what the formula of the sensor can calibrate")
    return value, None if plain else number
