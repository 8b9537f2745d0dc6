"""How many devices and users the platform has, for everyone (contract: `GET /v0/metrics`)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Q
from django.utils import timezone

from apps.devices.models import ONLINE_FOR, Device
from apps.users.models import User

KEY = "operations:totals"
KEPT_SECONDS = 60


def current() -> dict[str, Any]:
    """The totals, at most a minute old; without the cache they are counted for each request."""
    kept: dict[str, Any] | None = cache.get(KEY)
    if kept is None:
        kept = counted(timezone.now())
        cache.set(KEY, kept, KEPT_SECONDS)
    return kept


def counted(now: datetime) -> dict[str, Any]:
    """Count devices, private ones included, and users; days, months and years begin in UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = {
        "now": now - ONLINE_FOR,
        "last_hour": now - timedelta(hours=1),
        "today": midnight,
        "this_month": midnight.replace(day=1),
        "this_year": midnight.replace(month=1, day=1),
    }
    devices = Device.objects.active().aggregate(
        total=Count("pk"),
        private=Count("pk", filter=Q(is_private=True)),
        test=Count("pk", filter=Q(is_test=True)),
        all_time=Count("last_reading_at"),
        **{name: Count("pk", filter=Q(last_reading_at__gt=at)) for name, at in since.items()},
    )
    return {
        "devices": {
            **{name: devices[name] for name in ("total", "private", "test")},
            "online": {name: devices[name] for name in (*since, "all_time")},
        },
        "users": {"total": User.objects.active().count()},
    }
