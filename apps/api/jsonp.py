"""JSON-P: the rules for a callback's name, and the wrapping (contract: JSON-P)."""

from __future__ import annotations

from django.http import QueryDict

from apps.api.exceptions import BadRequest

PARAMETER = "callback"
LONGEST_NAME = 128
# JSON that is no JavaScript: these two end a line inside a JavaScript string before ES2019.
LINE_ENDS = {"\u2028".encode(): b"\\u2028", "\u2029".encode(): b"\\u2029"}


def is_callback(name: str) -> bool:
    """Whether `name` is a dotted JavaScript identifier of at most 128 characters.

    Python's identifiers are JavaScript's without the dollar sign.
    """
    parts = name.replace("$", "_").split(".")
    return len(name) <= LONGEST_NAME and all(part.isidentifier() for part in parts)


def callback(method: str | None, query: QueryDict) -> str | None:
    """The callback that a request asks for: only a GET (or HEAD) can; raises BadRequest."""
    if method not in {"GET", "HEAD"} or PARAMETER not in query:
        return None
    name = str(query[PARAMETER])
    if not is_callback(name):
        raise BadRequest(
            f"{PARAMETER} must be a dotted JavaScript identifier"
            f" of at most {LONGEST_NAME} characters"
        )
    return name


def wrap(name: str, body: bytes) -> bytes:
    """`/**/fn(<json>);`, safe as JavaScript.

    The comment keeps the first bytes of the answer out of the caller's hands, so that it can
    never be taken for another kind of file.
    """
    for raw, escaped in LINE_ENDS.items():
        body = body.replace(raw, escaped)
    return b"/**/%s(%s);" % (name.encode(), body)
