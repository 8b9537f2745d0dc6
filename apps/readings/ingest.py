"""The only writer of readings: one corridor behind every door.

What is answered with success has been committed. Writers of one device take turns on its row, so
that the same reading sent twice, at once or a year apart, is there exactly once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.utils import timezone
from psycopg2.extras import execute_values

from apps.devices.latest import Latest
from apps.devices.models import Component, Device
from apps.readings import forwarded, partitions, rollups, sensor_sets
from apps.readings.keys import Row
from apps.readings.models import Reading
from apps.sensors.models import Sensor

logger = logging.getLogger(__name__)

# Contract, Readings: so far ahead of the server's clock is normal
NORMALLY_AHEAD = timedelta(minutes=5)

Values = dict[int, tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many elements added or changed something, and how many changed nothing."""

    stored: int
    duplicates: int


def prepare(rows: Sequence[Row]) -> None:
    """Make the partitions and sensor sets that rows need, before the transaction that stores them.

    Without it nothing is lost: readings wait in the default partition for theirs to be made.
    """
    if not rows:
        return
    try:
        partitions.ensure(row.recorded_at for row in rows)
    except OperationalError as error:
        logger.warning("no partition was made, its readings wait in the default one: %s", error)
    sensor_sets.numbers({tuple(sorted(row.values)) for row in rows})


def store(
    device_id: int,
    rows: Sequence[Row],
    keys: dict[int, str] | None = None,
    *,
    forward: bool = True,
) -> Receipt:
    """Store the readings of one device, durable when this returns; safe to repeat.

    The same (device, time) twice is one reading: the later message's values win for the sensors
    it names. `keys` are the keys by which sensors were named, for the components of sensors that
    the device is seen to have now. What is old is not to be forwarded (`forward`). Raises
    `Device.DoesNotExist` where there is no such device.
    """
    if not rows:
        return Receipt(0, 0)
    added_at = timezone.now()
    with transaction.atomic():
        device = Device.objects.select_for_update(no_key=True).get(pk=device_id)
        before = values_at(device_id, {row.recorded_at for row in rows})
        after, stored = _merged(before, rows)
        if stored:
            write(device_id, after, added_at)
            _learn_sensors(device, after, keys or {})
            _leave_newest(device, after, added_at)
            if forward:
                forwarded.enqueue(device, after)
    return Receipt(stored, len(rows) - stored)


def promote(device_id: int, now: datetime) -> None:
    """Make readings that were ahead of the clock the newest ones, now that their time has come."""
    with transaction.atomic():
        device = Device.objects.select_for_update(no_key=True).get(pk=device_id)
        if device.future_at is None or device.future_at > now:
            return
        ahead = Reading.objects.filter(device_id=device_id, recorded_at__gte=device.future_at)
        due = list(ahead.filter(recorded_at__lte=now).order_by("recorded_at"))
        sets = sensor_sets.members(reading.sensor_set_id for reading in due)
        latest = device.newest
        for reading in due:
            values = as_values(sets[reading.sensor_set_id], reading.values, reading.raw_values)
            latest.fold(reading.recorded_at.timestamp(), reading.added_at.timestamp(), values)
        # Posted beyond the kit, and perhaps parted from it since: `latest` will name them.
        posted = {sensor_id for reading in due for sensor_id in sets[reading.sensor_set_id]}
        Component.objects.ensure(device_id, [(sensor_id, None) for sensor_id in sorted(posted)])
        later = ahead.filter(recorded_at__gt=now).order_by("recorded_at").first()
        save_newest(device, latest, later.recorded_at if later else None)


def as_values(
    sensor_ids: Sequence[int], values: Sequence[float], raw_values: Sequence[float | None] | None
) -> Values:
    """A stored reading by sensor id: its values and raw numbers."""
    raws = raw_values if raw_values is not None else [None] * len(values)
    return dict(zip(sensor_ids, zip(values, raws, strict=True), strict=True))


def values_at(device_id: int, times: Iterable[datetime]) -> dict[datetime, Values]:
    """What is stored of a device at these times."""
    readings = list(Reading.objects.filter(device_id=device_id, recorded_at__in=times))
    sets = sensor_sets.members(reading.sensor_set_id for reading in readings)
    return {
        reading.recorded_at: as_values(
            sets[reading.sensor_set_id], reading.values, reading.raw_values
        )
        for reading in readings
    }


def _merged(
    before: dict[datetime, Values], rows: Iterable[Row]
) -> tuple[dict[datetime, Values], int]:
    """The readings that change, as they are to be, and how many of the rows change anything."""
    after: dict[datetime, Values] = {}
    stored = 0
    for row in rows:
        held = after.get(row.recorded_at, before.get(row.recorded_at, {}))
        merged = {**held, **row.values}
        if merged != held:
            after[row.recorded_at] = merged
            stored += 1
    return after, stored


def write(device_id: int, after: dict[datetime, Values], added_at: datetime) -> None:
    """Insert or replace whole readings. The device's row is locked: nobody else writes them."""
    numbers = sensor_sets.numbers({tuple(sorted(values)) for values in after.values()})
    tuples = []
    for recorded_at, values in after.items():
        sensor_ids = tuple(sorted(values))
        raws = [values[sensor_id][1] for sensor_id in sensor_ids]
        tuples.append(
            (
                device_id,
                recorded_at,
                added_at,
                numbers[sensor_ids],
                [values[sensor_id][0] for sensor_id in sensor_ids],
                raws if any(raw is not None for raw in raws) else None,
            )
        )
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "INSERT INTO readings_reading"
            ' (device_id, recorded_at, added_at, sensor_set_id, "values", raw_values) VALUES %s'
            " ON CONFLICT (device_id, recorded_at) DO UPDATE SET"
            " added_at = excluded.added_at, sensor_set_id = excluded.sensor_set_id,"
            ' "values" = excluded."values", raw_values = excluded.raw_values',
            tuples,
            template="(%s, %s, %s, %s, %s, %s::float8[])",
            page_size=1000,
        )
        rollups.mark(cursor, device_id, after)


def _learn_sensors(device: Device, after: dict[datetime, Values], keys: dict[int, str]) -> None:
    """Join the device to sensors that it had not posted before, kit or not."""
    known = device.newest.sensors.keys()
    posted = {sensor_id for values in after.values() for sensor_id in values}
    if not (learned := sorted(posted - known)):
        return
    names = dict(Sensor.objects.filter(pk__in=learned).values_list("pk", "default_key")) | keys
    Component.objects.ensure(
        device.pk, [(sensor_id, names.get(sensor_id)) for sensor_id in learned]
    )


def _leave_newest(device: Device, after: dict[datetime, Values], added_at: datetime) -> None:
    """Leave the newest values on the device's row; older ones change nothing there."""
    latest, future_at = device.newest, device.future_at
    for recorded_at in sorted(after):
        if recorded_at > added_at + NORMALLY_AHEAD:
            future_at = min(future_at or recorded_at, recorded_at)
        else:
            latest.fold(recorded_at.timestamp(), added_at.timestamp(), after[recorded_at])
    save_newest(device, latest, future_at)


def save_newest(device: Device, latest: Latest, future_at: datetime | None) -> None:
    """Write the columns of the device's row that are ours alone."""
    at = latest.recorded_at
    device.last_reading_at = None if at is None else datetime.fromtimestamp(at, UTC)
    device.latest = None if at is None else latest.to_json()
    Device.objects.filter(pk=device.pk).update(
        latest=device.latest,
        last_reading_at=device.last_reading_at,
        future_at=future_at,
        readings_version=device.readings_version + 1,
    )
