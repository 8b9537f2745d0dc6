"""What owners are told by mail: one notice an event, open until the device is well again."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.devices.models.device import Device


class Notice(models.Model):
    """An event that the owner of a device was told of."""

    class Kind(models.TextChoices):
        """What happened; the names are those of `notify` in a device's JSON."""

        STOPPED_PUBLISHING = "stopped_publishing"
        LOW_BATTERY = "low_battery"

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=20, choices=Kind)
    opened_at = models.DateTimeField(default=timezone.now)
    resumed_at = models.DateTimeField(
        null=True, help_text="Of one that stopped: the first sign of life, until it stops again."
    )
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "kind"],
                condition=models.Q(closed_at=None),
                name="notice_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} of device {self.device_id}"


class Watch(models.Model):
    """The one row that remembers how the platform itself has been, for `notifications.py`."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    checked_at = models.DateTimeField()
    steady_since = models.DateTimeField(
        help_text="Since when silence means that a device is silent, and not that nobody listens."
    )

    def __str__(self) -> str:
        return f"Steady since {self.steady_since}"
