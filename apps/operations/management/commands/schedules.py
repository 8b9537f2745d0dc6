"""`manage.py schedules`: tells the worker what to do by the clock; run after every migration."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.operations import schedules


class Command(BaseCommand):
    """Makes the schedules that this version has; safe to run again."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Install the schedules."""
        schedules.install()
        self.stdout.write(f"schedules: {len(schedules.SCHEDULES)}")
