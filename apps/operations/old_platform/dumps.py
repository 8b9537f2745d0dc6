"""Dumps as they lie on disk: read row by row, from any place, and rejects written beside them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

# A quote that is never closed would swallow the rest of a file.
LONGEST_CELL = 4 * 1024 * 1024


class Unusable(Exception):
    """A file that cannot be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a dump: its cells by column, the line it begins in, and where it ends."""

    cells: dict[str, str]
    first_line: int
    line: int
    end: int
    problem: str | None = None

    def __getitem__(self, column: str) -> str:
        """A cell without the spaces around it; empty where there is no such column."""
        return self.cells.get(column, "").strip()


class Dump:
    """A CSV file with a header, as PostgreSQL's `COPY … TO … CSV HEADER` writes it."""

    def __init__(self, path: Path, required: Sequence[str]) -> None:
        self.path = path
        self.size = path.stat().st_size
        with path.open("rb") as file:
            self.header = next(csv.reader(_lines(file)), [])
            self.body = file.tell()
        self.header = [name.strip().lstrip("\ufeff") for name in self.header]
        if missing := [name for name in required if name not in self.header]:
            raise Unusable(f"{path.name}: the header lacks {', '.join(missing)}")

    def rows(self, offset: int, line: int) -> Iterator[Row]:
        """The rows behind a place, in constant memory; a place of 0 is the first row."""
        csv.field_size_limit(LONGEST_CELL)
        with self.path.open("rb") as file:
            file.seek(max(offset, self.body))
            reader = csv.reader(_lines(file))
            while True:
                first_line = max(line, 1) + reader.line_num + 1
                problem: str | None
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    cells, problem = [], f"cannot be read as CSV: {error}"
                else:
                    problem = self._problem(cells)
                yield Row(
                    dict(zip(self.header, cells, strict=False)),
                    first_line,
                    max(line, 1) + reader.line_num,
                    file.tell(),
                    problem,
                )

    def _problem(self, cells: list[str]) -> str | None:
        """What is wrong with a row as such."""
        if len(cells) != len(self.header):
            return f"has {len(cells)} cells, the header {len(self.header)}"
        whole = "".join(cells)
        if "\0" in whole:
            return "holds NUL, which is no text"
        return None if whole.isascii() or _is_utf8(whole) else "is not UTF-8"


def _lines(file: BinaryIO) -> Iterator[str]:
    """The lines of a file, not one of them ahead of the reader."""
    while line := file.readline(LONGEST_CELL):
        yield line.decode("utf-8", "surrogateescape")


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class Rejects:
    """The file beside a dump that says which rows, or cells of them, were not taken, and why."""

    HEADER = ("line", "column", "reason", "row")

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        path.touch()
        with path.open("r+b") as file:
            file.truncate(size)  # what was written behind the last commit
        self.file = path.open("a", encoding="utf-8", errors="backslashreplace", newline="")
        self.writer = csv.writer(self.file)
        if size == 0:
            self.writer.writerow(self.HEADER)

    def write(self, row: Row, column: str, reason: str) -> None:
        """Say why a row (`column` is empty) or one of its cells was not taken."""
        cells = {name: cell for name, cell in row.cells.items() if name not in SECRET}
        self.writer.writerow(
            [row.first_line, column, reason, json.dumps(cells, ensure_ascii=False)]
        )

    def flush(self) -> int:
        """Bring it to disk; returns its size."""
        self.file.flush()
        return self.path.stat().st_size

    def close(self) -> None:
        """End it."""
        self.file.close()


# What the file of rejects need not repeat
SECRET = {"password_digest", "legacy_api_key", "old_data", "device_token", "forwarding_token"}
