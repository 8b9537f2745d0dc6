"""Words that owners put on their devices."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower

from apps.api.ransack.schema import Ransackable
from apps.sensors.models import Timestamped


class Tag(Timestamped):
    """A word that owners put on their devices, from a list kept by administrators."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, default="")

    ransackable: ClassVar = Ransackable(
        ("id", "uuid", "name", "description", "created_at", "updated_at")
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(Lower("name"), name="tag_name_unique")]

    def __str__(self) -> str:
        return self.name
