"""What was refused, kept with its reason: no reading is dropped without a trace."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone
from psycopg2.extras import execute_values

from apps.readings.models import IngestError
from apps.readings.payloads import Refusal

# Of senders that are no device: 1,000 payloads of 16 KB are the most that strangers can fill.
MOST_STRANGERS = 1000


def keep(
    device_id: int | None, source: IngestError.Source, refusals: Iterable[Refusal], origin: str = ""
) -> None:
    """Keep refusals, durable when this returns; repeats of a reason are merged and counted.

    `origin` is what the sender called itself where no device is known.
    """
    merged: dict[str, tuple[int, str]] = {}
    for refusal in refusals:
        count, _ = merged.get(refusal.reason, (0, ""))
        merged[refusal.reason] = (count + 1, refusal.payload)
    if not merged:
        return
    now = timezone.now()
    origin = origin.replace("\x00", "\ufffd")[:64] if device_id or _is_known(origin) else ""
    with connection.cursor() as cursor:
        execute_values(
            cursor.cursor,
            "INSERT INTO readings_ingesterror AS kept"
            " (device_id, source, origin, reason, payload, created_at, last_at, count) VALUES %s"
            " ON CONFLICT (device_id, source, origin, reason) DO UPDATE SET"
            " count = kept.count + excluded.count, last_at = excluded.last_at,"
            " payload = excluded.payload",
            # In one order everywhere, so that two writers never wait for each other.
            [
                (device_id, source.value, origin, reason, payload, now, now, count)
                for reason, (count, payload) in sorted(merged.items())
            ],
        )


def _is_known(origin: str) -> bool:
    """Whether a stranger is kept under his own name: one of the first MOST_STRANGERS.

    Anyone can make up names without end: the others are counted together, without a name.
    """
    strangers = IngestError.objects.filter(device=None).order_by("pk")
    if strangers.filter(origin=origin).exists():
        return True
    return len(strangers.values_list("pk")[:MOST_STRANGERS]) < MOST_STRANGERS


def prune(now: datetime) -> int:
    """Delete what was last seen longer ago than `INGEST_ERROR_DAYS`; returns how many."""
    before = now - timedelta(days=settings.INGEST_ERROR_DAYS)
    deleted, _ = IngestError.objects.filter(last_at__lt=before).delete()
    return deleted
