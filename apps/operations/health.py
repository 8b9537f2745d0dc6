"""Whether this process lives, and whether the platform can take requests (contract: methods)."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.cache import cache
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from apps.operations import figures

# A queue that is older is behind: the worker is away, or has more to do than it can.
QUEUE_SECONDS = 300

_applied = False


@dataclass(frozen=True, slots=True)
class Readiness:
    """What each part says: `ok`, or in a few words what is wrong."""

    parts: dict[str, str]

    @property
    def ready(self) -> bool:
        """Whether requests can be answered."""
        return self.parts["database"] == "ok" and self.parts["migrations"] == "ok"

    @property
    def status(self) -> str:
        """`degraded` is answered all the same: Redis is a convenience, the worker can be late."""
        if not self.ready:
            return "unavailable"
        return "ok" if set(self.parts.values()) == {"ok"} else "degraded"


def readiness() -> Readiness:
    """Ask every part."""
    parts = {
        "database": _database(),
        "migrations": "unknown",
        "cache": _cache(),
        "queue": "unknown",
    }
    if parts["database"] == "ok":
        parts["migrations"] = _migrations()
    if parts["migrations"] == "ok":
        parts["queue"] = _queue()
    return Readiness(parts)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "cannot be reached"
    return "ok"


def _migrations() -> str:
    try:
        return "ok" if _are_applied() else "not all are applied: manage.py migrate"
    except DatabaseError:
        return "cannot be read"


def _are_applied() -> bool:
    """Whether the tables are those of this version; once they are, they stay so."""
    global _applied
    if not _applied:
        executor = MigrationExecutor(connection)
        _applied = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _applied


def _cache() -> str:
    cache.set("health", "ok", 5)
    return "ok" if cache.get("health") == "ok" else "away: everything answers, slower"


def _queue() -> str:
    try:
        oldest = figures.now().queue_oldest_seconds
    except DatabaseError:
        return "cannot be read"
    if oldest is None or oldest < QUEUE_SECONDS:
        return "ok"
    return f"behind: its oldest task has waited {oldest:.0f} s"
