"""Tells owners by mail what happens to their devices: once an event, and once when it is over.

Owners ask for it by `notify_stopped_publishing` and `notify_low_battery`. Every few minutes the
worker compares the devices' rows with the notices that are open. Why the rules are as they are:
docs/decisions/notifications.md.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q

from apps.devices.battery import battery_of
from apps.devices.models import Device, Notice, Watch
from apps.mail import outbox

logger = logging.getLogger(__name__)

STOPPED, BATTERY = Notice.Kind.STOPPED_PUBLISHING, Notice.Kind.LOW_BATTERY
# Silent for so long, a device has stopped; silent for longer than NEWS, that is no news.
SILENCE = timedelta(minutes=60)
NEWS = timedelta(days=7)
# So long it publishes before its owner is told that it does, so that one reading is not enough.
RESUMED_FOR = timedelta(minutes=15)
# A device that comes and goes has no more than two notices a day.
BETWEEN_NOTICES = timedelta(hours=12)
BATTERY_WORD = timedelta(days=1)
# Between two checks no more than this passes, unless the worker or the database was away.
LONGEST_PAUSE = timedelta(minutes=15)
# Of fewer devices nobody can say whether they fell silent together by chance.
FEWEST = 10


def check(now: datetime) -> None:
    """Close the notices that are over, open those that are due, and have the mails sent."""
    steady = now - _steady_since(now) >= SILENCE
    _follow_stopped(now)
    _follow_batteries(now)
    if steady:
        for device in _silent(now):
            _open(device, STOPPED, now, since=_written(_heard_at(device)))
    for device in _wanting(BATTERY, now).filter(last_reading_at__gt=now - BATTERY_WORD):
        battery = battery_of(device.newest)
        if battery and battery.is_low and battery.at > (now - BATTERY_WORD).timestamp():
            _open(device, BATTERY, now, level=str(battery))


@transaction.atomic
def _steady_since(now: datetime) -> datetime:
    """Since when the platform has listened without a break, as far as can be told.

    It has not where no check was made for a while, and where most devices fell silent together:
    then that is ours and not theirs, and counts from when it is over.
    """
    Watch.objects.get_or_create(pk=1, defaults={"checked_at": now, "steady_since": now})
    watch = Watch.objects.select_for_update().get(pk=1)
    if now - watch.checked_at > LONGEST_PAUSE or _fell_silent_together(now):
        if watch.steady_since < watch.checked_at:
            logger.warning("nobody is told of silent devices: the platform was away, or most are")
        watch.steady_since = now
    watch.checked_at = now
    watch.save()
    return watch.steady_since


def _fell_silent_together(now: datetime) -> bool:
    """Whether half of the devices of the last day, or all of the last week, are silent."""
    since = {"hour": now - SILENCE, "day": now - timedelta(days=1), "week": now - NEWS}
    heard = Device.objects.active().aggregate(
        **{name: Count("pk", filter=Q(last_reading_at__gt=at)) for name, at in since.items()}
    )
    if heard["hour"] == 0:
        return bool(heard["week"] >= FEWEST)
    return bool(heard["day"] >= FEWEST and heard["hour"] * 2 < heard["day"])


def _wanting(kind: Notice.Kind, now: datetime) -> Any:
    """Devices whose owners want such notices, and have not been told lately."""
    told = Notice.objects.filter(kind=kind).filter(
        Q(closed_at=None) | Q(opened_at__gt=now - BETWEEN_NOTICES)
    )
    devices = Device.objects.active().filter(**{f"notify_{kind.value}": True})
    return devices.exclude(pk__in=told.values("device_id")).select_related("owner")


def _silent(now: datetime) -> list[Device]:
    """Devices that have stopped, lately enough to be news."""
    quiet = _wanting(STOPPED, now).filter(
        last_reading_at__lte=now - SILENCE, last_reading_at__gt=now - NEWS
    )
    return [device for device in quiet if _heard_at(device) <= now - SILENCE]


def _heard_at(device: Device) -> datetime:
    """When a device was last heard of: a kit that sends what it had kept sends old readings now."""
    added_at = datetime.fromtimestamp(device.newest.added_at or 0, UTC)
    return max(added_at, device.last_reading_at or added_at)


def _follow_stopped(now: datetime) -> None:
    """Close the notices of devices that publish again, and have for a while."""
    for notice in _open_ones(STOPPED, now):
        heard_at = _heard_at(notice.device)
        if heard_at <= now - SILENCE:
            if notice.resumed_at is not None:
                Notice.objects.filter(pk=notice.pk).update(resumed_at=None)
        elif notice.resumed_at is None:
            Notice.objects.filter(pk=notice.pk).update(resumed_at=heard_at)
        elif heard_at - notice.resumed_at >= RESUMED_FOR:
            _close(notice, now, "publishing_again", since=_written(notice.resumed_at))


def _follow_batteries(now: datetime) -> None:
    """Close the notices of devices whose batteries are charged again."""
    for notice in _open_ones(BATTERY, now):
        battery = battery_of(notice.device.newest)
        if battery and battery.is_good:
            _close(notice, now, "battery_charged", level=str(battery))


def _open_ones(kind: Notice.Kind, now: datetime) -> list[Notice]:
    """Open notices of a kind; those that nobody wants any more are closed without a word."""
    found = Notice.objects.filter(kind=kind, closed_at=None)
    wanted = Device.objects.active().filter(**{f"notify_{kind.value}": True})
    found.exclude(device__in=wanted).update(closed_at=now)
    return list(found.select_related("device__owner"))


@transaction.atomic
def _open(device: Device, kind: Notice.Kind, now: datetime, **told: Any) -> None:
    """Tell the owner, unless another check has just done so."""
    _, is_new = Notice.objects.get_or_create(
        device=device, kind=kind, closed_at=None, defaults={"opened_at": now}
    )
    if is_new:
        _tell(device, kind.value, told)


@transaction.atomic
def _close(notice: Notice, now: datetime, template: str, **told: Any) -> None:
    """Tell the owner that it is over, unless another check has just done so."""
    if Notice.objects.filter(pk=notice.pk, closed_at=None).update(closed_at=now):
        _tell(notice.device, template, told)


def _tell(device: Device, template: str, told: dict[str, Any]) -> None:
    """Write the mail: one event is one mail, with one Message-ID however often it is tried."""
    owner: Any = device.owner
    context = {"username": owner.username, "device": device.name, "id": device.pk, **told}
    outbox.send(f"devices/mail/{template}", owner.email, context, user=owner)


def _written(time: datetime) -> str:
    """A time as a mail says it."""
    return f"{time.astimezone(UTC):%d %B %Y, %H:%M} UTC"
