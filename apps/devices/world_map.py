"""The world map: computed from device rows, kept in Redis; the sole owner of its Redis keys.

Contract, World map: cached for at most 60 s, computed by one worker at a time while the others
serve the previous copy, pre-compressed, and dropped at once by a deletion or a change of privacy
or place. Redis is a convenience: without it the map is computed for each request.
"""

from __future__ import annotations

import gzip
import hashlib
import time
from typing import NamedTuple

import orjson
from django.core.cache import cache
from django.utils import timezone

from apps.devices.models import Device
from apps.devices.serializers import map_entry

# A copy older than FRESH seconds is computed anew; one older than STALE is served only where the
# worker that computes does not finish within PATIENCE.
FRESH = 45
STALE = 60
PATIENCE = 3
# A worker that dies while it computes holds the others up for so long
COMPUTING_FOR = 20

COPY = "world_map:copy"
GENERATION = "world_map:generation"
COMPUTING = "world_map:computing"


class Copy(NamedTuple):
    """The map as it is sent: JSON, gzipped JSON, a strong tag of the content, when, and of what."""

    body: bytes
    gzipped: bytes
    tag: str
    computed_at: float
    generation: int


def current() -> Copy:
    """The map, at most 60 seconds old."""
    copy = _kept()
    age = time.time() - copy.computed_at if copy else STALE
    if copy and age < FRESH:
        return copy
    if cache.add(COMPUTING, True, COMPUTING_FOR):
        try:
            return _compute_and_keep()
        finally:
            cache.delete(COMPUTING)
    if copy and age < STALE:
        return copy
    if cache.get(COMPUTING) is None:
        return compute(0)  # nobody computes: Redis is away, or the other has just given up
    return _wait_for_another() or copy or compute(0)


def compute(generation: int) -> Copy:
    """Compute the map from the rows of the devices on it, in order of their ids."""
    now = timezone.now()
    devices = Device.objects.on_map().for_map()
    body = orjson.dumps([map_entry(device, now) for device in devices])
    tag = hashlib.sha256(body).hexdigest()[:32]
    return Copy(body, gzip.compress(body, compresslevel=6), tag, time.time(), generation)


def drop() -> None:
    """Forget the copy: call it when a change that the map must not show any longer has committed.

    A worker that computes from what it read before keeps a copy of the former generation, which
    nobody serves.
    """
    try:
        cache.incr(GENERATION)
    except ValueError:
        cache.set(GENERATION, time.time_ns(), None)


def _kept() -> Copy | None:
    """The copy in Redis, unless it is of a former generation; None where Redis is away."""
    kept = cache.get_many([COPY, GENERATION])
    copy = kept.get(COPY)
    if copy is None or copy[-1] != kept.get(GENERATION, 0):
        return None
    return Copy(*copy)


def _compute_and_keep() -> Copy:
    """Compute the map and leave the copy for the others."""
    copy = compute(cache.get(GENERATION) or 0)
    cache.set(COPY, tuple(copy), 24 * 3600)
    return copy


def _wait_for_another() -> Copy | None:
    """The copy that another worker is about to leave; None where it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        time.sleep(0.05)
        copy = _kept()
        if copy and time.time() - copy.computed_at < FRESH:
            return copy
    return None
