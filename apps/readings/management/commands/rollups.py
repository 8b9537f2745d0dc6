"""`manage.py rollups`: refresh, compare with the readings, or make anew what is kept of them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.readings import refresher

MOST_LISTED = 100


class Command(BaseCommand):
    """Without an option, refresh all closed hours that changed."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """What to do instead."""
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--check", action="store_true", help="compare with the readings; not 0 if they differ"
        )
        choice.add_argument(
            "--rebuild", action="store_true", help="mark all to be refreshed; answers stay right"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say how much."""
        if options["check"]:
            self.check_all()
        elif options["rebuild"]:
            self.stdout.write(f"{refresher.mark_all()} hours marked: the refresher makes them anew")
        else:
            self.stdout.write(f"{refresher.refresh_due(float('inf'))} hours refreshed")

    def check_all(self) -> None:
        """List what differs, device by device."""
        found = 0
        devices = refresher.devices()
        for device_id in devices:
            for difference in refresher.differences(device_id):
                found += 1
                if found <= MOST_LISTED:
                    self.stdout.write(difference)
        if found:
            raise CommandError(f"{found} kept rollups differ: manage.py rollups --rebuild")
        self.stdout.write(f"{len(devices)} devices: what is kept equals the readings")
