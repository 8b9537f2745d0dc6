"""What is found as JSON: the reference's two shapes, told apart by `type`."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.devices.location import country_name

Json = dict[str, Any]


class FoundSerializer(serializers.BaseSerializer[Json]):
    """A row of `finder.Found` (reference: Global Search; contract: Search)."""

    def to_representation(self, instance: Json) -> Json:
        """The shape of a user or that of a device."""
        if instance["type"] == "User":
            return user_json(instance)
        path = f"/v0/devices/{instance['id']}"
        return device_json(instance, self.context["request"].build_absolute_uri(path))


def user_json(row: Json) -> Json:
    """A user; `url` is the web page that he names on his profile, or null."""
    return {
        "id": row["id"],
        "type": "User",
        "username": row["username"],
        "avatar": row["avatar"],
        "profile_picture": row["avatar"] or "",
        "url": row["url"],
        **place_json(row),
    }


def device_json(row: Json, url: str) -> Json:
    """A device; `url` is where the API tells all about it, as a device has no page of its own."""
    return {
        "id": row["id"],
        "type": "Device",
        "name": row["name"],
        "description": row["description"],
        "owner_id": row["account_id"],
        "owner_username": row["username"],
        "url": url,
        **place_json(row),
    }


def place_json(row: Json) -> Json:
    """City and country, null where unknown."""
    return {
        "city": row["city"],
        "country_code": row["country_code"],
        "country": country_name(row["country_code"]),
    }
