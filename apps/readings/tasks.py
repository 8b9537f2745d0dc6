"""What the worker does for readings, by the schedules of `apps/operations/schedules.py`."""

from __future__ import annotations

import logging
from datetime import datetime

from django.utils import timezone

from apps.devices.models import Device
from apps.readings import (
    archives,
    asked_corrections,
    corrections,
    forwarder,
    ingest,
    ingest_errors,
    partitions,
)

logger = logging.getLogger(__name__)


def promote_due() -> None:
    """Every minute: readings ahead of the clock become the newest when their time comes."""
    now = timezone.now()
    for device_id in Device.objects.filter(future_at__lte=now).values_list("pk", flat=True):
        try:
            ingest.promote(device_id, now)
        except Exception:  # one device that cannot be promoted must not keep the others waiting
            logger.exception("readings of device %s were not promoted", device_id)


def make_partitions() -> None:
    """Every day: the partitions of the months to come."""
    partitions.ahead(timezone.now())


def prune_ingest_errors() -> None:
    """Every day: refused readings that were last seen long ago."""
    ingest_errors.prune(timezone.now())


def forward(device_id: int, times: list[datetime]) -> None:
    """At once: readings of a device whose owner has them forwarded."""
    forwarder.forward(device_id, times)


def delete_readings(
    device_id: int,
    start: datetime,
    end: datetime,
    sensor_id: int | None,
    by_id: int,
    deleted: int = 0,
    since: datetime | None = None,
) -> None:
    """At once: readings that an administrator takes back, for two minutes; then in a new task."""
    span = corrections.Span(device_id, start, end, sensor_id)
    asked_corrections.run(span, by_id, deleted, since)


def make_archive(archive_id: int) -> None:
    """At once: a CSV file that the owner of a device asked for."""
    archives.make(archive_id)


def prune_archives() -> None:
    """Every hour: CSV files whose links have expired."""
    archives.prune(timezone.now())
