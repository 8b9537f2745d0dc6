"""Kits as JSON (reference: Kits; contract: Kit)."""

from __future__ import annotations

from typing import Any

from apps.kits.models import Kit
from apps.sensors.serializers import sensor_json

Json = dict[str, Any]


def kit_json(kit: Kit) -> Json:
    """A kit with its sensors, in order of their ids."""
    return {
        "id": kit.pk,
        "uuid": kit.uuid,
        "slug": kit.slug,
        "name": kit.name,
        "description": kit.description,
        "sensors": [sensor_json(row.sensor) for row in kit.kit_sensors.all()],
        "created_at": kit.created_at,
        "updated_at": kit.updated_at,
    }
