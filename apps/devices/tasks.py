"""What the worker does for devices, by the schedules of `apps/operations/schedules.py`."""

from __future__ import annotations

from django.utils import timezone

from apps.devices import notifications, onboarding


def prune_orphans() -> None:
    """Every day: devices that somebody began to set up and gave up."""
    onboarding.prune(timezone.now())


def notify_owners() -> None:
    """Every five minutes: mails to owners whose devices stopped, or whose batteries are low."""
    notifications.check(timezone.now())
