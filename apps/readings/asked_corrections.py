"""Readings that an administrator takes back: done by the worker, and written into the audit log."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django_q.tasks import async_task

from apps.devices.models import Device
from apps.readings import corrections
from apps.readings.corrections import Span

TASK = "apps.readings.tasks.delete_readings"
# The worker stops a task that takes too long (settings: Q_CLUSTER); another goes on.
SECONDS = 120


def ask(span: Span, by_id: int, deleted: int = 0, since: datetime | None = None) -> None:
    """Have the worker delete a span; belongs in the transaction that logs that it was asked for."""
    options = {"task_name": f"delete readings of device {span.device_id}", "save": False}
    what = (span.device_id, span.start, span.end, span.sensor_id)
    async_task(TASK, *what, by_id, deleted, since, q_options=options)


def run(span: Span, by_id: int, deleted: int, since: datetime | None) -> None:
    """Delete a span in short transactions, as long as there is time.

    `deleted` are so many so far, and what is left begins at `since`.
    """
    until = time.monotonic() + SECONDS
    rest: Span | None = replace(span, start=since or span.start)
    while rest is not None:
        try:
            count, rest = corrections.delete_some(rest)
        except Device.DoesNotExist:
            return  # purged meanwhile
        deleted += count
        if rest is not None and time.monotonic() > until:
            ask(span, by_id, deleted, rest.start)
            return
    device = Device.objects.get(pk=span.device_id)
    LogEntry.objects.create(
        user_id=by_id,
        content_type=ContentType.objects.get_for_model(Device),
        object_id=str(device.pk),
        object_repr=str(device)[:200],
        action_flag=CHANGE,
        change_message=f"Deleted {deleted} {span}.",
    )
