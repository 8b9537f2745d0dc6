"""What the worker does for devices, by the schedules of `apps/operations/schedules.py`."""

from __future__ import annotations

from django.utils import timezone

from apps.devices import onboarding


def prune_orphans() -> None:
    """Every day: devices that somebody began to set up and gave up."""
    onboarding.prune(timezone.now())
