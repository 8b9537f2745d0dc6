"""Devices: boxes that measure, with their newest readings on their row."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib.postgres.indexes import GistIndex
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models.functions import Lower, Replace
from django.utils import timezone

from apps.api.ransack.schema import Computed, Ransackable
from apps.devices import forwarding, location
from apps.devices.latest import Latest
from apps.devices.models.place import Place
from apps.devices.models.tag import Tag
from apps.devices.positions import OnEarth
from apps.devices.querysets import DeviceQuerySet
from apps.kits.models import Kit
from apps.sensors.models import Sensor, Timestamped

# reference: Get a Device, status
ONLINE_FOR = timedelta(minutes=10)
# Contract, Device: what today's clients expect of `system_tags`
TAGGED_ONLINE_FOR = timedelta(minutes=60)
TAGGED_NEW_FOR = timedelta(days=7)


def mac_key(mac_address: str) -> str:
    """A MAC address as it is compared: lower case, with colons, as the column `mac_key` has it."""
    return mac_address.lower().replace("-", ":")


MAC_ADDRESS = r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}"


def check_json_object(value: Any) -> None:
    """Refuse JSON that is not an object, for fields that clients read by key."""
    if not isinstance(value, dict):
        raise ValidationError("has to be an object")


def status_now(prefix: str) -> models.Case:
    """`Device.status` as an expression of the database; `prefix` stands before its columns."""
    last = f"{prefix}last_reading_at"
    return models.Case(
        models.When(**{last: None}, then=models.Value("new")),
        models.When(**{f"{last}__gt": timezone.now() - ONLINE_FOR}, then=models.Value("online")),
        default=models.Value("offline"),
    )


class Device(Place, Timestamped):
    """A box that measures (reference: Devices).

    The row carries the newest readings (`latest`), so that a device, a list of devices and the
    world map are answered without a look at the time series. Only `apps/readings/ingest.py`
    writes `latest`, `last_reading_at`, `future_at` and `readings_version`, under a row lock.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="devices"
    )
    kit = models.ForeignKey(
        Kit, on_delete=models.PROTECT, null=True, blank=True, related_name="devices"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(null=True, blank=True)
    mac_address = models.CharField(
        max_length=17,
        null=True,
        blank=True,
        validators=[RegexValidator(rf"\A{MAC_ADDRESS}\Z", "is invalid")],
    )
    mac_key = models.GeneratedField(
        expression=Replace(Lower("mac_address"), models.Value("-"), models.Value(":")),
        output_field=models.CharField(max_length=17, null=True),
        db_persist=True,
        help_text="The MAC address as it is compared: lower case, with colons.",
    )
    device_token = models.CharField(max_length=64, null=True, blank=True, unique=True)
    tags = models.ManyToManyField(Tag, blank=True, related_name="devices")
    sensors = models.ManyToManyField(Sensor, through="Component", related_name="devices")

    # Place, beside the coordinates. What strangers see is the public position alone.
    elevation = models.IntegerField(null=True, blank=True, help_text="metres")
    geohash = models.CharField(max_length=12, null=True, blank=True, editable=False)
    city = models.CharField(max_length=200, null=True, blank=True)
    country_code = models.CharField(max_length=2, null=True, blank=True)
    precise_location = models.BooleanField(default=True)
    public_latitude = models.FloatField(null=True, editable=False)
    public_longitude = models.FloatField(null=True, editable=False)
    public_geohash = models.CharField(max_length=12, null=True, editable=False)

    # What its owner chose
    is_private = models.BooleanField(default=False)
    is_test = models.BooleanField(default=False)
    enable_forwarding = models.BooleanField(default=False)
    notify_stopped_publishing = models.BooleanField(default=False)
    notify_low_battery = models.BooleanField(default=False)
    postprocessing = models.JSONField(null=True, blank=True, validators=[check_json_object])

    # What it told us of itself
    hardware_info = models.JSONField(null=True, blank=True, editable=False)

    # The newest readings
    latest = models.JSONField(null=True, editable=False)
    last_reading_at = models.DateTimeField(null=True, editable=False)
    future_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Time of the earliest reading that is not the newest until its time has come.",
    )
    readings_version = models.BigIntegerField(default=0, editable=False)
    state = models.GeneratedField(
        expression=models.Case(
            models.When(last_reading_at=None, then=models.Value("never_published")),
            default=models.Value("has_published"),
        ),
        output_field=models.CharField(max_length=15),
        db_persist=True,
    )
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)

    # What the querysets fetch beside the row, for those who show it
    tag_names: list[str]
    sensor_ids: list[int]
    experiment_ids: list[int]
    owner_device_ids: list[int]
    edition: UUID | None

    ransackable: ClassVar = Ransackable(
        ("id", "uuid", "name", "description", "kit_id", "owner_id", "exposure", "city")
        + ("country_code", "last_reading_at", "created_at", "updated_at", "state"),
        # Of a place only what everyone sees, so that a search tells nothing more.
        renamed={
            "added_at": "created_at",
            "latitude": "public_latitude",
            "longitude": "public_longitude",
            "geohash": "public_geohash",
        },
        computed={"status": Computed(status_now, models.CharField())},
        associations={
            "owner": "owner",
            "kit": "kit",
            "tags": "tags",
            "sensors": "sensors",
            "components": "components",
        },
        visible=lambda viewer: Device.objects.visible_to(viewer),
    )
    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["future_at"], name="device_future", condition=~models.Q(future_at=None)
            ),
            models.Index(
                fields=["public_latitude", "public_longitude"], name="device_public_position"
            ),
            GistIndex(
                OnEarth("public_latitude", "public_longitude"),
                name="device_on_earth",
                condition=models.Q(public_latitude__isnull=False),
            ),
        ]
        constraints = [
            *Place.Meta.constraints,
            models.UniqueConstraint(
                fields=["mac_key"],
                condition=models.Q(archived_at=None),
                name="device_mac_address_unique",
            ),
            models.CheckConstraint(
                condition=models.Q(mac_address__regex=f"^{MAC_ADDRESS}$"),
                name="device_mac_address_valid",
            ),
            models.CheckConstraint(
                condition=models.Q(country_code__regex="^[A-Z]{2}$"),
                name="device_country_code_upper_alpha2",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    # What `place` derives, and what only the writer of readings may change.
    PLACED = ("geohash", "public_latitude", "public_longitude", "public_geohash")
    INGESTED = ("latest", "last_reading_at", "future_at", "readings_version")

    def save(self, **kwargs: Any) -> None:
        """Save the row, what follows from its coordinates in step with them.

        The columns of the newest readings are left alone: a reading may have come in since this
        row was read.
        """
        self.place()
        fields = kwargs.get("update_fields")
        if fields is None and not self._state.adding and not kwargs.get("force_insert"):
            columns = (field for field in self._meta.concrete_fields if not field.generated)
            fields = {field.name for field in columns if not field.primary_key}
            kwargs["update_fields"] = fields - {*self.INGESTED}
        elif fields is not None:
            kwargs["update_fields"] = {*fields, *self.PLACED, "updated_at"}
        super().save(**kwargs)

    def place(self) -> None:
        """Derive geohash and public position from the coordinates (contract: Device)."""
        if self.latitude is None or self.longitude is None:
            self.geohash = self.public_geohash = None
            self.public_latitude = self.public_longitude = None
            return
        shown = (self.latitude, self.longitude)
        self.geohash = location.geohash(*shown)
        if not self.precise_location:
            shown = location.blurred(*shown, self.uuid)
        self.public_latitude, self.public_longitude = shown
        self.public_geohash = location.geohash(*shown)

    @transaction.atomic
    def change(self, tags: Iterable[Tag] | None = None, **fields: Any) -> None:
        """Change some fields of the device, and what follows from them."""
        was_forwarded = self.enable_forwarding
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=fields.keys())
        if tags is not None:
            self.tags.set(tags)
        if "kit" in fields:
            self.adopt_kit()
        if self.enable_forwarding:
            forwarding.provide(self.owner_id)
        elif was_forwarded:
            forwarding.withdraw(self.owner_id)

    def archive(self) -> None:
        """Take the device out of every answer; readings stay, its MAC address is free again."""
        self.archived_at = timezone.now()
        self.save(update_fields=["archived_at"])

    @transaction.atomic
    def transfer(self, owner: Any) -> None:
        """Give the device to another owner, with its readings and its token.

        Forwarding ends where the new owner may not begin it (contract: forwarding).
        """
        former, was_forwarded = self.owner_id, self.enable_forwarding
        self.owner = owner
        self.enable_forwarding = was_forwarded and owner.role in forwarding.ROLES
        self.save(update_fields=["owner", "enable_forwarding"])
        if self.enable_forwarding:
            forwarding.provide(owner.pk)
        if was_forwarded:
            forwarding.withdraw(former)

    def restore(self) -> None:
        """Bring an archived device back; raises ValidationError where its MAC address is taken."""
        self.archived_at = None
        self.validate_constraints()
        self.save(update_fields=["archived_at"])

    def adopt_kit(self) -> None:
        """Join the device to the sensors of its kit, and part it from those it never posted.

        Contract, Sensor: a device's sensors are those of its kit, plus any it has posted.
        """
        Device.objects.filter(pk=self.pk).refit()

    @property
    def newest(self) -> Latest:
        """The newest reading of each sensor."""
        return Latest.from_json(self.latest)

    def status(self, now: datetime) -> str:
        """`new`, `online` or `offline` at the time `now` (reference: Get a Device)."""
        if self.last_reading_at is None:
            return "new"
        return "online" if now - self.last_reading_at < ONLINE_FOR else "offline"

    def system_tags(self, now: datetime) -> list[str]:
        """Tags that follow from what the device does, in alphabetical order (contract: Device)."""
        tags = []
        if self.exposure:
            tags.append(self.exposure)
        if now - self.created_at < TAGGED_NEW_FOR:
            tags.append("new")
        posting = self.last_reading_at and now - self.last_reading_at < TAGGED_ONLINE_FOR
        tags.append("online" if posting else "offline")
        return sorted(tags)
