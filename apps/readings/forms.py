"""In which forms readings are answered: JSON, or streams of CSV and NDJSON."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.api.exceptions import BadRequest
from apps.api.negotiation import ContentNegotiation
from apps.api.renderers import JSONPRenderer, JSONRenderer


class Csv(JSONRenderer):
    """Says that a view offers CSV, which it streams by itself; it renders nothing."""

    media_type = "text/csv"
    format = "csv"


class Ndjson(JSONRenderer):
    """Likewise for JSON objects, one a line."""

    media_type = "application/x-ndjson"
    format = "ndjson"


OFFERED: list[type[BaseRenderer]] = [JSONRenderer, JSONPRenderer, Csv, Ndjson]


class FormatNegotiation(ContentNegotiation):
    """`format=csv`, `ndjson` or `json` wins over Accept, so that a link can lead to a file."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """The renderer; raises BadRequest for a format that is none of them."""
        offered = list(renderers)
        wanted = request.query_params.get("format", "")
        if wanted in {"", "json"}:
            # With both, `format=json` is JSON-P too, as the callback asks.
            choice = [one for one in offered if not isinstance(one, Csv | Ndjson)]
            return super().select_renderer(request, choice if wanted else offered, format_suffix)
        for renderer in offered:
            if isinstance(renderer, Csv | Ndjson) and renderer.format == wanted:
                return renderer, renderer.media_type
        raise BadRequest("format has to be json, csv or ndjson")
