"""Sensors, measurements and sensor tags over HTTP (reference: Sensors)."""

from __future__ import annotations

from apps.api.catalogue import CatalogueViewSet
from apps.sensors.editions import edition
from apps.sensors.models import Measurement, Sensor, SensorTag
from apps.sensors.serializers import (
    MeasurementSerializer,
    SensorSerializer,
    SensorTagSerializer,
)


class SensorViewSet(CatalogueViewSet):
    """`/v0/sensors` and `/v0/sensors/:id` (reference: Get all Sensors; contract: Sensor)."""

    serializer_class = SensorSerializer
    queryset = Sensor.objects.select_related("measurement").prefetch_related("tags")
    queryset_to_show = Sensor.objects.only("pk").annotate(edition=edition())


class MeasurementViewSet(CatalogueViewSet):
    """`/v0/measurements` and `/v0/measurements/:id` (contract: Measurement)."""

    serializer_class = MeasurementSerializer
    queryset = Measurement.objects.all()


class SensorTagViewSet(CatalogueViewSet):
    """`/v0/tag_sensors` and `/v0/tag_sensors/:id` (contract: tag_sensor)."""

    serializer_class = SensorTagSerializer
    queryset = SensorTag.objects.all()
