"""What is refused before a view sees the request, whatever the view is."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import TooManyFieldsSent
from django.http import HttpRequest, HttpResponseBase, QueryDict

from apps.api.errors import answer
from apps.api.exceptions import BadRequest


class ReadableRequest:
    """Answers 400 to a URL that cannot be worked with.

    That is one with a NUL character, which no text in PostgreSQL can hold, or with more parameters
    than `DATA_UPLOAD_MAX_NUMBER_FIELDS`. After it, views and renderers read the query freely.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Refuse the request or pass it on."""
        try:
            request.GET  # noqa: B018 - read and parsed here, kept by Django from then on
        except TooManyFieldsSent:
            request.GET = QueryDict()
            return answer(request, BadRequest("There are too many parameters in the URL"))
        query = request.META.get("QUERY_STRING", "")
        if "\0" in request.path_info or "%00" in query or "\0" in query:
            return answer(request, BadRequest("The URL must not contain a NUL character"))
        return self.get_response(request)
