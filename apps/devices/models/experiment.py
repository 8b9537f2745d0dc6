"""Experiments: named sets of devices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction

from apps.api.ransack.schema import Ransackable
from apps.devices.models.device import Device
from apps.devices.querysets import ExperimentQuerySet
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

    # What `with_device_ids` fetches beside the row
    device_ids: list[int]

    ransackable: ClassVar = Ransackable(
        ("id", "name", "description", "owner_id", "is_test", "starts_at", "ends_at")
        + ("created_at", "updated_at")
    )
    objects = ExperimentQuerySet.as_manager()

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

    def is_active(self, now: datetime) -> bool:
        """Whether `now` lies between its start and its end, both inclusive; none is no bound."""
        begun = self.starts_at is None or self.starts_at <= now
        return begun and (self.ends_at is None or now <= self.ends_at)

    @transaction.atomic
    def change(self, devices: Iterable[Device] | None = None, **fields: Any) -> None:
        """Change some fields; `devices`, where given, are all that it has from now on."""
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=[*fields, "updated_at"])
        if devices is not None:
            self.devices.set(devices)
