"""The document over HTTP (`GET /v0/schema`), as JSON or YAML."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from drf_spectacular.renderers import OpenApiYamlRenderer2
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.openapi.document import document
from apps.api.renderers import JSONPRenderer, JSONRenderer
from apps.api.views import ApiView


class YamlRenderer(JSONRenderer):
    """`application/yaml` (RFC 9512); errors are JSON."""

    media_type = "application/yaml"
    format = "yaml"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        """The document; anything else is an error."""
        if data is document():
            return as_yaml()
        return super().render(data, accepted_media_type, renderer_context)


@functools.cache
def as_yaml() -> bytes:
    """The document in YAML: written once, since that takes half a second."""
    written: bytes = OpenApiYamlRenderer2().render(document())
    return written


class SchemaView(ApiView):
    """`GET /v0/schema`: this API in OpenAPI 3.1, the same for everyone."""

    authentication_classes = []
    renderer_classes = [JSONRenderer, JSONPRenderer, YamlRenderer]

    def get(self, request: Request) -> Response:
        """The document; an hour in any cache."""
        return Response(document(), headers={"Cache-Control": "public, max-age=3600"})
