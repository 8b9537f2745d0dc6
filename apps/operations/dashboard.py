"""What operators see first on the admin site: how the platform is, and what waits for them.

Everything is cheap, however many readings there are: the only question to the time series is about
some hundred devices, from whom the others are told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils import timezone

from apps.devices.models import Device
from apps.mail.models import Mail
from apps.operations import figures, health
from apps.readings.models import IngestError
from apps.users.models import User

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Counting the last hour of so many devices takes 50 ms, of 20,000 two seconds.
DEVICES_ASKED = 500
REASONS_LISTED = 8


@dataclass(frozen=True, slots=True)
class Line:
    """A figure in words, where more of it is told, and whether somebody should look."""

    name: str
    value: str
    link: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Figures that belong together."""

    title: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """The panels, and what is wrong at this moment by the name of the part."""

    panels: list[Panel]
    problems: dict[str, str]


def read(at: datetime | None = None) -> Dashboard:
    """Read it all: some ten queries."""
    at = at or timezone.now()
    found = figures.now()
    parts = health.readiness().parts
    return Dashboard(
        [
            Panel("Devices and readings", [*_devices(found, at), *_readings(found, at)]),
            Panel("Refused in the last 24 hours", list(_refused(at))),
            Panel("Work", [*_work(found), *_mails()]),
            Panel("Accounts", list(_accounts(at))),
        ],
        {name: said for name, said in parts.items() if said != "ok"},
    )


def readings_since(at: datetime, since: timedelta) -> tuple[int, bool]:
    """How many readings devices recorded in a stretch of time up to `at`, and whether exactly.

    Where more than DEVICES_ASKED devices posted, it is told from as many by chance.
    """
    heard = Device.objects.filter(last_reading_at__gt=at - since)
    total = heard.count()
    asked = list(heard.order_by("?").values_list("pk", flat=True)[:DEVICES_ASKED])
    if not asked:
        return 0, True
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM readings_reading WHERE device_id = ANY (%s)"
            " AND recorded_at > %s AND recorded_at <= %s",
            [asked, at - since, at],
        )
        [(counted,)] = cursor.fetchall()
    return round(counted * total / len(asked)), len(asked) >= total


def _devices(found: figures.Figures, at: datetime) -> Iterator[Line]:
    devices = Device.objects.active().aggregate(
        heard=Count("pk", filter=Q(last_reading_at__gt=at - HOUR)),
        new=Count("pk", filter=Q(created_at__gt=at - DAY)),
    )
    listed = reverse("admin:devices_device_changelist")
    online = f"{found.devices_online:,} of {found.devices:,}"
    yield Line("Online", online, f"{listed}?status=online")
    yield Line("Posted in the last hour", f"{devices['heard']:,}")
    yield Line("Added in the last 24 hours", f"{devices['new']:,}", listed)


def _readings(found: figures.Figures, at: datetime) -> Iterator[Line]:
    count, is_exact = readings_since(at, HOUR)
    yield Line("Readings of the last hour", f"{'' if is_exact else 'about '}{count:,}")
    age = found.newest_reading_seconds
    silent = age is not None and age > HOUR.total_seconds()
    yield Line("Newest reading", "never" if age is None else f"{_long(age)} ago", is_bad=silent)


def _refused(at: datetime) -> Iterator[Line]:
    """The reasons that came in the last day, with how often since each first came."""
    lately = IngestError.objects.filter(last_at__gt=at - DAY).order_by()
    counted = lately.values("reason").annotate(refused=Sum("count"), senders=Count("pk"))
    listed = reverse("admin:readings_ingesterror_changelist")
    for row in counted.order_by("-refused", "reason")[:REASONS_LISTED]:
        senders = f"{row['refused']:,} (senders: {row['senders']:,})"
        yield Line(row["reason"], senders, f"{listed}?{urlencode({'reason': row['reason']})}")


def _work(found: figures.Figures) -> Iterator[Line]:
    queue = reverse("admin:django_q_ormq_changelist")
    waiting = f"{found.queue_waiting:,}"
    oldest = found.queue_oldest_seconds
    if oldest is not None:
        waiting += f", the oldest for {_long(oldest)}"
    is_behind = oldest is not None and oldest > health.QUEUE_SECONDS
    yield Line("Tasks that wait", waiting, queue, is_behind)
    failed = found.tasks_failed_today
    failures = reverse("admin:django_q_failure_changelist")
    yield Line("Tasks that failed in 24 hours", f"{failed:,}", failures, failed > 0)
    yield Line("Hours whose averages wait", f"{found.rollup_hours_waiting:,}")


def _mails() -> Iterator[Line]:
    mails = Mail.objects.filter(sent_at=None).aggregate(
        waiting=Count("pk", filter=Q(failed_at=None)),
        failed=Count("pk", filter=~Q(failed_at=None)),
    )
    listed = reverse("admin:mail_mail_changelist")
    yield Line("Mails that wait", f"{mails['waiting']:,}", f"{listed}?outcome=waiting")
    failed = mails["failed"]
    yield Line("Mails given up", f"{failed:,}", f"{listed}?outcome=failed", failed > 0)


def _accounts(at: datetime) -> Iterator[Line]:
    users = User.objects.aggregate(
        total=Count("pk", filter=Q(archived_at=None)),
        new=Count("pk", filter=Q(archived_at=None, created_at__gt=at - DAY)),
        archived=Count("pk", filter=~Q(archived_at=None)),
    )
    listed = reverse("admin:users_user_changelist")
    yield Line("In use", f"{users['total']:,}", f"{listed}?archived=no")
    yield Line("Opened in the last 24 hours", f"{users['new']:,}", listed)
    yield Line("Closed or archived", f"{users['archived']:,}", f"{listed}?archived=yes")


def _long(seconds: float) -> str:
    """A stretch of time in its largest whole unit."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit}"
    return f"{seconds:.0f} s"
