"""Writes answers: minimal or pretty JSON by orjson, and JSON-P around it.

Other forms (CSV, NDJSON) are renderers of the views that offer them, beside these in
`renderer_classes`; JSON stays the first there, since errors take the first when nothing fits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import orjson
from django.utils.functional import Promise
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework_jsonp.renderers import JSONPRenderer as LibraryJSONPRenderer

from apps.api import jsonp
from apps.api.conversions import TRUE

# orjson writes integers of 64 bits; longer ones are written by Python.
SMALLEST, LARGEST = -(2**63), 2**64 - 1


def timestamp(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`, cut to the second (contract: numbers, times); naive times are UTC."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def to_json(data: Any, pretty: bool = False) -> bytes:
    """The bytes of `data` as JSON: minimal, or indented by two spaces.

    Takes what serializers make and also times, dates, UUIDs, decimals, lazy texts, sets and
    querysets. NaN and the infinities, which JSON lacks, are null; integers beyond 64 bits are
    written in full; half a surrogate pair becomes `?`.
    """
    option = orjson.OPT_PASSTHROUGH_DATETIME | (orjson.OPT_INDENT_2 if pretty else 0)
    try:
        return orjson.dumps(data, default=_plain, option=option)
    except orjson.JSONEncodeError:
        return orjson.dumps(_portable(data), default=_plain, option=option)


class JSONRenderer(BaseRenderer):
    """`application/json` in UTF-8; `pretty=true` indents (reference: Pretty Printing)."""

    media_type = "application/json"
    format = "json"
    charset = None  # JSON is UTF-8 by definition; the media type has no such parameter

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """`data` as JSON; nothing for None, as in an answer without a body (204, 304)."""
        if data is None:
            return b""
        request: Request | None = (renderer_context or {}).get("request")
        return to_json(data, pretty=request is not None and wants_pretty(request.query_params))


class JSONPRenderer(LibraryJSONPRenderer):  # type: ignore[misc]
    """`application/javascript`: the JSON wrapped in the callback (reference: JSON-P Callbacks).

    Negotiation chooses it, and only for a GET whose `callback` is a proper name. A view opts out
    by a `renderer_classes` without it.
    """

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """`/**/fn(<json>);`; nothing for None."""
        body = JSONRenderer().render(data, accepted_media_type, renderer_context)
        return jsonp.wrap(self.get_callback(renderer_context), body) if body else b""


def wants_pretty(query: Mapping[str, str]) -> bool:
    """Whether `pretty` asks for indents; what is no boolean does not, since it changes no data."""
    return query.get("pretty", "").lower() in TRUE


def _plain(value: Any) -> Any:
    """What orjson does not know by itself, as something that it does."""
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        if not value.is_finite():
            return None
        whole = SMALLEST <= value <= LARGEST and value == value.to_integral_value()
        return int(value) if whole else float(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, Iterable) and not isinstance(value, Promise):
        return list(value)
    return str(value)  # lazy translations among others


def _portable(value: Any) -> Any:
    """A copy in which nothing is beyond orjson: the slow way, for the rare value that needs it."""
    if isinstance(value, Mapping):
        return {_portable(str(key)): _portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, int) and not SMALLEST <= value <= LARGEST:
        return orjson.Fragment(f"{value:d}")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
