"""The world map: computed from device rows, kept in Redis; the sole owner of its Redis keys.

Contract, World map: cached for at most 60 s, computed by one worker at a time while the others
serve the previous copy, pre-compressed, and dropped at once by a deletion or a change of privacy
or place. Computing takes 0.1 s for a thousand devices, in which a process's other threads hardly
run: so the refresher does it ahead of time while somebody asks, and a web process only where that
is late. Redis is a convenience: without it the map is computed for each request.

What is asked of Redis for each request is small: which copy is current. The copy itself is fetched
once by each process, which then holds it.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import time
from typing import NamedTuple

import orjson
from django.core.cache import cache
from django.utils import timezone

from apps.api.redis_breaker import insisting
from apps.devices import map_marks
from apps.devices.models import Device
from apps.devices.serializers import map_entry

logger = logging.getLogger(__name__)

# Who serves a copy older than RENEW seconds tells the refresher to renew it. One older than FRESH
# is computed anew by one web process while the others serve it; one older than STALE is served by
# nobody: they wait for who computes, and after PATIENCE compute themselves.
RENEW = 35
FRESH = 50
STALE = 60
PATIENCE = 10
# A worker that dies while it computes holds the others up for so long
COMPUTING_FOR = 20
KEPT_FOR = 24 * 3600

COPY = "world_map:mark"
BYTES = "world_map:bytes"
GENERATION = "world_map:generation"
COMPUTING = "world_map:computing"
WANTED = "world_map:wanted"


class Copy(NamedTuple):
    """The map as it is sent: JSON, gzipped JSON, a strong tag of the content, when, and of what.

    `marks` is what of it the first page draws (map_marks.py), gzipped.
    """

    body: bytes
    gzipped: bytes
    marks: bytes
    tag: str
    computed_at: float
    generation: int


class Mark(NamedTuple):
    """What tells of a copy which it is; its fields are those of the copy."""

    tag: str
    computed_at: float
    generation: int


_held: Copy | None = None  # the copy that this process served last


def current() -> Copy:
    """The map, at most 60 seconds old."""
    copy = _kept()
    age = time.time() - copy.computed_at if copy else STALE
    if copy and 0 <= age < FRESH:  # a clock that was set back makes a copy of the future
        if age >= RENEW:
            cache.add(WANTED, True, STALE)
        return copy
    if computed := _compute_unless_another_does():
        return computed
    if copy and 0 <= age < STALE:
        return copy
    if cache.get(COMPUTING) is None:
        return compute(0)  # nobody computes: Redis is away, or the other has just given up
    return _wait_for_another() or compute(0)


def renew() -> bool:
    """Compute the map where a copy that is asked for grows old; whether it did.

    The refresher calls it every few seconds.
    """
    return cache.get(WANTED) is not None and _compute_unless_another_does() is not None


def compute(generation: int) -> Copy:
    """Compute the map from the rows of the devices on it, in order of their ids."""
    now = timezone.now()
    devices = Device.objects.on_map().for_map()
    entries = [map_entry(device, now) for device in devices]
    body = orjson.dumps(entries)
    tag = hashlib.sha256(body).hexdigest()[:32]
    gzipped = gzip.compress(body, compresslevel=6)
    marks = gzip.compress(map_marks.columns(entries), compresslevel=6)
    return Copy(body, gzipped, marks, tag, now.timestamp(), generation)


def drop() -> None:
    """Forget the copy: call it when a change that the map must not show any longer has committed.

    A worker that computes from what it read before keeps a copy of the former generation, which
    nobody serves. Redis is asked even where it was away a moment ago. Where it is away just now,
    the copy that it may hold is stale a minute after it was made, and not before
    (docs/decisions/redis-away.md).
    """
    with insisting():
        try:
            if not cache.incr(GENERATION):
                logger.warning("Redis is away: a copy of the map may be served until a minute old")
        except ValueError:
            cache.set(GENERATION, time.time_ns(), None)


def _kept() -> Copy | None:
    """The copy in Redis, unless it is of a former generation; None where Redis is away."""
    kept = cache.get_many([COPY, GENERATION])
    if COPY not in kept:
        return None
    mark = Mark(*kept[COPY])
    if mark.generation != kept.get(GENERATION, 0):
        return None
    held = _held
    if held is not None and held.tag == mark.tag:
        return held._replace(computed_at=mark.computed_at, generation=mark.generation)
    return _fetched(mark)


def _fetched(mark: Mark) -> Copy | None:
    """The copy that a mark tells of, held from now on; None where another has taken its place."""
    tag, gzipped, marks = cache.get(BYTES) or (None, b"", b"")
    return _hold(Copy(gzip.decompress(gzipped), gzipped, marks, *mark)) if tag == mark.tag else None


def _hold(copy: Copy) -> Copy:
    """Remember the copy for the requests to come."""
    global _held
    _held = copy
    return copy


def _compute_unless_another_does() -> Copy | None:
    """Compute the map and leave the copy for the others; None where another is at it."""
    if not cache.add(COMPUTING, True, COMPUTING_FOR):
        return None
    try:
        copy = _hold(compute(cache.get(GENERATION) or 0))
        cache.set(BYTES, (copy.tag, copy.gzipped, copy.marks), KEPT_FOR)
        cache.set(COPY, tuple(Mark(copy.tag, copy.computed_at, copy.generation)), KEPT_FOR)
        cache.delete(WANTED)
        return copy
    finally:
        cache.delete(COMPUTING)


def _wait_for_another() -> Copy | None:
    """The copy that another worker is about to leave; None where it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(0.05)
        copy = _kept()
        if copy and time.time() - copy.computed_at < FRESH:
            return copy
    return None
