"""Raw readings in order of time, by short statements that touch few partitions.

Without bounds PostgreSQL opens every partition: rows of any time may lie in the default one. So
each statement names a window of time, most often one month, which is one partition. The readings
with one sensor, which may be few among many, are found by their kept hours and the dirty ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from apps.devices.models import Device
from apps.readings import sensor_sets
from apps.readings.buckets import HOUR
from apps.readings.literals import AHEAD, EARLIEST
from apps.readings.models import Reading

COLUMNS = ("recorded_at", "sensor_set_id", "values", "raw_values", "added_at")
Row = tuple[Any, ...]  # the values of these columns
Window = tuple[datetime, datetime]

# A statement reads so many hours at most where one sensor is asked for.
HOURS_AT_ONCE = 100
LEAST = datetime.resolution


@dataclass(frozen=True, slots=True)
class Series:
    """Readings of a device from `start` to before `end`; with a sensor only those that name it.

    `of` finds bounds where there are none: the fewer partitions lie between them, the better.
    """

    device_id: int
    start: datetime
    end: datetime
    sensor_id: int | None = None

    @classmethod
    def of(
        cls,
        device_id: int,
        start: datetime | None = None,
        end: datetime | None = None,
        sensor_id: int | None = None,
    ) -> Series:
        """The readings of a device within a range whose bounds may be left out.

        The device's row, which the writer of readings keeps, says where they end.
        """
        newest = EARLIEST
        ends = Device.objects.filter(pk=device_id).values_list("last_reading_at", "future_at")
        for last, ahead in ends:
            if ahead is not None:
                newest = timezone.now() + 2 * AHEAD
            elif last is not None:
                newest = last + LEAST
        first = max(start or EARLIEST, EARLIEST)
        return cls(device_id, first, max(first, min(end or newest, newest)), sensor_id)

    def before(self, end: datetime | None) -> Series:
        """Those of them before a time."""
        return self if end is None else replace(self, end=min(self.end, end))

    def newest(self, count: int) -> list[Reading]:
        """The newest so many of them, newest first."""
        rows = chain.from_iterable(self.pieces(count, newest_first=True))
        return [as_reading(self.device_id, row) for row in islice(rows, count)]

    def pieces(self, size: int, *, newest_first: bool = False) -> Iterator[list[Row]]:
        """The rows, in lists of `size` at most, each of one statement that runs when it is due."""
        if self.sensor_id is not None:
            return self._with_sensor(self.sensor_id, size, newest_first)
        return self._by_months(size, newest_first)

    def _by_months(self, size: int, newest_first: bool) -> Iterator[list[Row]]:
        """Window by window; windows grow over stretches where there is little."""
        start, end, months = self.start, self.end, 1
        if not newest_first:
            first = self._between(start, end).order_by("recorded_at").values_list("recorded_at")[:1]
            start = next((time for (time,) in first), end)
        while start < end:
            if newest_first:
                low, high = max(start, _month(end - LEAST, 1 - months)), end
            else:
                low, high = start, min(end, _month(start, months))
            rows = self._read([(low, high)], None, size, newest_first)
            if rows:
                yield rows
            months = 1 if len(rows) > size // 2 else 2 * months
            if newest_first:
                end = rows[-1][0] if len(rows) == size else low
            else:
                start = rows[-1][0] + LEAST if len(rows) == size else high

    def _with_sensor(self, sensor_id: int, size: int, newest_first: bool) -> Iterator[list[Row]]:
        """Some hundred hours at a time, in which there may be readings with the sensor."""
        start, end = self.start, self.end
        sets = sensor_sets.holding(sensor_id)
        while sets and (hours := self._hours(sensor_id, start, end, newest_first)):
            windows = [(max(low, start), min(high, end)) for low, high in _runs(hours)]
            rows = self._read(windows, sets, size, newest_first)
            if rows:
                yield rows
            if newest_first:
                end = rows[-1][0] if len(rows) == size else hours[0]
            else:
                start = rows[-1][0] + LEAST if len(rows) == size else hours[-1] + HOUR

    def _hours(
        self, sensor_id: int, start: datetime, end: datetime, newest_first: bool
    ) -> list[datetime]:
        """The first hours of a range, in the order asked for, that may hold readings; ascending.

        What is not kept yet is dirty; one statement, so that none slips from one to the other.
        """
        order = "DESC" if newest_first else "ASC"
        within = "bucket > %(start)s AND bucket < %(end)s"
        with connection.cursor() as cursor:
            cursor.execute(
                "(SELECT bucket FROM readings_hourly"
                f" WHERE device_id = %(device)s AND sensor_id = %(sensor)s AND {within}"
                f" ORDER BY bucket {order} LIMIT %(count)s)"
                " UNION (SELECT hour FROM readings_dirty"
                f" WHERE device_id = %(device)s AND {within.replace('bucket', 'hour')}"
                f" ORDER BY hour {order} LIMIT %(count)s) ORDER BY 1 {order} LIMIT %(count)s",
                {
                    "device": self.device_id,
                    "sensor": sensor_id,
                    "start": start - HOUR,
                    "end": end,
                    "count": HOURS_AT_ONCE,
                },
            )
            return sorted(hour for (hour,) in cursor.fetchall())

    def _read(
        self,
        windows: Sequence[Window],
        sets: Sequence[int] | None,
        size: int,
        newest_first: bool,
    ) -> list[Row]:
        """The first rows of some windows. Each is a part of its own with its own limit, so that
        the plan is the same whatever the statistics say."""
        order = "-recorded_at" if newest_first else "recorded_at"
        parts = []
        for low, high in windows:
            found = self._between(low, high)
            if sets is not None:
                found = found.filter(sensor_set_id__in=sets)
            parts.append(found.order_by(order).values_list(*COLUMNS)[:size])
        if len(parts) == 1:
            return list(parts[0])
        return list(parts[0].union(*parts[1:], all=True).order_by(order)[:size])

    def _between(self, low: datetime, high: datetime) -> QuerySet[Reading]:
        """The readings of a window."""
        return Reading.objects.filter(
            device_id=self.device_id, recorded_at__gte=low, recorded_at__lt=high
        )


def as_reading(device_id: int, row: Row) -> Reading:
    """A row as a reading."""
    return Reading(device_id=device_id, **dict(zip(COLUMNS, row, strict=True)))


def _month(moment: datetime, on: int) -> datetime:
    """The beginning of the month of UTC so many months on from that of a moment."""
    moment = moment.astimezone(UTC)
    year, month = divmod(moment.year * 12 + moment.month - 1 + on, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC) if year > 0 else EARLIEST


def _runs(hours: Iterable[datetime]) -> list[Window]:
    """Ascending hours as windows, those that follow one another in one."""
    runs: list[Window] = []
    for hour in hours:
        if runs and runs[-1][1] == hour:
            runs[-1] = (runs[-1][0], hour + HOUR)
        else:
            runs.append((hour, hour + HOUR))
    return runs
