"""Sensors and measurements as JSON (reference: Sensors; contract: Sensor)."""

from __future__ import annotations

from typing import Any

from apps.sensors.models import Measurement, Sensor

Json = dict[str, Any]


def measurement_json(measurement: Measurement) -> Json:
    """A measurement as it is shown inside a sensor."""
    return {
        "id": measurement.pk,
        "uuid": measurement.uuid,
        "name": measurement.name,
        "description": measurement.description,
        "unit": measurement.unit,
        "definition": measurement.definition,
    }


def sensor_json(sensor: Sensor) -> Json:
    """A sensor; `ancestry` is its parent's id as text, as clients of the old platform read it."""
    return {
        "id": sensor.pk,
        "uuid": sensor.uuid,
        "parent_id": sensor.parent_id,
        "ancestry": None if sensor.parent_id is None else str(sensor.parent_id),
        "name": sensor.name,
        "description": sensor.description,
        "unit": sensor.unit,
        "unit_definition": sensor.unit_definition,
        "default_key": sensor.default_key,
        "datasheet": sensor.datasheet,
        "measurement_id": sensor.measurement_id,
        "measurement": measurement_json(sensor.measurement) if sensor.measurement else None,
        "tags": [tag.name for tag in sensor.tags.all()],
        "created_at": sensor.created_at,
        "updated_at": sensor.updated_at,
    }
