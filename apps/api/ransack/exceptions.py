"""What can be wrong with a search: every exception is a 400 whose message names the parameter."""

from __future__ import annotations

from rest_framework import status
from rest_framework.exceptions import APIException

# Names and values are repeated in messages no longer than this, however long the request was.
LONGEST_SHOWN = 100


class InvalidSearch(APIException):
    """400: `InvalidSearch("q[id_eq]", '"abc" is not an integer')`, parameter first."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_request"

    def __init__(self, parameter: str, problem: str) -> None:
        super().__init__(f"{shown(parameter)}: {problem}")


class SearchTooSlow(APIException):
    """400: the database gave up on a search, since it would have taken too long."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "bad_request"
    default_detail = (
        "The search took too long and was stopped: use fewer or more specific conditions in q[...]"
    )


def shown(text: str) -> str:
    """What came in, as a message may repeat it: cut, and encodable as JSON whatever it was."""
    cut = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
    return cut.encode("utf-8", "replace").decode("utf-8")


def quoted(text: str) -> str:
    """A name or value that came in, between quotation marks."""
    return f'"{shown(text)}"'
