"""Kits: as JSON (reference: Kits; contract: Kit), and what admins may say of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any
from uuid import UUID

from django.core.validators import RegexValidator
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from apps.api.texts import PlainText
from apps.api.validation import BLANK, TAKEN
from apps.kits.models import Kit, KitSensor, check_formula
from apps.sensors.editions import KeptPerEdition, entry
from apps.sensors.models import Sensor
from apps.sensors.serializers import ready, sensor_json

Json = dict[str, Any]

# A slug stands in a URL beside ids, so it is no number and needs no more than a comma escaped.
SLUG = RegexValidator(re.compile(r"\A(?![0-9]+\Z)[A-Za-z0-9][A-Za-z0-9:,._-]*\Z"))


def kit_json(kit: Kit) -> Json:
    """A kit with its sensors, in order of their ids."""
    return {
        "id": kit.pk,
        "uuid": kit.uuid,
        "slug": kit.slug,
        "name": kit.name,
        "description": kit.description,
        "sensors": [sensor_json(row.sensor) for row in kit.kit_sensors.all()],
        "created_at": kit.created_at,
        "updated_at": kit.updated_at,
    }


def _all_kits() -> dict[int, Json]:
    """Every kit by its id, in three queries."""
    return {kit.pk: ready(kit_json(kit)) for kit in Kit.objects.for_detail()}


KITS = KeptPerEdition(_all_kits)


class KitSensorInput(serializers.Serializer[KitSensor]):
    """One sensor of a kit: `{"id": 12, "key": "temp", "calibration": {"kind": "linear", …}}`.

    Left out, `key` and `calibration` stay as the kit has them; for a sensor that is new to the
    kit they are the sensor's `default_key` and none. What is read as `sensors` can be sent back.
    """

    id = serializers.IntegerField()
    key = serializers.CharField(max_length=50, required=False)
    calibration = serializers.JSONField(required=False, allow_null=True, validators=[check_formula])

    def validate(self, attrs: Json) -> Json:
        """A sensor is named, also where the kit around it is changed only in part."""
        if "id" not in attrs:
            raise serializers.ValidationError({"id": [BLANK]})
        return attrs


class KitSerializer(serializers.ModelSerializer[Kit]):
    """A kit with its sensors; `sensors` in a write replaces them all."""

    slug = serializers.CharField(
        max_length=100, validators=[SLUG, UniqueValidator(Kit.objects.all(), lookup="iexact")]
    )
    description = PlainText()
    sensors = KitSensorInput(many=True, required=False)

    class Meta:
        model = Kit
        fields = ["name", "slug", "description", "sensors"]

    def validate_sensors(self, value: list[Json]) -> list[KitSensor]:
        """The kit's sensors as rows to be saved; each error stands at the sensor that has it."""
        default_keys = dict(Sensor.objects.values_list("pk", "default_key"))
        held = {row.sensor_id: row for row in KitSensor.objects.filter(kit=self.instance)}
        rows = [_row(item, held.get(item["id"]), default_keys.get(item["id"])) for item in value]
        errors = _problems(rows, default_keys.keys())
        if any(errors):
            raise serializers.ValidationError(errors)
        return rows

    def create(self, validated_data: Json) -> Kit:
        """Add the kit, with its sensors."""
        sensors = validated_data.pop("sensors", [])
        kit = super().create(validated_data)
        kit.equip(sensors)
        return Kit.objects.for_detail().get(pk=kit.pk)

    def update(self, instance: Kit, validated_data: Json) -> Kit:
        """Change what was sent; the kit's row comes first, so that writers of it take turns."""
        sensors = validated_data.pop("sensors", None)
        kit = super().update(instance, validated_data)
        if sensors is not None:
            kit.equip(sensors)
        return Kit.objects.for_detail().get(pk=kit.pk)

    def to_representation(self, instance: Kit) -> Json:
        """See `kit_json`; what only shows kits reads no more of them than the edition."""
        edition: UUID | None = getattr(instance, "edition", None)
        return entry(KITS.of(edition), instance.pk) if edition else kit_json(instance)


def _row(item: Json, held: KitSensor | None, default_key: str | None) -> KitSensor:
    """One sensor as it was sent; what was left out is what the kit has, or the default."""
    new = held or KitSensor(key=default_key or "", calibration=None)
    return KitSensor(
        sensor_id=item["id"],
        key=item.get("key", new.key),
        calibration=item.get("calibration", new.calibration),
    )


def _problems(rows: list[KitSensor], known: Collection[int]) -> list[dict[str, list[str]]]:
    """What is wrong with each row: a sensor that is none, or a sensor or key named twice."""
    problems: list[dict[str, list[str]]] = []
    sensors: set[int] = set()
    keys: set[str] = set()
    for row in rows:
        found: dict[str, list[str]] = {}
        if row.sensor_id not in known:
            found["id"] = ["must exist"]
        elif row.sensor_id in sensors:
            found["id"] = [TAKEN]
        elif not row.key:
            found["key"] = [BLANK]
        elif row.key in keys:
            found["key"] = [TAKEN]
        sensors.add(row.sensor_id)
        keys.add(row.key)
        problems.append(found)
    return problems
