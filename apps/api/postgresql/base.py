"""The database backend that the settings name as ENGINE; Django looks for it in a module `base`."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base

from apps.api.postgresql.watch import WatchedConnection, WatchedCursor

# How much longer than the limit of statements a server that says nothing is waited for
GRACE_SECONDS = 5.0


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, which asks a server that said nothing meanwhile nothing before a request.

    Django sends `SELECT 1` ahead of each request's first query to learn whether the connection
    still works. A server that goes away closes it, which shows on the socket, as in every client
    that keeps connections for HTTP: only where there is something to read the question is asked.

    Where the server limits how long a statement may take, nobody waits much longer than that for
    a server that says nothing (`watch.py`).
    """

    def get_connection_params(self) -> dict[str, Any]:
        """What the driver is called with."""
        factories = {"connection_factory": WatchedConnection, "cursor_factory": WatchedCursor}
        return {**super().get_connection_params(), **factories}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Connect, and learn the limit of statements, which a pooler in between may have set."""
        connection = super().get_new_connection(conn_params)
        connection.answers_within = GRACE_SECONDS
        with connection.cursor() as cursor:
            cursor.execute("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'")
            [milliseconds] = cursor.fetchone()
        connection.rollback()
        limit = int(milliseconds) / 1000
        connection.answers_within = limit + GRACE_SECONDS if limit else None
        return connection

    def close_if_health_check_failed(self) -> None:
        """Close the connection where it was closed at the other end."""
        if self._is_quiet():
            self.health_check_done = True
            return
        super().close_if_health_check_failed()

    def _is_quiet(self) -> bool:
        """Whether the connection is open, as far as we know, and nothing waits to be read."""
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection.fileno(), select.POLLIN)
        return not socket.poll(0)
