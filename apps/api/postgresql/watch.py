"""Connections on which nobody waits for ever for a server that has fallen silent.

PostgreSQL ends a statement that takes too long (`statement_timeout`), but one that is stopped, or
whose disk hangs, ends nothing, and the driver waits without a limit. A few such requests would hold
all threads, and nobody would be answered any more, not even by a 503. So a thread looks once a
second for what has waited longer than its limit, and shuts that connection's socket: the driver
takes that for a lost connection, and the client gets what it gets when the server goes away.
What was committed unseen is sent again, and counts as duplicates.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psycopg2 import InterfaceError
from psycopg2.extensions import connection, cursor

logger = logging.getLogger(__name__)

LOOKS = 1.0  # seconds from one look to the next


class Watch:
    """What waits for the server now, and until when; one for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._deadlines: dict[WatchedConnection, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, waiting: WatchedConnection) -> Iterator[None]:
        """Break the connection off where what is done within takes longer than its limit."""
        if waiting.answers_within is None:
            yield
            return
        self._begin(waiting, time.monotonic() + waiting.answers_within)
        try:
            yield
        finally:
            # While a connection is looked at under the lock, it cannot have been closed meanwhile,
            # nor the number of its socket have gone to another.
            with self._lock:
                self._deadlines.pop(waiting, None)

    def _begin(self, waiting: WatchedConnection, until: float) -> None:
        with self._lock:
            self._deadlines[waiting] = until
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look_again_and_again, daemon=True)
                self._thread.start()

    def _look_again_and_again(self) -> None:
        while True:
            time.sleep(LOOKS)
            self._look()

    def _look(self) -> None:
        """Break off what has waited too long."""
        with self._lock:
            now = time.monotonic()
            for waiting, until in self._deadlines.items():
                if until < now:
                    seconds = waiting.answers_within
                    logger.error("PostgreSQL said nothing for %s s: connection broken off", seconds)
                    _shut(waiting)


def _shut(waiting: connection) -> None:
    """Shut the socket, which the driver sees as the connection's end; closing it stays its own."""
    with (
        suppress(OSError, InterfaceError),  # what has ended by itself meanwhile
        socket.socket(fileno=os.dup(waiting.fileno())) as ours,
    ):
        ours.shutdown(socket.SHUT_RDWR)


_watch = Watch()


class WatchedConnection(connection):
    """The driver's connection, which waits `answers_within` seconds for an answer of the server."""

    answers_within: float | None = None  # None: as long as it takes

    def commit(self) -> None:
        """Commit; raises `OperationalError` where no answer comes, and then may have committed."""
        with _watch.over(self):
            super().commit()

    def rollback(self) -> None:
        """Roll back; raises `OperationalError` where no answer comes."""
        with _watch.over(self):
            super().rollback()


class WatchedCursor(cursor):
    """The driver's cursor on such a connection: raises `OperationalError` where no answer comes."""

    connection: WatchedConnection

    def execute(self, *words: Any, **named: Any) -> None:
        """Run a statement."""
        with _watch.over(self.connection):
            super().execute(*words, **named)

    def copy_expert(self, *words: Any, **named: Any) -> None:
        """Run a COPY."""
        with _watch.over(self.connection):
            super().copy_expert(*words, **named)

    def fetchmany(self, *words: Any, **named: Any) -> Any:
        """The next rows, which a cursor of the server is asked for (`iterator()`)."""
        with _watch.over(self.connection):
            return super().fetchmany(*words, **named)

    def close(self) -> None:
        """Close, which a cursor of the server is told."""
        with _watch.over(self.connection):
            super().close()
