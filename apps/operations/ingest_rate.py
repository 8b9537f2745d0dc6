"""How many readings come in: a rate, from what the processes behind every door have counted."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils import timezone

from apps.api import instruments

# A rate is over so long where somebody asked so long ago, and else since they last did.
OVER = timedelta(minutes=5)
# Two counts that are nearer to each other make no rate.
SHORTEST = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Rate:
    """Readings a minute by door (`add`, `rest`, `mqtt`) since a moment."""

    by_door: dict[str, float]
    since: datetime

    @property
    def total(self) -> float:
        """Of all doors together."""
        return sum(self.by_door.values())


@dataclass(frozen=True, slots=True)
class _Count:
    at: float  # of a clock that nobody sets
    moment: datetime
    taken: dict[str, float]


def taken() -> dict[str, float]:
    """Readings stored since the processes were started, by door."""
    name = f"{instruments.TAKEN_NAME}_total"
    return {
        sample.labels["door"]: sample.value
        for family in instruments.counted().collect()
        if family.name == instruments.TAKEN_NAME
        for sample in family.samples
        if sample.name == name
    }


@dataclass(slots=True)
class Meter:
    """Compares what is counted now with what was counted before, in this process's memory."""

    clock: Callable[[], float] = time.monotonic
    _counts: deque[_Count] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self) -> Rate | None:
        """The rate; None at the first time, which is when the process starts, and soon after."""
        now = _Count(self.clock(), timezone.now(), taken())
        with self._lock:
            counts = self._counts
            # The newest of those that are old enough is kept: it is what the next is compared with
            while len(counts) > 1 and now.at - counts[1].at >= OVER.total_seconds():
                counts.popleft()
            if not counts or now.at - counts[-1].at >= SHORTEST.total_seconds():
                counts.append(now)
            before = counts[0]
        seconds = now.at - before.at
        if seconds < SHORTEST.total_seconds():
            return None
        doors = sorted(now.taken)
        per_minute = {
            door: max(0.0, now.taken[door] - before.taken.get(door, 0.0)) * 60 / seconds
            for door in doors
        }
        return Rate(per_minute, before.moment)


meter = Meter()
