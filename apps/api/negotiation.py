"""Reads the Accept header and chooses the form of the answer (contract: media, JSON-P)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.api import jsonp
from apps.api.renderers import JSONPRenderer, JSONRenderer

# What names this API, in whatever version: `application/vnd.smartcitizen; version=0`
VENDOR_TYPES = {"application/vnd.smartcitizen", "application/vnd.smartcitizen+json"}
# An Accept header beyond this is cut, so that reading one is cheap whatever is sent.
LONGEST_HEADER = 8192
QUALITY = re.compile(r"[01]?(\.[0-9]{0,3})?")


@dataclass(frozen=True)
class MediaRange:
    """One element of an Accept header: `text/*; q=0.5` is `("text", "*", 0.5, {})`."""

    type: str
    subtype: str
    quality: float
    parameters: dict[str, str]

    @property
    def full_type(self) -> str:
        """Without its parameters, in lower case: `application/json`."""
        return f"{self.type}/{self.subtype}"

    def precedence(self, media_type: str) -> int:
        """How closely it names `media_type`: 3 exactly, 2 by its type, 1 as `*/*`, 0 not at all."""
        if self.full_type == media_type:
            return 3
        if self.subtype != "*":
            return 0
        return 1 if self.type == "*" else 2 * (self.type == media_type.partition("/")[0])


def media_ranges(request: HttpRequest | Request) -> list[MediaRange]:
    """The readable elements of the request's Accept header, in order.

    What cannot be read is left out: a header of nothing else is like none, never an error.
    """
    elements = request.headers.get("accept", "")[:LONGEST_HEADER].split(",")
    return [found for element in elements if (found := _media_range(element))]


def prefers_html(request: HttpRequest) -> bool:
    """Whether the request is a browser's that opens a page: HTML is liked better than JSON."""
    accepted = media_ranges(request)
    html = _quality({"text/html"}, accepted)
    return html > _quality({JSONRenderer.media_type, *VENDOR_TYPES}, accepted)


class ContentNegotiation(DefaultContentNegotiation):
    """A proper `callback` gets JSON-P whatever Accept says; else the form that Accept likes best.

    A script element cannot choose its Accept header, therefore the callback wins. Among forms
    that are liked equally the view's order decides; none of them being admitted is 406.
    """

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """The renderer and its media type; raises BadRequest (callback) or NotAcceptable."""
        wrapping = [renderer for renderer in renderers if isinstance(renderer, JSONPRenderer)]
        if wrapping and jsonp.callback(request.method, request.query_params):
            return wrapping[0], wrapping[0].media_type
        offered = [renderer for renderer in renderers if renderer not in wrapping]
        accepted = media_ranges(request)
        if not accepted:
            return offered[0], offered[0].media_type
        best = max(offered, key=lambda renderer: _liking(renderer, accepted))
        if not _liking(best, accepted):
            raise NotAcceptable
        return best, best.media_type


def _media_range(text: str) -> MediaRange | None:
    """One element of an Accept header; None where it is no media range."""
    full_type, *pairs = (part.strip().lower() for part in text.split(";"))
    split = (pair.partition("=") for pair in pairs)
    parameters = {name.strip(): value.strip(' "') for name, _, value in split}
    # Java's HttpURLConnection sends a lone `*`.
    kind, _, subtype = ("*/*" if full_type == "*" else full_type).partition("/")
    if not kind or not subtype or (kind == "*" and subtype != "*"):
        return None
    quality = parameters.get("q", "1")
    known = QUALITY.fullmatch(quality) and quality.strip(".")
    return MediaRange(kind, subtype, min(float(quality), 1) if known else 1.0, parameters)


def _liking(renderer: BaseRenderer, accepted: Sequence[MediaRange]) -> float:
    """The quality that the header gives to a renderer's media type: its closest range decides."""
    names = {renderer.media_type}
    if isinstance(renderer, JSONRenderer):
        names |= VENDOR_TYPES
    return _quality(names, accepted)


def _quality(names: set[str], accepted: Sequence[MediaRange]) -> float:
    """The quality that the header gives to any of these media types."""
    found = [
        (precedence, media_range.quality)
        for media_range in accepted
        for name in names
        if (precedence := media_range.precedence(name))
    ]
    return max(found)[1] if found else 0.0
