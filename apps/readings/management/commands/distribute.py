"""`manage.py distribute`: spread the time series over a Citus cluster."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.readings import distribution


class Command(BaseCommand):
    """Distribute the tables of readings by device; safe to run again."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Say a line for each table."""
        try:
            outcome = distribution.distribute()
        except distribution.NotDistributable as error:
            raise CommandError(f"Nothing was distributed: {error}.") from error
        for table in outcome.distributed:
            self.stdout.write(f"{table}: distributed by device")
        for table in outcome.already:
            self.stdout.write(f"{table}: was distributed by device before")
