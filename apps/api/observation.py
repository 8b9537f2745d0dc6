"""What is known of every request while it is served and after: its id, its time, its status."""

from __future__ import annotations

import contextlib
import logging
import re
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponseBase

from apps.api import instruments

HEADER = "X-Request-Id"
# What a proxy or a client may name its request: nothing that could forge a log line
GIVEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

_current: ContextVar[str] = ContextVar("request_id", default="-")


class Observed:
    """Gives every request an id, its answer that id in `X-Request-Id`, and counts it.

    An id that came with the request is kept, so that a proxy, a client and our log tell of one
    request by one name. It stands first, so that it sees what all the others answer.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, with the id."""
        began = time.perf_counter()
        given = request.headers.get(HEADER, "")
        request_id = given if GIVEN.fullmatch(given) else uuid.uuid4().hex
        # It stays until this thread's next request: Django logs errors after all middleware.
        _current.set(request_id)
        response = self.get_response(request)
        response.headers[HEADER] = request_id
        _count(request, response.status_code, time.perf_counter() - began)
        return response


class RequestId(logging.Filter):
    """Adds `request_id` to every line of the log; `-` outside a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add it; leaves no line out."""
        record.request_id = _current.get()
        # What Django attaches shows the query, where an access token may be.
        record.__dict__.pop("request", None)
        return True


def _count(request: HttpRequest, status: int, seconds: float) -> None:
    """Count the request under the name of its view: a path would be a figure for each device."""
    match = request.resolver_match
    view = (match.view_name or match.route) if match else "none"
    method = request.method if request.method in METHODS else "OTHER"
    # A disk that is full must not fail a request that has been answered already.
    with contextlib.suppress(OSError):
        instruments.REQUESTS.labels(method, view, status).observe(seconds)
        if status == 500:
            instruments.FAULTS.inc()
