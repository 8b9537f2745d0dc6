"""Experiments: named sets of devices."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from apps.api.ransack.schema import Ransackable
from apps.devices.models.device import Device
from apps.sensors.models import Timestamped


class Experiment(Timestamped):
    """A named set of devices over a stretch of time, such as a campaign in a neighbourhood."""

    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="experiments"
    )
    is_test = models.BooleanField(default=False)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    devices = models.ManyToManyField(Device, blank=True, related_name="experiments")

    ransackable: ClassVar = Ransackable(
        ("id", "name", "description", "owner_id", "is_test", "starts_at", "ends_at")
        + ("created_at", "updated_at")
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_at__gte=models.F("starts_at")),
                name="experiment_ends_after_it_starts",
            )
        ]

    def __str__(self) -> str:
        return self.name
