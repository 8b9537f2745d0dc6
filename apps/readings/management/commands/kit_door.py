"""`manage.py kit_door`: serves old kits, with their loose HTTP, on a port of its own."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.api.handler import get_application
from apps.api.postgresql.limits import limit_statements
from apps.readings.kit_door import KitDoor


class Command(BaseCommand):
    """Serves `/add` and `/datetime` until SIGTERM or Ctrl-C, then ends what is being served."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen."""
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=settings.KIT_PORT, help="KIT_PORT")

    def handle(self, *args: Any, **options: Any) -> None:
        """Listen."""
        limit_statements()
        address = (options["host"], options["port"])
        try:
            door = KitDoor(address, get_application())
        except OSError as error:
            raise CommandError(f"cannot listen on {address[0]}:{address[1]}: {error}") from None

        def leave(signum: int, frame: FrameType | None) -> None:
            # `shutdown` waits for the loop that this handler interrupts.
            threading.Thread(target=door.shutdown).start()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        host, port = door.server_address[:2]
        self.stdout.write(f"old kits: http://{host!s}:{port}/add")
        with door:
            door.serve_forever()
            door.drain(seconds=10)
