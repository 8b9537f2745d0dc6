"""What the worker does by the clock; the table is the truth, the database follows it."""

from __future__ import annotations

from django.db import transaction
from django_q.models import Schedule

SCHEDULES = {
    "readings: promote what was ahead of the clock": ("apps.readings.tasks.promote_due", 1),
    "readings: make partitions ahead of time": ("apps.readings.tasks.make_partitions", 60),
    "mail: try again what could not be sent": ("apps.mail.tasks.deliver_due", 1),
    "mail: forget what was sent long ago": ("apps.mail.tasks.forget", 24 * 60),
    "readings: delete archives that have expired": ("apps.readings.tasks.prune_archives", 60),
    "accounts: forget sessions of browsers that have expired": (
        "apps.users.tasks.forget_expired_sessions",
        24 * 60,
    ),
    "oauth: forget expired tokens": ("apps.users.oauth.tasks.forget_expired", 24 * 60),
    "devices: tell owners what happened to theirs": ("apps.devices.tasks.notify_owners", 5),
    "devices: forget those whose setting up was given up": (
        "apps.devices.tasks.prune_orphans",
        24 * 60,
    ),
    "accounts: delete those that were closed long ago": (
        "apps.operations.purge.purge_closed_accounts",
        60,
    ),
    "readings: prune ingest errors": ("apps.readings.tasks.prune_ingest_errors", 24 * 60),
}


@transaction.atomic
def install() -> None:
    """Make the schedules of the table, in minutes, and delete any that it no longer names."""
    for name, (func, minutes) in SCHEDULES.items():
        Schedule.objects.update_or_create(
            name=name,
            defaults={"func": func, "schedule_type": Schedule.MINUTES, "minutes": minutes},
        )
    Schedule.objects.exclude(name__in=SCHEDULES).delete()
