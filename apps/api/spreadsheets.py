"""Texts in CSV files, which people open in spreadsheets that run what looks like a formula."""

from __future__ import annotations

# What makes a spreadsheet take a cell for a formula, in its wide forms too (OWASP: CSV Injection)
FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def harmless(text: str) -> str:
    """The text as a cell: an apostrophe before one that begins a formula makes it text."""
    begins = text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if begins else text
