"""`manage.py import_platform`: brings users, devices and readings along from the old platform."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from apps.operations.models import ImportedFile
from apps.operations.old_platform import migration
from apps.operations.old_platform.dumps import Unusable


class Command(BaseCommand):
    """Reads a folder of CSV dumps (docs/migration.md); safe to kill, and to run again."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the dumps are."""
        parser.add_argument("folder", type=Path, help="of users.csv, devices.csv, readings.csv, …")
        parser.add_argument(
            "--restart",
            action="store_true",
            help="read all files from their start again; what is stored stays as it is",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, with a progress bar for each file, and report."""
        if options["restart"]:
            migration.restart()
        bars: dict[str, tqdm[Any]] = {}

        def progress(name: str, done: int, size: int) -> None:
            if name not in bars:
                bars[name] = tqdm(total=size, desc=name, unit="B", unit_scale=True)
            bars[name].update(done - bars[name].n)

        try:
            files = migration.Importer(options["folder"], progress).run()
        except (Unusable, OSError) as problem:
            raise CommandError(str(problem)) from None
        finally:
            for bar in bars.values():
                bar.close()
        self._report(options["folder"], files)

    def _report(self, folder: Path, files: list[ImportedFile]) -> None:
        """What became of the rows of each file, in this run and those before it."""
        self.stdout.write(f"{'file':<20}{'added':>12}{'here':>12}{'rejected':>12}{'notes':>12}")
        for file in files:
            counts = (file.added, file.kept, file.rejected, file.notes)
            self.stdout.write(f"{file.name:<20}" + "".join(f"{count:>12,}" for count in counts))
        if any(file.rejected or file.notes for file in files):
            self.stdout.write(f"Reasons: {folder}/*.rejects.csv")
