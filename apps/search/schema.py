"""What the document says of the search (reference: Global Search)."""

from __future__ import annotations

from rest_framework import serializers

from apps.api.openapi.endpoints import STRING, Endpoint, Shape, document, query


class FoundPlace(Shape):
    """Where it is."""

    city = serializers.CharField(allow_null=True)
    country_code = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)


class Found(FoundPlace):
    """A user or a device, told apart by `type`; the other fields are those of the one or other."""

    id = serializers.IntegerField()
    type = serializers.ChoiceField(["User", "Device"])
    url = serializers.CharField(allow_null=True)
    username = serializers.CharField(required=False)
    avatar = serializers.CharField(required=False, allow_null=True)
    profile_picture = serializers.CharField(required=False)
    name = serializers.CharField(required=False)
    description = serializers.CharField(required=False, allow_null=True)
    owner_id = serializers.IntegerField(required=False)
    owner_username = serializers.CharField(required=False)


ANASTASIA = [
    {
        "id": 32,
        "type": "User",
        "username": "anastasia",
        "avatar": None,
        "profile_picture": "",
        "url": None,
        "city": None,
        "country_code": None,
        "country": None,
    },
    {
        "id": 56,
        "type": "Device",
        "name": "nat kit",
        "description": "nat kit at home",
        "owner_id": 32,
        "owner_username": "anastasia",
        "url": "https://api.example.org/v0/devices/56",
        "city": "Barcelona",
        "country_code": "ES",
        "country": "Spain",
    },
]

document(
    "Search",
    {
        "GET /v0/search": Endpoint(
            "Find users and devices",
            Found,
            many=True,
            pages="numbers",
            example=ANASTASIA,
            description="By the beginning of any word, whatever its case and accents; best first.",
            parameters=(
                query("q", "What to look for.", STRING, required=True, example="anastasia"),
            ),
        )
    },
)
