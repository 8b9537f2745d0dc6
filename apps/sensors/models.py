"""What can be measured: measurements, the sensors that take them, and their tags."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.validators import URLValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.api.ransack.schema import Ransackable


class Timestamped(models.Model):
    """When a row was made and last changed; both can be set, as the catalogue does."""

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class Measurement(Timestamped):
    """A quantity, such as air temperature, whatever sensor takes it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    description = models.TextField(help_text="A sentence or two; clients need it to be text.")
    unit = models.CharField(max_length=50, null=True, blank=True)
    definition = models.TextField(null=True, blank=True)

    ransackable: ClassVar = Ransackable(
        ("id", "uuid", "name", "description", "unit", "definition", "created_at", "updated_at")
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(Lower("name"), name="measurement_name_unique")]

    def __str__(self) -> str:
        return self.name


class SensorTag(Timestamped):
    """A word that groups sensors (`/v0/tag_sensors`)."""

    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")

    ransackable: ClassVar = Ransackable(("id", "name", "description", "created_at", "updated_at"))

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(Lower("name"), name="sensor_tag_name_unique")]

    def __str__(self) -> str:
        return self.name


class Sensor(Timestamped):
    """Something on a device that can record data (reference: Sensors).

    Sensors form a tree: a DHT22 (3) has a temperature (4) and a humidity (5); only leaves record.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    parent = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="children"
    )
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    unit = models.CharField(max_length=50, null=True, blank=True)
    measurement = models.ForeignKey(
        Measurement, on_delete=models.PROTECT, null=True, blank=True, related_name="sensors"
    )
    default_key = models.CharField(
        max_length=50,
        null=True,
        blank=True,
        help_text="The short name by which kits post it; one key may name a sensor in each kit.",
    )
    datasheet = models.CharField(
        max_length=2000, null=True, blank=True, validators=[URLValidator(["http", "https"])]
    )
    unit_definition = models.TextField(null=True, blank=True)
    tags = models.ManyToManyField(SensorTag, blank=True, related_name="sensors")

    ransackable: ClassVar = Ransackable(
        ("id", "uuid", "parent_id", "name", "description", "unit", "measurement_id")
        + ("default_key", "created_at", "updated_at"),
        associations={"measurement": "measurement"},
    )

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["default_key"], name="sensor_default_key")]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(parent=models.F("id")), name="sensor_not_its_own_parent"
            ),
            # Readings keep sensor ids as smallint.
            models.CheckConstraint(
                condition=models.Q(id__gte=1, id__lte=32767), name="sensor_id_smallint"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"

    def is_within(self, other: Sensor) -> bool:
        """Whether this sensor is `other`, or `other` stands above it in the tree."""
        parents = dict(Sensor.objects.values_list("pk", "parent_id"))
        passed: set[int] = set()
        here: int | None = self.pk
        while here is not None and here not in passed:
            passed.add(here)
            here = parents.get(here)
        return other.pk in passed


class Edition(models.Model):
    """The edition of the catalogue, one row; triggers alone write it (see `editions`)."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.UUIDField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="edition_only_one"),
        ]

    def __str__(self) -> str:
        return str(self.number)
