"""Sensors, measurements and sensor tags: as JSON, and what admins may say of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from django.db.models import QuerySet
from django.db.models.functions import Lower
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from apps.api.records import RecordId
from apps.api.renderers import to_json
from apps.api.texts import OptionalText, PlainText
from apps.sensors.editions import KeptPerEdition, entry
from apps.sensors.models import Measurement, Sensor, SensorTag

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


def ready(json: Json) -> Json:
    """The same JSON of texts and numbers alone, which is written faster than UUIDs and times."""
    made: Json = orjson.loads(to_json(json))
    return made


def _all_sensors() -> dict[int, Json]:
    """Every sensor by its id, in order of the ids and in three queries."""
    sensors = Sensor.objects.select_related("measurement").prefetch_related("tags").order_by("pk")
    return {sensor.pk: ready(sensor_json(sensor)) for sensor in sensors}


SENSORS = KeptPerEdition(_all_sensors)


def sensor_tag_json(tag: SensorTag) -> Json:
    """A word that groups sensors (contract: tag_sensor)."""
    return {
        "id": tag.pk,
        "name": tag.name,
        "description": tag.description,
        "created_at": tag.created_at,
        "updated_at": tag.updated_at,
    }


def unique_name(rows: QuerySet[Any]) -> serializers.CharField:
    """The field of a name that no other of the rows has, whatever its case."""
    return serializers.CharField(
        max_length=100, validators=[UniqueValidator(rows, lookup="iexact")]
    )


class MeasurementSerializer(serializers.ModelSerializer[Measurement]):
    """A measurement by itself (contract: Measurement); writes need a description, in words."""

    name = unique_name(Measurement.objects.all())
    unit = OptionalText(max_length=50)
    definition = OptionalText()

    class Meta:
        model = Measurement
        fields = ["name", "description", "unit", "definition"]

    def to_representation(self, instance: Measurement) -> Json:
        """As inside a sensor, with its times."""
        times = {"created_at": instance.created_at, "updated_at": instance.updated_at}
        return measurement_json(instance) | times


class SensorTagSerializer(serializers.ModelSerializer[SensorTag]):
    """A word that groups sensors."""

    name = unique_name(SensorTag.objects.all())
    description = PlainText()

    class Meta:
        model = SensorTag
        fields = ["name", "description"]

    def to_representation(self, instance: SensorTag) -> Json:
        """See `sensor_tag_json`."""
        return sensor_tag_json(instance)


class SensorTagNames(serializers.ListField):
    """Names of sensor tags that exist, whatever their case; as a value, those tags."""

    child = serializers.CharField()

    def to_internal_value(self, data: Any) -> Any:
        """Find the tags, in one query; names that are none are named in the error."""
        names = {name.lower(): name for name in super().to_internal_value(data)}
        tags = list(SensorTag.objects.annotate(lower=Lower("name")).filter(lower__in=names))
        if unknown := names.keys() - {tag.lower for tag in tags}:
            listed = ", ".join(names[name] for name in sorted(unknown))
            raise serializers.ValidationError(f"unknown tags: {listed}")
        return tags


class SensorSerializer(serializers.ModelSerializer[Sensor]):
    """A sensor, whole; `tags` are written as they are read, by name."""

    description = PlainText()
    unit = OptionalText(max_length=50)
    unit_definition = OptionalText()
    default_key = OptionalText(max_length=50)
    parent_id = RecordId(
        source="parent", queryset=Sensor.objects.all(), required=False, allow_null=True
    )
    measurement_id = RecordId(
        source="measurement", queryset=Measurement.objects.all(), required=False, allow_null=True
    )
    tags = SensorTagNames(required=False)

    class Meta:
        model = Sensor
        fields = [
            "name",
            "description",
            "unit",
            "unit_definition",
            "default_key",
            "datasheet",
            "parent_id",
            "measurement_id",
            "tags",
        ]

    def validate_parent_id(self, value: Sensor | None) -> Sensor | None:
        """Refuse a parent that has this sensor above it: the tree would have a loop."""
        if value is not None and self.instance is not None and value.is_within(self.instance):
            raise serializers.ValidationError("has this sensor above it")
        return value

    def validate_datasheet(self, value: str | None) -> str | None:
        """Blank is none."""
        return value or None

    def to_representation(self, instance: Sensor | Json) -> Json:
        """See `sensor_json`; what only shows sensors reads no more of them than the edition.

        An unsearched list is of those that are kept.
        """
        if isinstance(instance, dict):
            return instance
        edition: UUID | None = getattr(instance, "edition", None)
        return entry(SENSORS.of(edition), instance.pk) if edition else sensor_json(instance)
