"""What is wrong with a form, in the words of whoever reads the page.

The checks are those of the API, whose texts are English and fixed by the contract.
"""

from __future__ import annotations

import re
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from rest_framework.serializers import BaseSerializer

from apps.api.validation import rails_errors

# With `%(limit)s` for the number of a text; a text that is none of these stays as the API has it.
KNOWN = (
    gettext_noop("can't be blank"),
    gettext_noop("is invalid"),
    gettext_noop("has already been taken"),
    gettext_noop("is not a number"),
    gettext_noop("is not included in the list"),
    gettext_noop("must exist"),
    gettext_noop("is incorrect"),
    gettext_noop("is too short (minimum is %(limit)s characters)"),
    gettext_noop("is too long (maximum is %(limit)s characters)"),
    gettext_noop("must be greater than or equal to %(limit)s"),
    gettext_noop("must be less than or equal to %(limit)s"),
    gettext_noop("unknown tags: %(limit)s"),
)
PATTERNS = [
    (re.compile(re.escape(known).replace(re.escape("%(limit)s"), "(?P<limit>.+)")), known)
    for known in KNOWN
]


def checked(given: BaseSerializer[Any]) -> dict[str, list[str]]:
    """What is wrong with the values of a form; empty where all is well.

    The checks run in English, since their texts tell which of the API's words they become.
    """
    with translation.override("en"):
        errors = {} if given.is_valid() else rails_errors(given.errors)
    return {field: [translated(message) for message in found] for field, found in errors.items()}


def complaints(detail: Any) -> dict[str, list[str]]:
    """The errors of the envelope (`rails_errors`), field → messages, in the reader's language."""
    return {
        field: [translated(message) for message in messages]
        for field, messages in rails_errors(detail).items()
    }


def translated(message: str) -> str:
    """One message of the API in the reader's language."""
    for pattern, known in PATTERNS:
        if found := pattern.fullmatch(message):
            # A text without a number is no format.
            return _(known) % found.groupdict() if found.groupdict() else _(known)
    return message
