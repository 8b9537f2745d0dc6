"""ETags and 304: by content for every GET, or by a mark that a view knows before its work."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.api.errors import answer
from apps.api.exceptions import PreconditionFailed

V = TypeVar("V", bound=APIView)
P = ParamSpec("P")
Handler = Callable[Concatenate[V, Request, P], HttpResponseBase]

READS = {"GET", "HEAD"}
# Part of an answer as much as its body: the same rows under another Total are another answer.
TAGGED_HEADERS = ("Content-Type", "Link", "Total", "Per-Page")


class ConditionalGet:
    """Gives every answer to a GET or HEAD an ETag of its content, and answers 304 by it.

    Left alone: streams, errors, answers with `no-store` (health, clocks, `/add`) and those whose
    view set an ETag. It stands inside compression, which makes the ETag weak; comparing takes no
    notice of that.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer with its ETag, or the 304 (412 for `If-Match`) that takes its place."""
        response = self.get_response(request)
        if request.method in READS and response.status_code == 200:
            response = self._conditional(request, response)
        if response.status_code == 304:
            # The length of nothing is not that of the answer, which is what it would tell.
            del response.headers["Content-Length"]
        return response

    def _conditional(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        etag = response.headers.get("ETag")
        if etag is None and isinstance(response, HttpResponse) and _is_taggable(response):
            etag = response.headers["ETag"] = content_etag(response)
        if etag is None:
            return response
        found = get_conditional_response(request, etag=etag, response=response)  # type: ignore[arg-type]
        if found is not None and found.status_code == 412:
            return answer(request, PreconditionFailed())
        return found or response


def known_by(
    mark: Callable[Concatenate[V, Request, P], str | None],
) -> Callable[[Handler[V, P]], Handler[V, P]]:
    """Give a view's GET a weak ETag from something cheap, such as a row's change counter.

    `mark(view, request, **kwargs)` is called first: it raises what the method would raise
    (RecordNotFound for who may not see the record) and returns a text that changes whenever the
    answer does, or None for no ETag. Where the client holds that version already, the answer is
    304 and the method never runs. The ETag also covers the URL, the form of the answer and who
    asks, so `mark` need not.

        @known_by(lambda view, request, pk: f"{view.device(pk).readings_version}")
        def list(self, request, pk): ...
    """

    def decorate(method: Handler[V, P]) -> Handler[V, P]:
        @functools.wraps(method)
        def handler(
            view: V, request: Request, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponseBase:
            known = mark(view, request, *args, **kwargs)
            if known is None:
                return method(view, request, *args, **kwargs)
            etag = weak_etag(request, known)
            found = get_conditional_response(request._request, etag=etag)
            if found is not None and found.status_code == 412:
                raise PreconditionFailed
            if found is not None:
                return Response(status=304, headers={"ETag": etag})
            response = method(view, request, *args, **kwargs)
            if response.status_code == 200:
                response.headers.setdefault("ETag", etag)
            return response

        return handler

    return decorate


def content_etag(response: HttpResponse) -> str:
    """A strong ETag of an answer: its body and the headers that belong to it."""
    parts = [response.headers.get(name, "").encode() for name in TAGGED_HEADERS]
    return f'"{_digest([*parts, response.content])}"'


def weak_etag(request: Request, mark: str) -> str:
    """A weak ETag of the answer to `request` while `mark` stays: for its URL, form and viewer."""
    form = str(request.accepted_media_type)
    viewer = str(request.user.pk) if request.user else ""
    parts = [mark, form, viewer, request.get_full_path()]
    return f'W/"{_digest([part.encode() for part in parts])}"'


def _digest(parts: list[bytes]) -> str:
    return hashlib.blake2b(b"\0".join(parts), digest_size=16).hexdigest()


def _is_taggable(response: HttpResponse) -> bool:
    """Whether there is a content that may be kept."""
    directives = re.split(r"\s*,\s*", response.headers.get("Cache-Control", "").lower())
    return bool(response.content) and "no-store" not in directives
