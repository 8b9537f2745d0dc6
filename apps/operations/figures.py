"""The platform's figures of this moment, read from the database: for `/metrics` and for pages."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone
from django_q.models import OrmQ, Task
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from apps.api import instruments
from apps.devices.models import Device
from apps.devices.models.device import ONLINE_FOR
from apps.operations import ingest_rate
from apps.operations.ingest_rate import Rate
from apps.readings.models import DirtyHour, IngestError
from apps.readings.refresher import closed_before

# Whoever asks more often is told the same again: anyone may ask.
KEPT_SECONDS = 5
MOST_REASONS = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts, unless a name says seconds; None where there is nothing to measure an age from.

    `refused` is by source and reason what is kept of refused readings: how often, the most frequent
    first; all others are counted under an empty reason. `rate` is None in the first
    seconds of this process.
    """

    at: datetime
    devices: int
    devices_online: int
    devices_last_minute: int
    newest_reading_seconds: float | None
    queue_waiting: int
    queue_oldest_seconds: float | None
    tasks_failed_today: int
    rollup_hours_waiting: int
    refused: dict[tuple[str, str], int]
    rate: Rate | None = None


_held: tuple[float, Figures] | None = None
_lock = threading.Lock()


def now() -> Figures:
    """The figures, a few seconds old at the most; raises what the database raises."""
    global _held
    with _lock:
        if _held is None or _held[0] <= time.monotonic():
            _held = (time.monotonic() + KEPT_SECONDS, read(timezone.now()))
        return _held[1]


def forget() -> None:
    """Read anew when asked next."""
    global _held
    _held = None


def read(at: datetime) -> Figures:
    """Read the figures: five queries, none over readings."""
    devices = Device.objects.active().aggregate(
        total=Count("pk"),
        online=Count("pk", filter=Q(last_reading_at__gt=at - ONLINE_FOR)),
        last_minute=Count("pk", filter=Q(last_reading_at__gt=at - timedelta(minutes=1))),
        newest=Max("last_reading_at"),
    )
    queue = OrmQ.objects.filter(lock__lte=at).aggregate(waiting=Count("pk"), oldest=Min("lock"))
    failed = Task.objects.filter(success=False, stopped__gt=at - timedelta(days=1)).count()
    return Figures(
        at=at,
        devices=devices["total"],
        devices_online=devices["online"],
        devices_last_minute=devices["last_minute"],
        newest_reading_seconds=_age(at, devices["newest"]),
        queue_waiting=queue["waiting"],
        queue_oldest_seconds=_age(at, queue["oldest"]),
        tasks_failed_today=failed,
        rollup_hours_waiting=DirtyHour.objects.filter(hour__lt=closed_before(at)).count(),
        refused=_refused(),
        rate=ingest_rate.meter.read(),
    )


def registry() -> CollectorRegistry:
    """What `/metrics` shows: what processes counted, and the figures of this moment."""
    shown = instruments.counted()
    shown.register(FiguresCollector())
    return shown


class FiguresCollector(Collector):
    """The figures as gauges. A part that has no age, such as an empty queue, is 0 seconds old."""

    def collect(self) -> Iterator[Metric]:
        """One family for each figure."""
        figures = now()
        for name, help_text, value in (
            ("devices", "Devices that are not archived.", figures.devices),
            (
                "devices_online",
                "Devices that posted in the last 10 minutes.",
                figures.devices_online,
            ),
            (
                "devices_last_minute",
                "Devices that posted in the last minute: the rate of messages.",
                figures.devices_last_minute,
            ),
            (
                "newest_reading_age_seconds",
                "Age of the newest reading of any device.",
                figures.newest_reading_seconds,
            ),
            ("queue_waiting", "Tasks that wait for a worker.", figures.queue_waiting),
            (
                "queue_oldest_seconds",
                "How long the task that has waited longest has.",
                figures.queue_oldest_seconds,
            ),
            (
                "tasks_failed_today",
                "Attempts at tasks that failed in the last 24 hours.",
                figures.tasks_failed_today,
            ),
            (
                "rollup_hours_waiting",
                "Closed hours of devices whose rollups are to be refreshed: the rollup lag.",
                figures.rollup_hours_waiting,
            ),
        ):
            yield GaugeMetricFamily(f"smartcitizen_{name}", help_text, value=value or 0)
        refused = GaugeMetricFamily(
            "smartcitizen_refused_readings",
            "Refused readings that are kept, by door and reason.",
            labels=["source", "reason"],
        )
        for (source, reason), count in figures.refused.items():
            refused.add_metric([source, reason or "other"], count)
        yield refused


def _refused() -> dict[tuple[str, str], int]:
    """Refusals by source and reason; the rarer ones together, without a reason."""
    counted = (
        IngestError.objects.values_list("source", "reason")
        .annotate(total=Sum("count"))
        .order_by("-total", "source", "reason")
    )
    refused: dict[tuple[str, str], int] = {}
    for place, (source, reason, total) in enumerate(counted.iterator()):
        key = (source, reason if place < MOST_REASONS else "")
        refused[key] = refused.get(key, 0) + total
    return refused


def _age(at: datetime, moment: datetime | None) -> float | None:
    """Seconds since a moment; a moment ahead of the clock is no age below zero."""
    return None if moment is None else max(0.0, (at - moment).total_seconds())
