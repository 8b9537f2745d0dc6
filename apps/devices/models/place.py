"""Where a thing is: what devices and orphans have in common."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models


class Exposure(models.TextChoices):
    """Where a device hangs."""

    INDOOR = "indoor"
    OUTDOOR = "outdoor"


class Place(models.Model):
    """Where a thing is; both coordinates or neither, in degrees (WGS 84)."""

    exposure = models.CharField(max_length=7, choices=Exposure, null=True, blank=True)
    latitude = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)]
    )
    longitude = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)]
    )

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=models.Q(exposure__in=["indoor", "outdoor"]),
                name="%(class)s_exposure_known",
            ),
            models.CheckConstraint(
                condition=models.Q(latitude__gte=-90, latitude__lte=90),
                name="%(class)s_latitude_range",
            ),
            models.CheckConstraint(
                condition=models.Q(longitude__gte=-180, longitude__lte=180),
                name="%(class)s_longitude_range",
            ),
            models.CheckConstraint(
                condition=models.Q(latitude=None, longitude=None)
                | models.Q(latitude__isnull=False, longitude__isnull=False),
                name="%(class)s_both_coordinates_or_neither",
            ),
        ]
