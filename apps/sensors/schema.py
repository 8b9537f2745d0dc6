"""What the document says of sensors, measurements and sensor tags (reference: Sensors)."""

from __future__ import annotations

from rest_framework import serializers

from apps.api.openapi.endpoints import Shape, catalogue, document
from apps.sensors.serializers import MeasurementSerializer, SensorSerializer, SensorTagSerializer


class MeasurementOfSensor(Shape):
    """A measurement as it is shown inside a sensor."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    unit = serializers.CharField(allow_null=True)
    definition = serializers.CharField(allow_null=True)


class Measurement(MeasurementOfSensor):
    """What sensors measure."""

    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Sensor(Shape):
    """What records data on a device; one with a parent is a part of that."""

    id = serializers.IntegerField(help_text="Unique ID of the sensor")
    uuid = serializers.UUIDField()
    parent_id = serializers.IntegerField(allow_null=True)
    ancestry = serializers.CharField(allow_null=True, help_text="The id of the parent, as text")
    name = serializers.CharField()
    description = serializers.CharField()
    unit = serializers.CharField(allow_null=True)
    unit_definition = serializers.CharField(allow_null=True)
    default_key = serializers.CharField(allow_null=True, help_text="Its name where kits post")
    datasheet = serializers.CharField(allow_null=True)
    measurement_id = serializers.IntegerField(allow_null=True)
    measurement = MeasurementOfSensor(allow_null=True)
    tags = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SensorTag(Shape):
    """A word that groups sensors."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class SensorInput(SensorSerializer):
    """What admins say of a sensor."""


class MeasurementInput(MeasurementSerializer):
    """What admins say of a measurement."""


class SensorTagInput(SensorTagSerializer):
    """What admins say of a sensor tag."""


# reference: Get all Sensors
DHT22 = {
    "id": 4,
    "uuid": "7f9eb2ac-5ba8-4a5a-8a05-7a0a2c4fb4d5",
    "parent_id": 3,
    "ancestry": "3",
    "name": "DHT22 - Temperature",
    "description": "Temperature",
    "unit": "ºC",
    "unit_definition": None,
    "default_key": "temp",
    "datasheet": None,
    "measurement_id": None,
    "measurement": None,
    "tags": [],
    "created_at": "2015-02-02T18:15:14Z",
    "updated_at": "2015-02-02T18:15:14Z",
}

document(
    "Sensors",
    {
        **catalogue(
            "/v0/sensors",
            "a sensor",
            "sensors",
            Sensor,
            SensorInput,
            examples={"list": [DHT22], "one": DHT22},
        ),
        **catalogue(
            "/v0/measurements", "a measurement", "measurements", Measurement, MeasurementInput
        ),
        **catalogue("/v0/tag_sensors", "a sensor tag", "sensor tags", SensorTag, SensorTagInput),
    },
)
