"""Cells of the old tables as values: text of PostgreSQL's CSV, read strictly."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.operations.old_platform.dumps import Row
from apps.readings.literals import Unreadable, moment, read_number

BOOLEANS = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False, "": False}
MOST = 2**63 - 1


class Bad(ValueError):
    """A cell that cannot be used; `column` is its name, empty for the row as a whole."""

    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def is_id(text: str) -> bool:
    """Whether a cell may be an id."""
    return text.isascii() and text.isdigit() and 0 < int(text) <= MOST


def number(row: Row, column: str) -> int:
    """A whole number above 0, such as an id."""
    found = optional_number(row, column)
    if found is None:
        raise Bad(column, "is missing")
    return found


def optional_number(row: Row, column: str) -> int | None:
    """A whole number above 0, None where the cell is empty."""
    text = row[column]
    if not text:
        return None
    if not is_id(text):
        raise Bad(column, "is not a whole number above 0")
    return int(text)


def decimal(row: Row, column: str) -> float | None:
    """A finite number, None where the cell is empty."""
    if not row[column]:
        return None
    try:
        return read_number(row[column])
    except Unreadable:
        raise Bad(column, "is not a finite number") from None


def time(row: Row, column: str) -> datetime:
    """A time, UTC unless it says otherwise."""
    found = moment(row[column])
    if found is None:
        raise Bad(
            column, "is not a time such as 2015-05-04 12:30:00" if row[column] else "is missing"
        )
    return found


def boolean(row: Row, column: str) -> bool:
    """`t` or `f`; empty is false."""
    found = BOOLEANS.get(row[column].lower())
    if found is None:
        raise Bad(column, "is not t or f")
    return found


def unique_id(row: Row, column: str = "uuid") -> UUID:
    """A UUID."""
    try:
        return UUID(row[column])
    except ValueError:
        raise Bad(column, "is not a UUID" if row[column] else "is missing") from None


def json_object(row: Row, column: str) -> dict[str, Any]:
    """A JSON object; empty where the cell is."""
    if row[column] in {"", "null"}:
        return {}
    try:
        found = json.loads(row[column])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Bad(column, "is not a JSON object")
    return found
