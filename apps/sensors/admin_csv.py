"""Lists of the admin site as CSV that no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
import html
from collections.abc import Iterator
from datetime import UTC, datetime
from numbers import Number
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import label_for_field, lookup_field
from django.db import models
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from apps.api.spreadsheets import harmless

ROWS_AT_ONCE = 500
# Without it Excel reads UTF-8 as something else.
BYTE_ORDER_MARK = "\ufeff"


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        """The text."""
        return text


def pieces(page: ModelAdmin[Any], columns: list[str], rows: models.QuerySet[Any]) -> Iterator[str]:
    """The rows with the columns of a list, one line at a time, in constant memory."""
    writer = csv.writer(_Echo())
    labels = [capfirst(str(label_for_field(name, page.model, page))) for name in columns]
    yield BYTE_ORDER_MARK + str(writer.writerow([cell(label) for label in labels]))
    for row in rows.iterator(ROWS_AT_ONCE):
        yield str(writer.writerow([cell(lookup_field(name, row, page)[2]) for name in columns]))


def cell(value: Any) -> str | int | float:
    """A value as a cell: numbers stay numbers, times are UTC, text begins no formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Number):
        return value  # type: ignore[return-value]
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return harmless(
        html.unescape(strip_tags(value)) if isinstance(value, SafeString) else str(value)
    )
