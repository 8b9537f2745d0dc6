"""`manage.py catalogue`: adds the sensors, kits and tags that a fresh install ships."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError

from apps.operations import catalogue


class Command(BaseCommand):
    """Adds what is missing of the catalogue; never changes what is there."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """`--if-empty` leaves an installation alone that has sensors already."""
        parser.add_argument("--if-empty", action="store_true", help="only on an empty database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Install, and say how much."""
        if options["if_empty"] and not catalogue.is_empty():
            return
        try:
            added = catalogue.install()
        except IntegrityError as error:  # a name or slug that another row has already
            why = " ".join(str(error).split())
            raise CommandError(
                f"catalogue: nothing was added, rename what clashes: {why}"
            ) from None
        self.stdout.write(f"catalogue: {added} rows added")
