"""Reads the text of a query parameter as a value, and says by name which one cannot be read."""

from __future__ import annotations

import re

from apps.api.exceptions import BadRequest

# Rails' words for booleans (contract: Filtering)
TRUE = {"true", "t", "1"}
FALSE = {"false", "f", "0"}
DIGITS = re.compile(r"0*([1-9][0-9]*)")  # ASCII alone: `int` takes the digits of any script
# Larger numbers are cut to this: far beyond any page, still safe to calculate with in a database.
LARGEST = 10**12


def boolean(name: str, text: str | None, default: bool = False) -> bool:
    """`true t 1` or `false f 0` in any case; blank is `default`; else BadRequest naming `name`."""
    word = (text or "").strip().lower()
    if not word:
        return default
    if word not in TRUE | FALSE:
        raise BadRequest(f"{name} must be true or false")
    return word in TRUE


def positive_integer(name: str, text: str | None, default: int) -> int:
    """A whole number from 1; blank is `default`; else BadRequest naming `name`.

    A number beyond 10**12 is that number: no list is so long.
    """
    word = (text or "").strip()
    if not word:
        return default
    digits = DIGITS.fullmatch(word)
    if not digits:
        raise BadRequest(f"{name} must be a positive integer")
    return min(int(digits[1][:14]), LARGEST)
