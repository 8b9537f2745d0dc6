"""Which new readings are to be forwarded: queued in the transaction that stores them.

So they are forwarded if and only if they are stored; `apps/readings/forwarder.py` does it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django_q.tasks import async_task

from apps.devices.models import Device

TASK = "apps.readings.tasks.forward"
# Readings of one task: a fraction of a second's work, and a small row in the queue.
BATCH = 500


def enqueue(device: Device, times: Iterable[datetime]) -> None:
    """Have the worker forward the readings of these times, where the device's owner wants it."""
    if not (device.enable_forwarding and settings.MQTT_URL):
        return
    ordered = sorted(times)
    options = {"task_name": f"forward device {device.pk}", "save": False}
    for start in range(0, len(ordered), BATCH):
        async_task(TASK, device.pk, ordered[start : start + BATCH], q_options=options)
