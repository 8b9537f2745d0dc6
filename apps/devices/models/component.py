"""Components: which sensors a device has."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from apps.api.ransack.schema import Ransackable
from apps.devices.models.device import Device
from apps.devices.querysets import ComponentQuerySet
from apps.sensors.models import Sensor, Timestamped


class Component(Timestamped):
    """Joins a device to a sensor it has: those of its kit, and any it has posted beyond its kit."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="components")
    sensor = models.ForeignKey(Sensor, on_delete=models.PROTECT, related_name="components")
    key = models.CharField(max_length=50, null=True, blank=True)

    ransackable: ClassVar = Ransackable(("id", "uuid", "device_id", "sensor_id"))
    objects = ComponentQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["device", "sensor"], name="component_sensor_once")
        ]

    def __str__(self) -> str:
        return f"Sensor {self.sensor_id} of device {self.device_id}"
