"""The database backend that the settings name as ENGINE; Django looks for it in a module `base`."""

from __future__ import annotations

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, which asks a server that said nothing meanwhile nothing before a request.

    Django sends `SELECT 1` ahead of each request's first query to learn whether the connection
    still works. A server that goes away closes it, which shows on the socket, as in every client
    that keeps connections for HTTP: only where there is something to read the question is asked.
    """

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
