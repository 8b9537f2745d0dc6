"""Readings as files of any length, in constant memory (contract: History)."""

from __future__ import annotations

from collections.abc import Iterator

from apps.devices.latest import iso
from apps.devices.models import Component
from apps.readings import sensor_sets
from apps.readings.models import Reading

ROWS = 2000


def csv(device_id: int) -> Iterator[bytes]:
    """All readings of a device as CSV, oldest first."""
    components = Component.objects.filter(device_id=device_id).order_by("sensor_id")
    sensors = list(components.select_related("sensor"))
    yield (",".join(["recorded_at", *(f'"{c.sensor.name}"' for c in sensors)]) + "\n").encode()
    readings = Reading.objects.filter(device_id=device_id).order_by("recorded_at")
    for reading in readings.iterator(ROWS):
        ids = sensor_sets.members([reading.sensor_set_id])[reading.sensor_set_id]
        values = dict(zip(ids, reading.values, strict=True))
        cells = [str(values.get(c.sensor_id, "")) for c in sensors]
        yield (",".join([iso(reading.recorded_at.timestamp()), *cells]) + "\n").encode()
