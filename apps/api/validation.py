"""Turns validation errors of Django and Django REST framework into Rails' words (contract: 422)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from rest_framework.settings import api_settings

INVALID = "is invalid"
BLANK = "can't be blank"
TAKEN = "has already been taken"

# Code of a validator → Rails' words; `{limit}` is the number that the validator's message names.
WORDS = {
    "required": BLANK,
    "blank": BLANK,
    "null": BLANK,
    "empty": BLANK,
    "unique": TAKEN,
    "unique_together": TAKEN,
    "min_length": "is too short (minimum is {limit} characters)",
    "password_too_short": "is too short (minimum is {limit} characters)",
    "max_length": "is too long (maximum is {limit} characters)",
    "min_value": "must be greater than or equal to {limit}",
    "max_value": "must be less than or equal to {limit}",
    "max_string_length": "is not a number",
    "invalid_choice": "is not included in the list",
    "does_not_exist": "must exist",
}
NUMBER_WANTED = re.compile(r"A valid (integer|number)")
LIMIT = re.compile(r"-?\d+(\.\d+)?")
# Errors that belong to no field are Rails' `base`.
OF_NO_FIELD = {NON_FIELD_ERRORS, api_settings.NON_FIELD_ERRORS_KEY}
BASE = "base"


def rails_errors(detail: Any) -> dict[str, list[str]]:
    """The `errors` of the envelope: field → messages, from the `detail` of a ValidationError.

    What is nested becomes a path: `{"data": [{}, {"name": […]}]}` is `{"data.1.name": […]}`.
    """
    errors: dict[str, list[str]] = {}
    for path, message in _leaves(detail, ()):
        found = errors.setdefault(".".join(path) or BASE, [])
        words = rails_words(message)
        if words not in found:
            found.append(words)
    return errors


def rails_words(message: str) -> str:
    """One message in Rails' words.

    A message that starts with a lower-case letter is in Rails' words already (`is incorrect`)
    and stays as it is; others are known by their validator's code.
    """
    code = getattr(message, "code", None) or "invalid"
    if message[:1].islower():
        return str(message)
    if NUMBER_WANTED.match(message):
        return "is not a number"
    words = WORDS.get(code, INVALID)
    if "{limit}" not in words:
        return words
    limit = LIMIT.search(message)
    if limit is None:
        return INVALID
    return words.format(limit=limit[0]).replace(" 1 characters", " 1 character")


def full_message(errors: dict[str, list[str]]) -> str:
    """All errors in one sentence: `Validation failed: Username can't be blank`."""
    sentences = []
    for field, messages in errors.items():
        name = "" if field == BASE else f"{field[0].upper()}{field[1:].replace('_', ' ')} "
        sentences += [f"{name}{message}" for message in messages]
    return f"Validation failed: {', '.join(sentences)}"


def _leaves(detail: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every message of a nested detail, with the path of names and positions that leads to it."""
    if isinstance(detail, dict):
        for key, value in detail.items():
            inner = path if key in OF_NO_FIELD else (*path, str(key))
            yield from _leaves(value, inner)
    elif isinstance(detail, list | tuple):
        for position, value in enumerate(detail):
            # A plain list holds messages of one field; a list of objects one object a position.
            plain = isinstance(value, str)
            yield from _leaves(value, path if plain else (*path, str(position)))
    else:
        yield path, detail
