"""Blueprints of hardware: a kit, its sensors, and how the raw numbers of each are calibrated."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models.functions import Lower

from apps.api.ransack.schema import Ransackable
from apps.sensors import calibration
from apps.sensors.models import Sensor, Timestamped


class KitQuerySet(models.QuerySet["Kit"]):
    """Kits."""

    def for_detail(self) -> KitQuerySet:
        """Fetches what a kit shows, in a fixed number of queries; it does not show formulas."""
        rows = KitSensor.objects.select_related("sensor__measurement").defer("calibration")
        return self.prefetch_related(
            models.Prefetch("kit_sensors", rows), "kit_sensors__sensor__tags"
        )


class Kit(Timestamped):
    """A kind of device, such as the SCK 1.1, and the sensors it carries (reference: Kits)."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    slug = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    sensors = models.ManyToManyField(Sensor, through="KitSensor", related_name="kits")

    ransackable: ClassVar = Ransackable(
        ("id", "uuid", "name", "slug", "description", "created_at", "updated_at"),
        associations={"sensors": "sensors"},
    )

    objects = KitQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(Lower("slug"), name="kit_slug_unique")]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def equip(self, sensors: Sequence[KitSensor]) -> None:
        """Replace the sensors of the kit by `sensors`, rows that are not saved yet.

        What the devices of the kit have follows (see `DeviceQuerySet.refit`).
        """
        KitSensor.objects.filter(kit=self).delete()
        for row in sensors:
            row.kit = self
        KitSensor.objects.bulk_create(sensors)
        self.devices.refit()


def check_formula(value: Any) -> None:
    """Refuse a calibration that cannot be used; the message says what is wrong with it."""
    if found := calibration.problem(value):
        raise ValidationError(found)


class KitSensor(models.Model):
    """A sensor of a kit: the key by which the kit posts it, and the formula for its raw numbers."""

    kit = models.ForeignKey(Kit, on_delete=models.CASCADE, related_name="kit_sensors")
    sensor = models.ForeignKey(Sensor, on_delete=models.PROTECT, related_name="kit_sensors")
    key = models.CharField(max_length=50)
    calibration = models.JSONField(
        null=True,
        blank=True,
        validators=[check_formula],
        help_text="Formula of raw numbers; empty where the value is the raw number itself.",
    )

    class Meta:
        ordering = ["sensor_id"]
        constraints = [
            models.UniqueConstraint(fields=["kit", "key"], name="kit_sensor_key_unique"),
            models.UniqueConstraint(fields=["kit", "sensor"], name="kit_sensor_once"),
        ]

    def __str__(self) -> str:
        return f"{self.key} of {self.kit_id}"
