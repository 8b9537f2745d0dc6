"""`manage.py refresher`: keeps rollups, and the world map, up to date within seconds."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from apps.readings.refresher import Follower


class Command(BaseCommand):
    """Refreshes until SIGTERM or Ctrl-C; a database that is away is waited for.

    Several at once share the work, and any may be killed: a turn is one transaction.
    """

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Follow the readings."""
        follower = Follower()

        def leave(signum: int, frame: FrameType | None) -> None:
            follower.leave()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        follower.run()
