"""Tags of devices over HTTP: the list that owners choose from, kept by admins."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from apps.api.catalogue import CatalogueViewSet
from apps.api.texts import PlainText
from apps.devices.models import Tag


def tag_json(tag: Tag) -> dict[str, Any]:
    """A word that owners put on their devices (contract: Tag)."""
    return {
        "id": tag.pk,
        "uuid": tag.uuid,
        "name": tag.name,
        "description": tag.description,
        "created_at": tag.created_at,
        "updated_at": tag.updated_at,
    }


class TagSerializer(serializers.ModelSerializer[Tag]):
    """A tag; its name has no comma or bar, which part names where tags are listed or searched."""

    name = serializers.RegexField(
        r"\A[^,|]+\Z",
        max_length=100,
        validators=[UniqueValidator(Tag.objects.all(), lookup="iexact")],
    )
    description = PlainText()

    class Meta:
        model = Tag
        fields = ["name", "description"]

    def to_representation(self, instance: Tag) -> dict[str, Any]:
        """See `tag_json`."""
        return tag_json(instance)


class TagViewSet(CatalogueViewSet):
    """`/v0/tags` and `/v0/tags/:id` (contract: Tag); a deleted tag leaves its devices."""

    serializer_class = TagSerializer
    queryset = Tag.objects.all()
