"""`/ui/status`: how the platform is, for people, from the same figures as `/metrics`."""

from __future__ import annotations

import platform
from collections import defaultdict
from datetime import datetime, timedelta

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.api.pages import PageView, page
from apps.operations import figures, health
from apps.readings.models import IngestError

MOST_REASONS = 10


class StatusPage(PageView):
    """The parts, the figures of this moment, and what runs here; the same for everyone."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The page; 503 where no requests should be sent here, as `/health/ready` has it."""
        ready = health.readiness()
        now = figures.now() if ready.ready else None
        context = {
            "ready": ready,
            "parts": [(part_name(part), said, said == "ok") for part, said in ready.parts.items()],
            "now": now,
            "fresh": _since(now, now.newest_reading_seconds) if now else None,
            "oldest": _since(now, now.queue_oldest_seconds) if now else None,
            "doors": _doors(now) if now else [],
            "versions": versions(),
        }
        return page(request, "operations/status.html", context, 200 if ready.ready else 503)


def part_name(part: str) -> str:
    """What a part of the platform is called."""
    names = {
        "database": _("Database"),
        "migrations": _("Schema"),
        "cache": _("Cache"),
        "queue": _("Queue"),
    }
    return names.get(part, part)


def versions() -> dict[str, str]:
    """What runs here, as `GET /v0/version` has it."""
    return {
        "Smart Citizen": settings.VERSION,
        _("Revision"): f"{settings.VERSION_GIT} ({settings.VERSION_BRANCH})",
        "Django": django.get_version(),
        "Python": platform.python_version(),
    }


def _since(now: figures.Figures, seconds: float | None) -> datetime | None:
    """The moment that was so many seconds before the figures were read."""
    return None if seconds is None else now.at - timedelta(seconds=seconds)


def _doors(now: figures.Figures) -> list[tuple[str, int, list[tuple[str, int]]]]:
    """What was refused by each door: its name, how often, and the most frequent reasons."""
    by_door: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (source, reason), count in now.refused.items():
        by_door[source].append((reason, count))
    found = []
    for source in IngestError.Source:
        reasons = sorted(by_door[source], key=lambda entry: -entry[1])
        total = sum(count for _reason, count in reasons)
        named = [entry for entry in reasons if entry[0]][:MOST_REASONS]
        found.append((str(source.label), total, named))
    return found
