"""What a client may say of a device, checked (reference: Add a Device, Update a Device)."""

from __future__ import annotations

import math
from typing import Any

from django.core.validators import RegexValidator
from django.db.models.functions import Lower
from rest_framework import serializers
from rest_framework.fields import empty

from apps.api.records import RecordId
from apps.devices import places
from apps.devices.location import is_country
from apps.devices.models import MAC_ADDRESS, Device, Exposure, Tag, mac_key
from apps.kits.models import Kit


class FiniteFloat(serializers.FloatField):
    """A number that is one: JSON has no NaN, but a form's text has."""

    def to_internal_value(self, data: Any) -> float:
        """Read it; NaN and infinity are no numbers."""
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


class OptionalTime(serializers.DateTimeField):
    """A time that may be missing: ISO 8601, a date, or `2016-06-08 10:30:00 UTC`. Blank is null."""

    def __init__(self, **options: Any) -> None:
        formats = ["iso-8601", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M UTC"]
        super().__init__(required=False, allow_null=True, input_formats=formats, **options)

    def run_validation(self, data: Any = empty) -> Any:
        """The time, in UTC; None where there is none."""
        return super().run_validation(None if data == "" else data)


class TagNames(serializers.CharField):
    """Comma-separated names of tags that exist; as a value, those tags."""

    def to_internal_value(self, data: Any) -> Any:
        """Find the tags; names that are none are named in the error."""
        if isinstance(data, list):
            data = ",".join(map(str, data))
        written = (name.strip() for name in super().to_internal_value(data).split(","))
        names = {name.lower(): name for name in written if name}
        tags = list(Tag.objects.annotate(lower=Lower("name")).filter(lower__in=names))
        if unknown := names.keys() - {tag.lower for tag in tags}:
            listed = ", ".join(names[name] for name in sorted(unknown))
            raise serializers.ValidationError(f"unknown tags: {listed}")
        return tags


class Description(serializers.Serializer[Any]):
    """What may be said of a device whether it has an owner yet or not; all of it may be left out.

    Left out on PATCH, a field stays as it is; blank, it is emptied where it may be.
    """

    description = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    kit_id = RecordId(source="kit", queryset=Kit.objects.all(), required=False, allow_null=True)
    exposure = serializers.ChoiceField(
        Exposure.choices, required=False, allow_null=True, allow_blank=True
    )
    latitude = FiniteFloat(required=False, allow_null=True, min_value=-90, max_value=90)
    longitude = FiniteFloat(required=False, allow_null=True, min_value=-180, max_value=180)
    user_tags = TagNames(source="tags", required=False, allow_null=True, allow_blank=True)

    def validate_exposure(self, value: str | None) -> str | None:
        """Blank is none."""
        return value or None

    def validate_user_tags(self, value: list[Tag] | None) -> list[Tag]:
        """Blank is none."""
        return value or []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Both coordinates or neither, with what there is already."""
        if not attrs.keys() & {*PLACE}:
            return attrs
        both = {name: attrs.get(name, getattr(self.instance, name, None)) for name in PLACE}
        if len({value is None for value in both.values()}) > 1:
            missing = next(name for name, value in both.items() if value is None)
            raise serializers.ValidationError({missing: "can't be blank"}, code="required")
        return {**attrs, **both}


class DeviceInput(Description):
    """The fields of `POST /v0/devices` and `PATCH /v0/devices/:id`; all others are ignored."""

    name = serializers.CharField(max_length=200)
    mac_address = serializers.CharField(validators=[RegexValidator(rf"\A{MAC_ADDRESS}\Z")])
    elevation = serializers.IntegerField(
        required=False, allow_null=True, min_value=-500, max_value=10_000
    )
    city = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=200)
    country_code = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    is_private = serializers.BooleanField(required=False)
    precise_location = serializers.BooleanField(required=False)
    notify_low_battery = serializers.BooleanField(required=False)
    notify_stopped_publishing = serializers.BooleanField(required=False)

    def validate_mac_address(self, value: str) -> str:
        """Unique among the devices that are not archived, whatever its case and separator."""
        same = Device.objects.filter(archived_at=None, mac_key=mac_key(value))
        if isinstance(self.instance, Device):
            same = same.exclude(pk=self.instance.pk)
        if same.exists():
            raise serializers.ValidationError("has already been taken", code="unique")
        return value

    def validate_country_code(self, value: str | None) -> str | None:
        """An ISO 3166 alpha-2 code, kept in upper case."""
        code = (value or "").upper()
        # ASCII alone: in upper case, ß is SS, which is a country.
        if code and not (str(value).isascii() and is_country(code)):
            raise serializers.ValidationError("is invalid", code="invalid")
        return code or None

    def validate_city(self, value: str | None) -> str | None:
        """Blank is none."""
        return value or None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The place follows from the coordinates."""
        placed = super().validate(attrs)
        before = (
            getattr(self.instance, "latitude", None),
            getattr(self.instance, "longitude", None),
        )
        return places.fill(placed, before if self.instance else None)


PLACE = ("latitude", "longitude")
