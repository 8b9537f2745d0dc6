"""Sensors, measurements and sensor tags over HTTP (reference: Sensors)."""

from __future__ import annotations

from typing import Any

from apps.api.catalogue import CatalogueViewSet
from apps.api.ransack.backend import is_searched
from apps.sensors.editions import current_edition, edition
from apps.sensors.models import Measurement, Sensor, SensorTag
from apps.sensors.serializers import (
    SENSORS,
    MeasurementSerializer,
    SensorSerializer,
    SensorTagSerializer,
)


class SensorViewSet(CatalogueViewSet):
    """`/v0/sensors` and `/v0/sensors/:id` (reference: Get all Sensors; contract: Sensor)."""

    serializer_class = SensorSerializer
    queryset = Sensor.objects.select_related("measurement").prefetch_related("tags")
    queryset_to_show = Sensor.objects.only("pk").annotate(edition=edition())

    def filter_queryset(self, queryset: Any) -> Any:
        """The list as it is kept, where nothing is searched for."""
        if self.action == "list" and not is_searched(self.request):
            return list(SENSORS.of(current_edition()).values())
        return super().filter_queryset(queryset)


class MeasurementViewSet(CatalogueViewSet):
    """`/v0/measurements` and `/v0/measurements/:id` (contract: Measurement)."""

    serializer_class = MeasurementSerializer
    queryset = Measurement.objects.all()


class SensorTagViewSet(CatalogueViewSet):
    """`/v0/tag_sensors` and `/v0/tag_sensors/:id` (contract: tag_sensor)."""

    serializer_class = SensorTagSerializer
    queryset = SensorTag.objects.all()
