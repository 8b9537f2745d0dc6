"""What a client may say of a device, checked (reference: Add a Device, Update a Device)."""

from __future__ import annotations

import math
from typing import Any

from django.core.validators import RegexValidator
from django.db.models.functions import Lower
from django.utils import timezone
from rest_framework import serializers

from apps.api.records import RecordId
from apps.devices import forwarding, places
from apps.devices.location import is_country
from apps.devices.models import MAC_ADDRESS, Device, Exposure, Tag, mac_key
from apps.devices.postprocessing import PostprocessingInput, merged
from apps.kits.models import Kit


class FiniteFloat(serializers.FloatField):
    """A number that is one: JSON has no NaN, but a form's text has."""

    def to_internal_value(self, data: Any) -> float:
        """Read it; NaN and infinity are no numbers."""
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number


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
    enable_forwarding = serializers.BooleanField(required=False)
    postprocessing = PostprocessingInput(required=False, allow_null=True)

    def to_internal_value(self, data: Any) -> Any:
        """`postprocessing` goes by another name where clients of ten years send it."""
        if isinstance(data, dict) and "postprocessing_attributes" in data:
            data = {**data, "postprocessing": data["postprocessing_attributes"]}
        return super().to_internal_value(data)

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

    def validate_enable_forwarding(self, value: bool) -> bool:
        """Researchers and admins begin it, whoever may change the device ends it."""
        is_new = value and not getattr(self.instance, "enable_forwarding", False)
        if is_new and self.context["request"].user.role not in forwarding.ROLES:
            raise serializers.ValidationError("is for researchers and admins")
        return value

    def validate_city(self, value: str | None) -> str | None:
        """Blank is none."""
        return value or None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The place follows from the coordinates; of postprocessing, what was not sent stays."""
        placed = super().validate(attrs)
        device = self.instance
        if "postprocessing" in placed:
            before = device.postprocessing if device else None
            placed["postprocessing"] = merged(before, placed["postprocessing"], timezone.now())
        return places.fill(placed, (device.latitude, device.longitude) if device else None)


PLACE = ("latitude", "longitude")
