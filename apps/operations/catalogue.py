"""The catalogue that a fresh install ships: measurements, sensors, kits, formulas, tags."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core import serializers
from django.core.management.color import no_style
from django.db import connection, transaction

from apps.devices.models import Tag
from apps.kits.models import Kit, KitSensor
from apps.sensors.models import Measurement, Sensor

FIXTURES = [
    "apps/sensors/fixtures/sensors.json",
    "apps/kits/fixtures/kits.json",
    "apps/devices/fixtures/tags.json",
]


@transaction.atomic
def install() -> int:
    """Add what of the catalogue is missing, and change nothing that is there.

    An administrator's edits stay as they are, so that it is safe to run at every start. The
    sensors of a kit come with the kit alone: one that was taken off a kit does not come back.
    Returns how many rows were added.
    """
    kits_before = set(Kit.objects.values_list("pk", flat=True))
    added = 0
    for path in FIXTURES:
        text = Path(settings.BASE_DIR, path).read_text(encoding="utf-8")
        for row in serializers.deserialize("json", text):
            known = type(row.object)._base_manager.filter(pk=row.object.pk).exists()
            of_known_kit = isinstance(row.object, KitSensor) and row.object.kit_id in kits_before
            if not known and not of_known_kit:
                row.save()
                added += 1
    _continue_ids_after_them()
    return added


def is_empty() -> bool:
    """Whether nothing of a catalogue is there yet."""
    return not Sensor.objects.exists()


def _continue_ids_after_them() -> None:
    """Rows made later get ids above those of the catalogue."""
    models = [Measurement, Sensor, Kit, KitSensor, Tag]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
