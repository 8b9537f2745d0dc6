"""Takes readings back and puts values right, as administrators ask.

The newest values on the device's row, the marks of what rollups must refresh and the change counter
follow in the same transaction. It is bounded, so that years of readings hold up nobody.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, islice

from django.db import connection, transaction
from django.utils import timezone

from apps.devices.latest import Newest
from apps.devices.models import Device
from apps.readings import ingest, rollups, sensor_sets
from apps.readings.ingest import Values
from apps.readings.keys import Row
from apps.readings.literals import AHEAD, EARLIEST
from apps.readings.raw import Series

# Each transaction changes no more readings than these.
AT_ONCE = 1000
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Readings of a device from `start` (inclusive) to `end` (exclusive).

    With a sensor they are its values alone.
    """

    device_id: int
    start: datetime
    end: datetime
    sensor_id: int | None = None

    def __str__(self) -> str:
        what = "readings" if self.sensor_id is None else f"values of sensor {self.sensor_id}"
        return f"{what} from {_written(self.start)} to {_written(self.end)}"


def count(span: Span) -> int:
    """How many readings a span has; one more than AT_ONCE stands for any more."""
    return len(_times(span, AT_ONCE + 1))


def delete_some(span: Span) -> tuple[int, Span | None]:
    """Delete the oldest of a span: how many, and what is left of it; None once all is gone."""
    times = _times(span, AT_ONCE)
    deleted = delete(span.device_id, times, span.sensor_id)
    if len(times) < AT_ONCE:
        return deleted, None
    return deleted, replace(span, start=times[-1] + MOMENT)


@transaction.atomic
def delete(device_id: int, times: Collection[datetime], sensor_id: int | None = None) -> int:
    """Delete the readings of these times, or of a sensor its values alone; returns how many.

    A reading that has no value left is deleted. Raises `Device.DoesNotExist`.
    """
    device = Device.objects.select_for_update(no_key=True).get(pk=device_id)
    before = ingest.values_at(device_id, times)
    if sensor_id is not None:
        before = {at: values for at, values in before.items() if sensor_id in values}
    if not before:
        return 0
    after = {at: _without(values, sensor_id) for at, values in before.items()}
    if kept := {at: values for at, values in after.items() if values}:
        sets = {tuple(sorted(values)) for values in kept.values()}
        numbers = sensor_sets.numbers(sets, None, None)
        ingest.write(device_id, kept, kept, timezone.now(), numbers)
    if gone := sorted(at for at, values in after.items() if not values):
        _delete(device_id, gone)
    _renew_newest(device, set(gone), set(before), sensor_id)
    return len(before)


@transaction.atomic
def correct(device_id: int, recorded_at: datetime, values: dict[int, float]) -> dict[int, float]:
    """Put values of a reading right, by sensor id; returns the former values of those that differ.

    The raw number stays what the kit sent. What is corrected is not forwarded again. Raises
    `Device.DoesNotExist`, and KeyError for what the device did not measure then.
    """
    Device.objects.select_for_update(no_key=True).get(pk=device_id)
    held = ingest.values_at(device_id, [recorded_at]).get(recorded_at, {})
    former = {sensor_id: held[sensor_id] for sensor_id in values}
    changed = {
        id_: (values[id_], raw) for id_, (value, raw) in former.items() if value != values[id_]
    }
    if changed:
        ingest.store(device_id, [Row(0, recorded_at, changed)], forward=False)
    return {sensor_id: former[sensor_id][0] for sensor_id in changed}


def _times(span: Span, most: int) -> list[datetime]:
    """The times of the first readings of a span."""
    series = Series.of(span.device_id, span.start, span.end, span.sensor_id)
    rows = chain.from_iterable(series.pieces(most))
    return [row[0] for row in islice(rows, most)]


def _without(values: Values, sensor_id: int | None) -> Values:
    """What is left of a reading; nothing where it is deleted as a whole."""
    if sensor_id is None:
        return {}
    return {id_: value for id_, value in values.items() if id_ != sensor_id}


def _delete(device_id: int, times: list[datetime]) -> None:
    """Delete whole readings. The bounds leave out the partitions that have none of them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM readings_reading WHERE device_id = %s AND recorded_at >= %s"
            " AND recorded_at <= %s AND recorded_at = ANY (%s)",
            [device_id, times[0], times[-1], times],
        )
        rollups.mark(cursor, device_id, times)


def _renew_newest(
    device: Device, gone: set[datetime], changed: set[datetime], sensor_id: int | None
) -> None:
    """Read the newest values anew where they are among what was deleted, and count the change."""
    latest, future_at = device.newest, device.future_at
    # What is ahead of the clock is not the newest until `ingest.promote` takes it in.
    until = future_at or timezone.now() + ingest.NORMALLY_AHEAD + MOMENT
    deleted = {at.timestamp() for at in changed}
    for id_, newest in list(latest.sensors.items()):
        if sensor_id in {None, id_} and {newest.at, newest.prev_at} & deleted:
            if found := _newest_two(device.pk, id_, until):
                latest.sensors[id_] = found
            else:
                del latest.sensors[id_]
    parted = device.newest.sensors.keys() - latest.sensors.keys()
    if latest.recorded_at in {at.timestamp() for at in gone}:
        last = Series(device.pk, EARLIEST, until).newest(1)
        latest.recorded_at = last[0].recorded_at.timestamp() if last else None
        latest.added_at = last[0].added_at.timestamp() if last else None
    if future_at in gone:
        later = _times(Span(device.pk, future_at, until + 2 * AHEAD), 1)
        future_at = later[0] if later else None
    ingest.save_newest(device, latest, future_at)
    if parted:
        device.adopt_kit()  # what it never posted, as far as is known, it does not have


def _newest_two(device_id: int, sensor_id: int, until: datetime) -> Newest | None:
    """The newest value of a sensor before a time, with the one before it."""
    readings = Series(device_id, EARLIEST, until, sensor_id).newest(2)
    members = sensor_sets.members(reading.sensor_set_id for reading in readings)
    told: list[float | None] = []
    for reading in readings:
        values = ingest.as_values(
            members[reading.sensor_set_id], reading.values, reading.raw_values
        )
        told += [*values[sensor_id], reading.recorded_at.timestamp()]
    return Newest(*told) if told else None  # type: ignore[arg-type]


def _written(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"
