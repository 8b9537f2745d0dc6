"""The time series: one row a post, the sets of sensors that posts share, and what was refused."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from apps.devices.models import Device


class SensorSet(models.Model):
    """The ids of the sensors that a post named, in ascending order.

    The same sets recur from post to post, so a reading names its set by number and keeps its
    values in the same order. Rows are only ever added, by `apps/readings/sensor_sets.py`.
    """

    id = models.IntegerField(primary_key=True)
    sensor_ids = ArrayField(models.SmallIntegerField(), unique=True)
    # The device that was the first to post them: none may have sets without end.
    device_id = models.BigIntegerField(null=True, db_index=True)
    # Random, given with the number: that of the newest set tells which sets there are.
    edition = models.UUIDField(null=True, default=uuid.uuid4)

    def __str__(self) -> str:
        return f"{self.id}: {self.sensor_ids}"


class Reading(models.Model):
    """What a device measured at one time: one row for all its sensors.

    Partitioned by month of `recorded_at`. There are no foreign-key constraints and no surrogate
    key, so that the table can be distributed by `device_id`; every query names the device.
    Only `apps/readings/ingest.py` writes it; `corrections.py` and `purge.py` delete from it.
    """

    pk = models.CompositePrimaryKey("device_id", "recorded_at")
    device_id = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    added_at = models.DateTimeField()
    sensor_set_id = models.IntegerField()
    # In the order of the set. A raw value of null: the value was posted calibrated or its
    # formula is the identity, so that the raw value is the value.
    values = ArrayField(models.FloatField())
    raw_values = ArrayField(models.FloatField(null=True), null=True)

    class Meta:
        db_table = "readings_reading"

    def __str__(self) -> str:
        return f"Device {self.device_id} at {self.recorded_at}"


class Kept(models.Model):
    """What the readings of one sensor come to over one hour or day of UTC (rollups.py).

    `m2` is the sum of squared differences from the mean: it merges without the cancelling that a
    sum of squares suffers. The order of the columns leaves no gaps between them on disk.
    """

    pk = models.CompositePrimaryKey("device_id", "sensor_id", "bucket")
    device_id = models.BigIntegerField()
    bucket = models.DateTimeField()
    mean = models.FloatField()
    m2 = models.FloatField()
    min = models.FloatField()
    max = models.FloatField()
    first = models.FloatField()
    last = models.FloatField()
    count = models.IntegerField()
    sensor_id = models.SmallIntegerField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"Sensor {self.sensor_id} of device {self.device_id} from {self.bucket}"


class KeptHour(Kept):
    """One hour of one sensor."""

    class Meta:
        db_table = "readings_hourly"


class KeptDay(Kept):
    """One day of one sensor, made from its hours."""

    class Meta:
        db_table = "readings_daily"


class DirtyHour(models.Model):
    """An hour of a device whose kept rollups say less than its readings: answered from raw.

    Written in the transaction that changes readings, deleted by the one that refreshes.
    """

    pk = models.CompositePrimaryKey("device_id", "hour")
    device_id = models.BigIntegerField()
    hour = models.DateTimeField()

    class Meta:
        db_table = "readings_dirty"

    def __str__(self) -> str:
        return f"Device {self.device_id}, hour {self.hour}"


class IngestError(models.Model):
    """What could not be stored, why, and the payload; repeats of one reason are counted."""

    class Source(models.TextChoices):
        """The door by which it came."""

        KIT = "kit", "Old kit (/add)"
        REST = "rest", "REST"
        MQTT = "mqtt", "MQTT"

    device = models.ForeignKey(
        Device, on_delete=models.CASCADE, null=True, blank=True, related_name="ingest_errors"
    )
    source = models.CharField(max_length=4, choices=Source)
    origin = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text="What the sender called itself, where no device is known: MAC address or token.",
    )
    reason = models.CharField(max_length=200)
    payload = models.TextField(help_text="The newest payload that was refused for this reason.")
    created_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now, db_index=True)
    count = models.PositiveBigIntegerField(default=1)

    class Meta:
        ordering = ["-last_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["device", "source", "origin", "reason"],
                nulls_distinct=False,
                name="ingest_error_merged",
            )
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.count})"


class CsvArchive(models.Model):
    """The whole history of a device as a file that its owner asked for (`archives.py`)."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="archives")
    requested_at = models.DateTimeField(default=timezone.now)
    ready_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    token_hash = models.BinaryField(null=True, unique=True, editable=False)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Archive of device {self.device_id} of {self.requested_at}"
