"""Which devices a viewer may see, and where they are: the only place these rules stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import models, transaction

if TYPE_CHECKING:
    from apps.devices.models import Component, Device  # noqa: F401


class DeviceQuerySet(models.QuerySet["Device"]):
    """Devices as a viewer may see them."""

    def active(self) -> DeviceQuerySet:
        """Devices that are neither archived themselves nor owned by an archived account."""
        return self.filter(archived_at=None, owner__archived_at=None)

    def visible_to(self, user: Any) -> DeviceQuerySet:
        """What `user` may see: public devices, his own, and for an admin all (contract: §2)."""
        devices = self.active()
        if getattr(user, "is_admin", False):
            return devices
        if user.is_authenticated:
            return devices.filter(models.Q(is_private=False) | models.Q(owner_id=user.pk))
        return devices.filter(is_private=False)

    @transaction.atomic
    def register(self, **fields: Any) -> Device:
        """Add a device with the sensors of its kit; `fields` are those of the model."""
        device = self.create(**fields)
        device.adopt_kit()
        return device

    def on_map(self) -> DeviceQuerySet:
        """What the world map shows: public devices with a position."""
        return self.active().filter(is_private=False, public_latitude__isnull=False)

    def for_map(self) -> DeviceQuerySet:
        """Fetches what an entry of the world map shows, in order of ids."""
        return self.select_related("owner", "kit").prefetch_related("tags").order_by("pk")

    def for_detail(self, viewer: Any) -> DeviceQuerySet:
        """Fetches what a whole device shows to `viewer`, in a fixed number of queries."""
        visible = self.model.objects.visible_to(viewer).only("pk", "owner_id").order_by("pk")
        return self.select_related("owner", "kit").prefetch_related(
            "tags",
            "experiments",
            "components__sensor__measurement",
            "components__sensor__tags",
            "kit__kit_sensors__sensor__measurement",
            "kit__kit_sensors__sensor__tags",
            models.Prefetch("owner__devices", visible, to_attr="visible_devices"),
        )


class ComponentQuerySet(models.QuerySet["Component"]):
    """Components of devices."""

    def ensure(self, device_id: int, keys: Iterable[tuple[int, str | None]]) -> None:
        """Join a device to sensors, given as pairs of sensor id and key, where it is not yet."""
        self.bulk_create(
            [
                self.model(device_id=device_id, sensor_id=sensor_id, key=key)
                for sensor_id, key in keys
            ],
            ignore_conflicts=True,
        )
