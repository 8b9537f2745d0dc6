"""The only writer of readings: one corridor behind every door.

What is answered with success has been committed. Writers of one device take turns on its row, so
that the same reading sent twice, at once or a year apart, is there exactly once.
"""

from __future__ import annotations

import functools
import io
import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.db.models.expressions import RawSQL
from django.utils import timezone
from psycopg2.extras import execute_values

from apps.api.compiled import Compiled
from apps.devices.latest import Latest
from apps.devices.models import Component, Device
from apps.readings import forwarded, partitions, rollups, sensor_sets
from apps.readings.keys import Row
from apps.readings.models import Reading
from apps.readings.sensor_sets import SensorIds
from apps.sensors.models import Sensor

logger = logging.getLogger(__name__)

# Contract, Readings: so far ahead of the server's clock is normal
NORMALLY_AHEAD = timedelta(minutes=5)

COLUMNS = 'device_id, recorded_at, added_at, sensor_set_id, "values", raw_values'
WRITTEN = ("latest", "last_reading_at", "future_at", "readings_version", "enable_forwarding")

Values = dict[int, tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """How many elements added or changed something, and how many changed nothing.

    `refused` are those whose sensors are one combination too many (sensor_sets.MOST_OF_DEVICE).
    """

    stored: int
    duplicates: int
    refused: Sequence[Row] = ()


def prepare(device_id: int, rows: Sequence[Row]) -> None:
    """Make the partitions and sensor sets that rows need, before the transaction that stores them.

    Without it nothing is lost: readings wait in the default partition for theirs to be made.
    """
    if not rows:
        return
    try:
        partitions.ensure(row.recorded_at for row in rows)
    except OperationalError as error:
        logger.warning("no partition was made, its readings wait in the default one: %s", error)
    sensor_sets.prepare({tuple(sorted(row.values)) for row in rows}, device_id)


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
    # Within the transaction of a door no savepoint is needed: what fails takes all back.
    with transaction.atomic(savepoint=False):
        device = _locked().one(device_id)
        receipt = None if device is None else _store(device, rows, keys or {}, forward=forward)
    if receipt is None:
        raise Device.DoesNotExist
    return receipt


def _store(device: Any, rows: Sequence[Row], keys: dict[int, str], *, forward: bool) -> Receipt:
    """Store the readings of a device whose row is locked."""
    added_at = timezone.now()
    before = values_at(device.pk, {row.recorded_at for row in rows})
    after, changed = _merged(before, rows)
    sets = {recorded_at: tuple(sorted(values)) for recorded_at, values in after.items()}
    numbers = sensor_sets.numbers(sets.values(), device.pk, device.sets_edition)
    refused = {at: after.pop(at) for at, ids in sets.items() if ids not in numbers}
    if after:
        write(device.pk, before, after, added_at, numbers)
        _learn_sensors(device, after, keys)
        _leave_newest(device, after, added_at)
        if forward:
            forwarded.enqueue(device, after)
    left_out = tuple(row for row in changed if row.recorded_at in refused)
    return Receipt(len(changed) - len(left_out), len(rows) - len(changed), left_out)


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


@functools.cache
def _locked() -> Compiled[Any]:
    """The row of a device, locked, with the columns that a writer needs; in a transaction.

    With it comes as `sets_edition` which sets of sensors there are.
    """
    devices = Device.objects.select_for_update(no_key=True).only(*WRITTEN)
    return Compiled(devices.annotate(sets_edition=RawSQL(sensor_sets.EDITION, [])))


def values_at(device_id: int, times: Iterable[datetime]) -> dict[datetime, Values]:
    """What is stored of a device at these times."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT recorded_at, sensor_set_id, "values", raw_values FROM readings_reading'
            " WHERE device_id = %s AND recorded_at = ANY (%s::timestamptz[])",
            [device_id, f"{{{','.join(map(datetime.isoformat, times))}}}"],
        )
        found = cursor.fetchall()
    sets = sensor_sets.members({set_id for _, set_id, _, _ in found}) if found else {}
    return {
        recorded_at: as_values(sets[set_id], values, raw_values)
        for recorded_at, set_id, values, raw_values in found
    }


def _merged(
    before: dict[datetime, Values], rows: Iterable[Row]
) -> tuple[dict[datetime, Values], list[Row]]:
    """The readings that change, as they are to be, and the rows that change anything."""
    after: dict[datetime, Values] = {}
    changed = []
    for row in rows:
        held = after.get(row.recorded_at, before.get(row.recorded_at, {}))
        merged = {**held, **row.values}
        if merged != held:
            after[row.recorded_at] = merged
            changed.append(row)
    return after, changed


def write(
    device_id: int,
    before: Collection[datetime],
    after: dict[datetime, Values],
    added_at: datetime,
    numbers: dict[SensorIds, int],
) -> None:
    """Add the readings that are new by COPY, and replace the others.

    The device's row is locked: nobody else writes its readings, so that what `before` does not
    name is not there. COPY is several times faster than INSERT (docs/decisions/ingest.md).
    """
    new: list[tuple[Any, ...]] = []
    replaced: list[tuple[Any, ...]] = []
    for recorded_at, values in after.items():
        sensor_ids = tuple(sorted(values))
        plain, raws = zip(*map(values.__getitem__, sensor_ids), strict=True)
        row = (
            device_id,
            recorded_at.isoformat(),
            added_at.isoformat(),
            numbers[sensor_ids],
            _literal(plain),
            None if raws.count(None) == len(raws) else _literal(raws),
        )
        (replaced if recorded_at in before else new).append(row)
    with connection.cursor() as cursor:
        if new:
            cursor.copy_expert(
                f"COPY readings_reading ({COLUMNS}) FROM STDIN WITH (DELIMITER '|', NULL 'None')",
                io.StringIO("".join(f"{'|'.join(map(str, row))}\n" for row in new)),
            )
        if replaced:
            execute_values(
                cursor.cursor,
                f"INSERT INTO readings_reading ({COLUMNS}) VALUES %s"
                " ON CONFLICT (device_id, recorded_at) DO UPDATE SET"
                " added_at = excluded.added_at, sensor_set_id = excluded.sensor_set_id,"
                ' "values" = excluded."values", raw_values = excluded.raw_values',
                replaced,
                template="(%s, %s, %s, %s, %s, %s::float8[])",
                page_size=1000,
            )
        rollups.mark(cursor, device_id, after)


def _literal(values: Sequence[float | None]) -> str:
    """Finite numbers as PostgreSQL writes an array of them."""
    return f"{{{orjson.dumps(values)[1:-1].decode()}}}"


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
    ahead = [at for at in after if at > added_at + NORMALLY_AHEAD]
    if ahead:
        future_at = min(ahead if future_at is None else [future_at, *ahead])
    # A sensor is shown with its newest value and the one before: of each set of sensors the two
    # newest readings decide, however many came in.
    of_sets: dict[SensorIds, list[datetime]] = {}
    for recorded_at in sorted(after.keys() - set(ahead), reverse=True):
        newest = of_sets.setdefault(tuple(sorted(after[recorded_at])), [])
        if len(newest) < 2:
            newest.append(recorded_at)
    for recorded_at in sorted(chain.from_iterable(of_sets.values())):
        latest.fold(recorded_at.timestamp(), added_at.timestamp(), after[recorded_at])
    save_newest(device, latest, future_at)


def save_newest(device: Device, latest: Latest, future_at: datetime | None) -> None:
    """Write the columns of the device's row that are ours alone."""
    at = latest.recorded_at
    device.last_reading_at = None if at is None else datetime.fromtimestamp(at, UTC)
    device.latest = None if at is None else latest.to_json()
    with connection.cursor() as cursor:  # as `update` would, which takes longer to say so
        cursor.execute(
            "UPDATE devices_device SET latest = %s, last_reading_at = %s, future_at = %s,"
            " readings_version = %s WHERE id = %s",
            [
                None if device.latest is None else orjson.dumps(device.latest).decode(),
                device.last_reading_at,
                future_at,
                device.readings_version + 1,
                device.pk,
            ],
        )
