"""Which sensor a key or id names, and by which formula its raw numbers are calibrated."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat

from apps.devices.models import Device
from apps.kits.models import Kit, KitSensor
from apps.readings.literals import Unreadable
from apps.readings.payloads import Refusal, Sample, excerpt
from apps.sensors.calibration import Formula, calibrate, is_identity
from apps.sensors.editions import KeptPerEdition
from apps.sensors.models import Sensor

# Calibration rules: 1.1 and above uses the SCK 1.1 row, 1.0 the SCK 1.0 row.
SCK_1_0, SCK_1_1 = "sck:1,0", "sck:1,1"
TOO_MANY_SETS = "the device has posted too many different combinations of sensors"
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


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What names mean: kept in each process, so that no message asks the database for it."""

    sensor_ids: frozenset[int]
    by_default_key: Mapping[str, list[int]]
    kit_ids: Mapping[str, int]
    of_kits: Mapping[int, Mapping[str, Target]]

    def sensors(
        self, names: Iterable[str | int], kit_id: int | None
    ) -> tuple[list[int], dict[str | int, str]]:
        """The sensors that ids and keys name, in their order; why the others name none."""
        sensor_ids, reasons = [], {}
        for name in names:
            found = self._named(name, kit_id)
            if len(found) == 1:
                sensor_ids.append(found[0])
            else:
                reason = f"key names {len(found)} sensors: use an id" if found else "unknown sensor"
                reasons[name] = reason
        return sensor_ids, reasons

    def _named(self, name: str | int, kit_id: int | None) -> list[int]:
        """The sensors that an id or a key names: the kit's own key goes first."""
        if NUMERIC.fullmatch(str(name)):
            return [int(name)] if int(name) in self.sensor_ids else []
        if kit_id is not None and (target := self.of_kits.get(kit_id, {}).get(str(name))):
            return [target.sensor_id]
        return self.by_default_key.get(str(name), [])


def _catalogue() -> Catalogue:
    """The catalogue as it is in the database."""
    by_default_key: dict[str, list[int]] = {}
    sensors = list(Sensor.objects.order_by("pk").values_list("pk", "default_key"))
    for sensor_id, key in sensors:
        if key is not None:
            by_default_key.setdefault(key, []).append(sensor_id)
    of_kits: dict[int, dict[str, Target]] = {}
    for row in KitSensor.objects.order_by("sensor_id"):
        target = Target(row.sensor_id, row.key, row.calibration)
        of_kits.setdefault(row.kit_id, {})[row.key] = target
    kit_ids = dict(Kit.objects.values_list("slug", "pk"))
    return Catalogue(frozenset(pk for pk, _ in sensors), by_default_key, kit_ids, of_kits)


CATALOGUE = KeptPerEdition(_catalogue)


def of_version(version: str | None, device: Device) -> Mapping[str, Target]:
    """The keys of an old kit, by its version header such as `1.1-0.8.5-A`.

    The device tells the `edition` of the catalogue too: what was read with it saves a query.
    Without a readable one the device's kit decides, else SCK 1.1 (contract: In by old kits).
    """
    catalogue, kit_id = CATALOGUE.of(device.edition), device.kit_id
    match = re.match(r"(\d{1,4})\.(\d{1,4})", version or "", re.ASCII)
    if match is not None or kit_id is None:
        old = match is not None and (int(match[1]), int(match[2])) < (1, 1)
        kit_id = catalogue.kit_ids.get(SCK_1_0 if old else SCK_1_1)
    return {} if kit_id is None else catalogue.of_kits.get(kit_id, {})


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
    `default_key`, refused where it names two sensors (contract: In by REST). The device is one
    that was fetched with the `edition` of the catalogue.
    """
    samples = list(samples)
    catalogue = CATALOGUE.of(device.edition)
    # Elements mostly name the same sensors: what they mean is looked up once.
    meant: dict[tuple[str | int, ...], tuple[list[int], dict[str | int, str]]] = {}
    rows, refusals = [], []
    for sample in samples:
        names = tuple(sample.numbers)
        if names not in meant:
            meant[names] = catalogue.sensors(names, device.kit_id)
        sensor_ids, reasons = meant[names]
        numbers = sample.numbers
        if reasons:
            numbers = {name: numbers[name] for name in names if name not in reasons}
            refusals += [
                Refusal(sample.index, name, reason, excerpt(f"{name}: {sample.numbers[name]}"))
                for name, reason in reasons.items()
            ]
        values: dict[int, tuple[float, float | None]] = dict(
            zip(sensor_ids, zip(numbers.values(), repeat(None)), strict=True)
        )
        if values:
            rows.append(Row(sample.index, sample.recorded_at, values))
    return rows, refusals


def too_many_sets(rows: Iterable[Row]) -> list[Refusal]:
    """Why rows were refused by the writer."""
    return [
        Refusal(row.index, None, TOO_MANY_SETS, excerpt(f"sensors {sorted(row.values)}"))
        for row in rows
    ]


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
