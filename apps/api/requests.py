"""The request as views see it: parameters come from the body and, under it, from the query."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import QueryDict
from rest_framework.request import Request

from apps.api.exceptions import BadRequest, PayloadTooLarge

TAKES_PARAMETERS = {"POST", "PUT", "PATCH"}


class ApiRequest(Request):
    """On POST, PUT and PATCH `data` is one dictionary of all parameters (contract: bodies in).

    The body wins over the query string. From a query or a form a parameter has its last value,
    and `tags[]=a&tags[]=b` is the list `tags`; a form is not told from JSON after that, so that a
    box that a form leaves out is left as it is. Raises BadRequest and PayloadTooLarge.
    """

    data: dict[str, Any]

    def _load_data_and_files(self) -> None:
        """Called once, by the first use of `data`, `POST` or `FILES`."""
        self._check_length()
        super()._load_data_and_files()  # type: ignore[misc]
        body: Any = self._full_data  # type: ignore[has-type]
        parameters = plain(body) if isinstance(body, QueryDict) else dict(body)
        if self.method in TAKES_PARAMETERS:
            parameters = plain(self.query_params) | parameters
        _refuse_nul(parameters)
        self._full_data = parameters

    def _check_length(self) -> None:
        """One limit for every kind of body; Django's own leaves out the files of a multipart.

        Django reads a body without a length as an empty one, so that what a client sent in chunks
        would be lost without a word.
        """
        if "Transfer-Encoding" in self.headers and not self.META.get("CONTENT_LENGTH"):
            raise BadRequest("Content-Length is missing: a body in chunks is not taken")
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            length = int(self.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            raise BadRequest("Content-Length must be a number") from None
        if limit is not None and length > limit:
            raise PayloadTooLarge


def plain(parameters: QueryDict) -> dict[str, Any]:
    """A query or form as a dictionary: the last value of each name, a list for `name[]`."""
    return {
        name.removesuffix("[]"): parameters.getlist(name) if name.endswith("[]") else value
        for name, value in parameters.items()
    }


def _refuse_nul(parameters: dict[str, Any]) -> None:
    """Refuse the character that no text in PostgreSQL can hold, before a query is made with it.

    Deeper in the body it is left to the reader there, so that one bad reading sinks no others.
    """
    for name, value in parameters.items():
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            raise BadRequest(f"{name.replace(chr(0), '')} must not contain a NUL character")
