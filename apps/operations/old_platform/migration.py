"""The whole migration, chunk by chunk: each and how far it goes are committed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from django.core.management.color import no_style
from django.db import connection, transaction

from apps.devices.models import Device
from apps.operations import statistics
from apps.operations.models import ImportedFile
from apps.operations.old_platform import readings
from apps.operations.old_platform.cells import Bad, is_id, number
from apps.operations.old_platform.dumps import Dump, Rejects, Row, Unusable
from apps.operations.old_platform.rules import AlreadyHere, Table, admit, is_here
from apps.operations.old_platform.tables import TABLES

# Rows that are committed together
CHUNK_OF_ROWS = 500
CHUNK_OF_READINGS = 20_000
# Two imports at once would do everything twice.
IMPORTING = 7_203_011

Progress = Callable[[str, int, int], object]


@dataclass(slots=True)
class Counts:
    """What became of the rows of a chunk."""

    added: int = 0
    kept: int = 0
    rejected: int = 0
    notes: int = 0


class Importer:
    """Imports the dumps of a folder; `progress` is told file, bytes that are done, and its size."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder = folder
        self.progress = progress

    def run(self) -> list[ImportedFile]:
        """Import every file that is there, in the order in which rows name each other.

        Raises Unusable where a file cannot be imported. Safe to run again: it goes on where it
        was, and does nothing where all is done.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [IMPORTING])
            if not cursor.fetchone()[0]:
                raise Unusable("another import is running")
        try:
            dumps = list(self._dumps())
            if not dumps:
                raise Unusable(f"{self.folder} holds none of {', '.join(self.names())}")
            done = [self._import(dump, table) for dump, table in dumps]
            # Devices without components, as in a dump without them, get the sensors of their kits.
            Device.objects.filter(components=None).exclude(kit=None).refit()
            statistics.renew()
            return done
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [IMPORTING])

    @staticmethod
    def names() -> list[str]:
        """The files that are looked for."""
        return [*(f"{table.name}.csv" for table in TABLES), "readings.csv"]

    def _dumps(self) -> Iterator[tuple[Dump, Table | None]]:
        """What is there, every header checked before the first row is stored."""
        for table in TABLES:
            if (path := self.folder / f"{table.name}.csv").exists():
                yield Dump(path, table.required), table
        if (path := self.folder / "readings.csv").exists():
            yield Dump(path, readings.REQUIRED), None

    def _import(self, dump: Dump, table: Table | None) -> ImportedFile:
        """Import what is left of one file."""
        done, _ = ImportedFile.objects.get_or_create(
            name=dump.path.name, defaults={"size": dump.size}
        )
        if done.size != dump.size:
            raise Unusable(
                f"{done.name} has {dump.size} bytes, and had {done.size} when its import began:"
                " go on with that one, or run with --restart"
            )
        rejects = Rejects(dump.path.with_suffix(".rejects.csv"), done.rejects_size)
        rows = dump.rows(done.offset, done.line)
        size = CHUNK_OF_ROWS if table else CHUNK_OF_READINGS
        try:
            while chunk := list(islice(rows, size)):
                self.progress(done.name, done.offset, done.size)
                self._import_chunk(done, Chunk(chunk, rejects), table)
            self.progress(done.name, done.size, done.size)
        finally:
            rejects.close()
        return done

    @staticmethod
    def _import_chunk(done: ImportedFile, chunk: Chunk, table: Table | None) -> None:
        """Store a chunk and how far the import has come with it, or neither."""
        posts = None if table else readings.gather(chunk.whole, chunk.reject)
        with transaction.atomic():
            if table:
                chunk.store(table)
            elif posts:
                chunk.counts.added, chunk.counts.kept = readings.store(posts)
            done.offset, done.line = chunk.end
            done.rejects_size = chunk.rejects.flush()
            done.added += chunk.counts.added
            done.kept += chunk.counts.kept
            done.rejected += chunk.counts.rejected
            done.notes += chunk.counts.notes
            done.save()


class Chunk:
    """Some rows of one file, and what becomes of them."""

    def __init__(self, rows: list[Row], rejects: Rejects) -> None:
        self.rejects = rejects
        self.counts = Counts()
        self.end = rows[-1].end, rows[-1].line
        self.whole = [row for row in rows if not row.problem]
        for row in rows:
            if row.problem:
                self.reject(row, "", row.problem)

    def reject(self, row: Row, column: str, reason: str) -> None:
        """A row was not taken."""
        self.counts.rejected += 1
        self.rejects.write(row, column, reason)

    def note(self, row: Row, column: str, reason: str) -> None:
        """A cell of a row was left out or replaced."""
        self.counts.notes += 1
        self.rejects.write(row, column, reason)

    def store(self, table: Table) -> None:
        """Add the rows that are not here, in the caller's transaction."""
        ids = [int(row["id"]) for row in self.whole if table.by_id and is_id(row["id"])]
        here = table.model._base_manager.in_bulk(ids)
        # Sensors name their parents: those stand higher.
        for row in sorted(self.whole, key=_depth):
            try:
                held = here.get(number(row, "id")) if table.by_id else None
                if held is not None and is_here(row, held):
                    self.counts.kept += 1
                else:
                    admit(table, row, partial(self.note, row))
                    self.counts.added += 1
            except AlreadyHere:
                self.counts.kept += 1
            except Bad as problem:
                self.reject(row, problem.column, str(problem))
        # Ids that are made later come after these.
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), [table.model]):
                cursor.execute(statement)


def _depth(row: Row) -> int:
    """How many stand above a sensor, by the ancestry it names: `4/5` are two."""
    return len(row["ancestry"].split("/")) if row["ancestry"] else 0


def restart() -> None:
    """Forget how far the files have come; what is stored stays, and is found again."""
    ImportedFile.objects.all().delete()
