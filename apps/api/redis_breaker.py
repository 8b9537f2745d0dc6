"""Leaves Redis alone for a moment after it failed, so that not every operation waits for it.

Redis is a convenience: without it everything answers, slower (contract: Errors). One that hangs
costs its timeout for each operation, several in a request; so the first that fails ends the asking
of this process for `REST_SECONDS`. Then one operation tries again, and the others go on without it
until that has succeeded. What happens is logged in one line each time it changes.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from weakref import WeakKeyDictionary

from redis import ConnectionPool, Redis
from redis.exceptions import ConnectionError, TimeoutError

logger = logging.getLogger(__name__)

REST_SECONDS = 2.0

_insists: ContextVar[bool] = ContextVar("insists", default=False)


@contextmanager
def insisting() -> Iterator[None]:
    """Ask Redis within, even while it is left alone: for what must not be missed if it is back."""
    token = _insists.set(True)
    try:
        yield
    finally:
        _insists.reset(token)


class Breaker:
    """Whether one Redis may be asked now; shared by all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._closed_until: float | None = None  # monotonic; None while Redis answers

    def lets_through(self) -> bool:
        """Whether to ask; after the rest only the first is let through, for the next rest."""
        if self._closed_until is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._closed_until is not None and now < self._closed_until:
                return False
            self._closed_until = now + REST_SECONDS
            return True

    def failed(self, error: Exception) -> None:
        """Redis did not answer: leave it alone from now on."""
        with self._lock:
            first = self._closed_until is None
            self._closed_until = time.monotonic() + REST_SECONDS
        if first:
            logger.warning("Redis is away, everything answers without it: %s", error)

    def answered(self) -> None:
        """Redis answered: ask it again from now on."""
        if self._closed_until is None:
            return
        with self._lock:
            again, self._closed_until = self._closed_until is not None, None
        if again:
            logger.warning("Redis is back")


_breakers: WeakKeyDictionary[ConnectionPool, Breaker] = WeakKeyDictionary()
_breakers_lock = threading.Lock()


def breaker_of(pool: ConnectionPool) -> Breaker:
    """The breaker of a pool: django-redis has one pool for each address and process."""
    with _breakers_lock:
        return _breakers.setdefault(pool, Breaker())


class GuardedRedis(Redis):
    """A client that asks only while its breaker lets it (CACHES' REDIS_CLIENT_CLASS)."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._breaker = breaker_of(self.connection_pool)

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Ask, or raise the ConnectionError that django-redis takes for a miss."""
        if not self._breaker.lets_through() and not _insists.get():
            raise ConnectionError("Redis is left alone for a moment, since it did not answer")
        try:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
        except (ConnectionError, TimeoutError) as error:
            self._breaker.failed(error)
            raise
        self._breaker.answered()
        return answer
