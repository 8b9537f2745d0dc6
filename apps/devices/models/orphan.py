"""Devices that are being set up and have no owner yet."""

from __future__ import annotations

import uuid

from django.core.validators import RegexValidator
from django.db import models

from apps.devices.models.place import Place
from apps.kits.models import Kit
from apps.sensors.models import Timestamped


class OrphanDevice(Place, Timestamped):
    """A device that is being set up and has no owner yet (contract: Onboarding)."""

    onboarding_session = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    device_token = models.CharField(
        max_length=6, unique=True, validators=[RegexValidator(r"\A[0-9a-z]{6}\Z", "is invalid")]
    )
    name = models.CharField(max_length=200, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    kit = models.ForeignKey(Kit, on_delete=models.SET_NULL, null=True, blank=True)
    user_tags = models.TextField(null=True, blank=True)
    seen_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When the device itself said hello."
    )

    class Meta(Place.Meta):
        abstract = False
        ordering = ["id"]

    def __str__(self) -> str:
        return f"Orphan {self.pk}"  # the token is a secret: who knows it can claim the device
