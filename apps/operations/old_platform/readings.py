"""The readings of the old platform, one sensor at one time a row, through the one writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from django.utils import timezone

from apps.devices.models import Device
from apps.kits.models import KitSensor
from apps.operations.old_platform.cells import Bad, decimal, is_id, number
from apps.operations.old_platform.dumps import Row
from apps.readings import ingest, keys
from apps.readings.keys import Target
from apps.readings.literals import Unreadable, read_time
from apps.readings.payloads import Sample
from apps.sensors.models import Sensor

REQUIRED = ("device_id", "sensor_id", "recorded_at", "value")

Values = dict[int, tuple[float, float | None]]
Posts = dict[int, list[keys.Row]]
Reject = Callable[[Row, str, str], None]


class Known:
    """What the rows of a chunk may name, asked of the database at once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        ids = {int(row["device_id"]) for row in rows if is_id(row["device_id"])}
        self.kits = dict(Device.objects.filter(pk__in=ids).values_list("pk", "kit_id"))
        self.sensors = set(Sensor.objects.values_list("pk", flat=True))
        fitted = KitSensor.objects.filter(kit_id__in=set(self.kits.values()) - {None})
        self.targets = {
            (row.kit_id, row.sensor_id): Target(row.sensor_id, row.key, row.calibration)
            for row in fitted
        }


def store(posts: Posts) -> tuple[int, int]:
    """Store posts in the caller's transaction.

    Returns how many added or changed something, and how many were here already.
    """
    added = kept = 0
    # In one order everywhere, so that two writers never wait for each other.
    for device_id in sorted(posts):
        receipt = ingest.store(device_id, posts[device_id], forward=False)
        added, kept = added + receipt.stored, kept + receipt.duplicates
    return added, kept


def gather(rows: list[Row], reject: Reject) -> Posts:
    """The rows of a chunk as posts: by device, what its sensors said at each time.

    The partitions and sensor sets that they need are made, before the caller's transaction.
    """
    posts = {
        device_id: [
            keys.Row(index, recorded_at, values)
            for index, (recorded_at, values) in enumerate(sorted(of_device.items()))
        ]
        for device_id, of_device in _values(rows, reject).items()
    }
    for device_id, of_device in posts.items():
        ingest.prepare(device_id, of_device)
    return posts


def _values(rows: list[Row], reject: Reject) -> dict[int, dict[datetime, Values]]:
    """The readable rows of a chunk: by device, by time, the values of its sensors."""
    known = Known(rows)
    now = timezone.now()
    found: dict[int, dict[datetime, Values]] = {}
    for row in rows:
        try:
            device_id, sensor_id = number(row, "device_id"), number(row, "sensor_id")
            if device_id not in known.kits:
                raise Bad("device_id", f"device {device_id} is not here")
            if sensor_id not in known.sensors:
                raise Bad("sensor_id", f"sensor {sensor_id} is not here")
            recorded_at = read_time(row["recorded_at"], now)
            value = _value(row, known.targets.get((known.kits[device_id], sensor_id)))
        except Unreadable as problem:
            reject(row, "recorded_at", str(problem))
        except Bad as problem:
            reject(row, problem.column, str(problem))
        else:
            found.setdefault(device_id, {}).setdefault(recorded_at, {})[sensor_id] = value
    return found


def _value(row: Row, target: Target | None) -> tuple[float, float | None]:
    """The value of a row and its raw number, None where they are the same.

    Where only the raw number is there, as in the old time series database, the formula of the
    device's kit makes the value of it.
    """
    value, raw = decimal(row, "value"), decimal(row, "raw_value")
    if value is not None:
        return value, None if raw == value else raw
    if raw is None:
        raise Bad("value", "is missing, and so is raw_value")
    if target is None:
        return raw, None
    sample = Sample(0, timezone.now(), {target.key: raw})
    made, refusals = keys.calibrated([sample], {target.key: target})
    if refusals:
        raise Bad("raw_value", refusals[0].reason)
    return made[0].values[target.sensor_id]
