"""What the document says of kits (reference: Kits)."""

from __future__ import annotations

from rest_framework import serializers

from apps.api.openapi.endpoints import Shape, catalogue, document
from apps.kits.serializers import KitSerializer
from apps.sensors.schema import Sensor


class Kit(Shape):
    """A kind of device, with its sensors."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    slug = serializers.CharField(help_text="Its name in a URL, such as `sck:1,1`")
    name = serializers.CharField()
    description = serializers.CharField()
    sensors = Sensor(many=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class KitInput(KitSerializer):
    """What admins say of a kit; `sensors` replaces them all."""


document("Kits", catalogue("/v0/kits", "a kit", "kits", Kit, KitInput, named="The id or the slug"))
