"""Why a device is silent, or what is wrong with what it says: what we know of its last weeks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from statistics import median

from apps.devices.models import Device
from apps.readings import raw, sensor_sets
from apps.readings.ingest import NORMALLY_AHEAD
from apps.readings.models import DirtyHour, IngestError, KeptHour

MESSAGES = 10
REFUSALS = 20
WEEKS = 6
# Kits without a connection keep readings and send them later, which is no fault of their clock.
LATE = timedelta(hours=1)


class Finding(StrEnum):
    """What stands out, the most telling first."""

    REFUSED = "refused"
    NEVER = "never"
    SILENT = "silent"
    CLOCK_AHEAD = "clock_ahead"
    LATE = "late"
    GAPS = "gaps"
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Message:
    """A reading that was stored: when it was measured, when it came, for how many sensors."""

    recorded_at: datetime
    added_at: datetime
    sensors: int

    @property
    def late(self) -> timedelta:
        """How long after it was measured it came; below zero where the device's clock is ahead."""
        return self.added_at - self.recorded_at


@dataclass(frozen=True, slots=True)
class Day:
    """A day of UTC and in how many of its hours anything came; `possible` is 24 but at the ends."""

    day: date
    hours: int
    possible: int

    @property
    def level(self) -> str:
        """`none`, `some`, `most` or `all` of its hours; `outside` where it has none."""
        if not self.possible:
            return "outside"
        if not self.hours:
            return "none"
        if self.hours >= self.possible:
            return "all"
        return "most" if self.hours * 2 >= self.possible else "some"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All of it; `weeks` are of seven days from Monday on, the last one with today."""

    findings: Sequence[Finding]
    messages: Sequence[Message]
    refusals: Sequence[IngestError]
    weeks: Sequence[Sequence[Day]]
    late: timedelta | None


def diagnose(device: Device, now: datetime) -> Diagnosis:
    """What is known of a device: seven queries at the most, none over a day of raw readings."""
    messages = newest(device)
    refusals = list(IngestError.objects.filter(device=device)[:REFUSALS])
    weeks = calendar(device, now)
    late = _usual(messages)
    return Diagnosis(
        findings=_findings(device, refusals, weeks, late, now),
        messages=messages,
        refusals=refusals,
        weeks=weeks,
        late=late,
    )


def newest(device: Device) -> list[Message]:
    """The last messages that were stored, newest first."""
    found = raw.Series.of(device.pk).newest(MESSAGES)
    sets = sensor_sets.members(reading.sensor_set_id for reading in found)
    return [
        Message(reading.recorded_at, reading.added_at, len(sets[reading.sensor_set_id]))
        for reading in found
    ]


def calendar(device: Device, now: datetime) -> list[list[Day]]:
    """The last weeks, day by day, from what is kept of their hours and not from readings."""
    today = now.date()
    first = today - timedelta(days=today.weekday() + 7 * (WEEKS - 1))
    since = datetime.combine(first, datetime.min.time(), now.tzinfo)
    counted = Counter(hour.date() for hour in hours(device, since, now))
    days = [first + timedelta(days=n) for n in range(7 * WEEKS)]
    shown = [Day(day, counted[day], max(counted[day], _possible(device, day, now))) for day in days]
    return [shown[at : at + 7] for at in range(0, len(shown), 7)]


def hours(device: Device, since: datetime, now: datetime) -> set[datetime]:
    """The hours of UTC from `since` to now in which anything was measured.

    Those whose rollups wait for their refresh are marked, and count too.
    """
    sensors = list(device.components.values_list("sensor_id", flat=True))
    kept = KeptHour.objects.filter(
        device_id=device.pk, sensor_id__in=sensors, bucket__gte=since, bucket__lte=now
    )
    marked = DirtyHour.objects.filter(device_id=device.pk, hour__gte=since, hour__lte=now)
    return {
        *kept.values_list("bucket", flat=True).distinct(),
        *marked.values_list("hour", flat=True),
    }


def _possible(device: Device, day: date, now: datetime) -> int:
    """How many hours of a day there were while the device was here, without the one of now."""
    begins = datetime.combine(day, datetime.min.time(), now.tzinfo)
    whole = now.replace(minute=0, second=0, microsecond=0)
    added = device.created_at.replace(minute=0, second=0, microsecond=0)
    start, end = max(begins, added), min(begins + timedelta(days=1), whole)
    return max(0, int((end - start) / timedelta(hours=1)))


def _usual(messages: Sequence[Message]) -> timedelta | None:
    """How late the device's messages usually are."""
    if not messages:
        return None
    return timedelta(seconds=median(message.late.total_seconds() for message in messages))


def _findings(
    device: Device,
    refusals: Sequence[IngestError],
    weeks: Sequence[Sequence[Day]],
    late: timedelta | None,
    now: datetime,
) -> list[Finding]:
    """What stands out."""
    status = device.status(now)
    found = []
    if any(_since(device, refusal) for refusal in refusals):
        found.append(Finding.REFUSED)
    if status == "new":
        found.append(Finding.NEVER)
    elif status == "offline":
        found.append(Finding.SILENT)
    if device.future_at is not None or (late is not None and late < -NORMALLY_AHEAD):
        found.append(Finding.CLOCK_AHEAD)
    elif late is not None and late > LATE:
        found.append(Finding.LATE)
    days = [day for week in weeks for day in week]
    if status == "online" and any(day.level in ("none", "some") for day in days):
        found.append(Finding.GAPS)
    return found or [Finding.WELL]


def _since(device: Device, refusal: IngestError) -> bool:
    """Whether something was refused since anything was stored."""
    return device.last_reading_at is None or refusal.last_at > device.last_reading_at
