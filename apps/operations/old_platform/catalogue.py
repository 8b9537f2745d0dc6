"""The catalogue of the old platform: measurements, sensors, kits and tags."""

from __future__ import annotations

from apps.devices.models import Tag
from apps.kits.models import Kit, KitSensor
from apps.operations.old_platform.cells import json_object, number, optional_number, unique_id
from apps.operations.old_platform.dumps import Row
from apps.operations.old_platform.rules import Note, loose, times
from apps.sensors.models import Measurement, Sensor


def measurement(row: Row, note: Note) -> Measurement:
    """A measurement."""
    return Measurement(
        id=number(row, "id"),
        uuid=unique_id(row),
        name=row["name"],
        description=row["description"] or row["name"],
        unit=row["unit"] or None,
        definition=row["definition"] or None,
        **times(row),
    )


def sensor(row: Row, note: Note) -> Sensor:
    """A sensor; the last id of its `ancestry` (`4/5`) is its parent's."""
    parent, _, last = row["ancestry"].rpartition("/")
    parent_id = int(last) if last.isdigit() else None
    if parent_id and not Sensor.objects.filter(pk=parent_id).exists():
        note("ancestry", f"sensor {parent_id} is not here: left out")
        parent_id = None
    measurement_id = loose(optional_number, row, "measurement_id", note)
    if measurement_id and not Measurement.objects.filter(pk=measurement_id).exists():
        note("measurement_id", f"measurement {measurement_id} is not here: left out")
        measurement_id = None
    return Sensor(
        id=number(row, "id"),
        uuid=unique_id(row),
        parent_id=parent_id,
        name=row["name"],
        description=row["description"],
        unit=row["unit"] or None,
        measurement_id=measurement_id,
        default_key=row["default_key"] or None,
        datasheet=row["datasheet"] or None,
        unit_definition=row["unit_definition"] or None,
        **times(row),
    )


def tag(row: Row, note: Note) -> Tag:
    """A word that owners put on devices."""
    return Tag(
        id=number(row, "id"),
        uuid=unique_id(row),
        name=row["name"],
        description=row["description"],
        **times(row),
    )


def kit(row: Row, note: Note) -> Kit:
    """A kind of device."""
    return Kit(
        id=number(row, "id"),
        uuid=unique_id(row),
        slug=row["slug"] or f"kit:{number(row, 'id')}",
        name=row["name"],
        description=row["description"],
        **times(row),
    )


def equip(row: Row, new: Kit) -> None:
    """Give a new kit the sensors of its `sensor_map`: `{"temp": 12}`."""
    wanted = json_object(row, "sensor_map")
    known = set(Sensor.objects.filter(pk__in=wanted.values()).values_list("pk", flat=True))
    KitSensor.objects.bulk_create(
        [
            KitSensor(kit=new, sensor_id=sensor_id, key=key)
            for key, sensor_id in wanted.items()
            if sensor_id in known
        ],
        ignore_conflicts=True,
    )
