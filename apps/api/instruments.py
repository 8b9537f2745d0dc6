"""Figures of operation that processes count while they work, as Prometheus reads them.

Where `PROMETHEUS_MULTIPROC_DIR` names a folder, each process keeps its figures there in a file of
its own, and whoever is asked adds them up (`counted`); without it they are those
of one process. The rooms above declare their own beside what they count.
"""

from __future__ import annotations

import os
import socket

from django.conf import settings
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram, values
from prometheus_client.multiprocess import MultiProcessCollector


def _process() -> str:
    """A name for this process's files: containers that share a folder number theirs alike."""
    return f"{socket.gethostname().replace('_', '-')}-{os.getpid()}"


if settings.METRICS_DIR:
    values.ValueClass = values.MultiProcessValue(_process)  # type: ignore[no-untyped-call]

# Seconds; the aims are 250 ms for what is posted and 500 ms for what is read (docs/operating.md).
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
REQUESTS = Histogram(
    "smartcitizen_http_request_seconds",
    "Time to answer a request, by what answered it.",
    ["method", "view", "status"],
    buckets=BOUNDS,
)
# What `_total` is added to by the library
TAKEN_NAME = "smartcitizen_readings_taken"
TAKEN = Counter(TAKEN_NAME, "Readings that were stored, by the door they came through.", ["door"])
FAULTS = Counter("smartcitizen_faults", "Requests that ended in a fault of ours (500).")


def counted() -> CollectorRegistry:
    """What processes have counted: those of the platform together, or this one alone."""
    together = CollectorRegistry()
    if settings.METRICS_DIR:
        MultiProcessCollector(together, settings.METRICS_DIR)  # type: ignore[no-untyped-call]
    else:
        together.register(REGISTRY)
    return together
