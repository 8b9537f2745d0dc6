"""`manage.py backup FILE`: the whole database in one file, of one moment, while all goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.operations import backup


class Command(BaseCommand):
    """Writes a new file. `SECRET_KEY` and `ENCRYPTION_KEY` are not in it: keep them elsewhere."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to."""
        parser.add_argument("file", type=Path, help="a file that is not there yet")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it and say how large it is."""
        try:
            size = backup.write(options["file"])
        except (backup.Refused, OSError) as problem:
            raise CommandError(f"no backup: {problem}") from None
        self.stdout.write(f"{options['file']}: {size:,} bytes")
