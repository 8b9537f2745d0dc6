"""What the document says of the root and of itself."""

from __future__ import annotations

from rest_framework import serializers

from apps.api.openapi.endpoints import Endpoint, Shape, document


class Root(Shape):
    """Where everything is (reference: Root Endpoint)."""

    current_user_url = serializers.URLField()
    components_url = serializers.URLField()
    devices_url = serializers.URLField()
    kits_url = serializers.URLField()
    measurements_url = serializers.URLField()
    sensors_url = serializers.URLField()
    tags_url = serializers.URLField()
    users_url = serializers.URLField()
    search_url = serializers.URLField()
    api_documentation_url = serializers.URLField()
    version_git = serializers.CharField()


document(
    "Root",
    {
        "GET /v0": Endpoint("List the endpoints", Root),
        "GET /v0/schema": Endpoint(
            "Get this document",
            {"type": "object"},
            description="YAML for `Accept: application/yaml`.",
            media={"application/yaml": {"type": "string"}},
        ),
    },
)
