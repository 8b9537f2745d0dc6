"""`manage.py restore FILE`: fills an empty database from a backup, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.operations import backup


class Command(BaseCommand):
    """Restores, then brings the tables to this version. Nothing else may run meanwhile."""

    help = __doc__
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        """From where."""
        parser.add_argument("file", type=Path, help="what `manage.py backup` wrote")

    def handle(self, *args: Any, **options: Any) -> None:
        """Restore and migrate."""
        try:
            backup.restore(options["file"])
        except (backup.Refused, OSError) as problem:
            raise CommandError(f"nothing was restored: {problem}") from None
        call_command("migrate", verbosity=0)
        self.stdout.write(f"restored from {options['file']}")
