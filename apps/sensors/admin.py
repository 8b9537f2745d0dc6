"""Admin pages of the catalogue: measurements, sensors and their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.sensors.admin_pages import PlatformAdmin
from apps.sensors.models import Measurement, Sensor, SensorTag

STAMPS = ("uuid", "created_at", "updated_at")

if TYPE_CHECKING:
    SensorModelForm = forms.ModelForm[Sensor]
else:
    SensorModelForm = forms.ModelForm


@admin.register(Measurement)
class MeasurementAdmin(PlatformAdmin[Measurement]):
    """Quantities."""

    list_display = ("id", "name", "unit", "description", "updated_at")
    list_display_links = ("id", "name")
    search_fields = ("name", "description", "=unit")
    readonly_fields = STAMPS


@admin.register(SensorTag)
class SensorTagAdmin(PlatformAdmin[SensorTag]):
    """Words that group sensors."""

    list_display = ("id", "name", "description")
    list_display_links = ("id", "name")
    search_fields = ("name", "description")
    readonly_fields = ("created_at", "updated_at")


class SensorForm(SensorModelForm):
    """A sensor whose parents do not lead back to itself."""

    class Meta:
        model = Sensor
        fields = "__all__"

    def clean_parent(self) -> Sensor | None:
        """Refuse a parent that has this sensor above it: the tree would have a loop."""
        parent: Sensor | None = self.cleaned_data["parent"]
        if parent is not None and parent.is_within(self.instance):
            raise ValidationError("has this sensor above it")
        return parent


@admin.register(Sensor)
class SensorAdmin(PlatformAdmin[Sensor]):
    """The tree of sensors."""

    form = SensorForm
    list_display = ("id", "name", "unit", "measurement", "default_key", "parent", "updated_at")
    list_display_links = ("id", "name")
    list_select_related = ("measurement", "parent")
    list_filter = ("measurement", "tags", ("parent", admin.EmptyFieldListFilter))
    search_fields = ("=id", "name", "description", "default_key")
    autocomplete_fields = ("parent", "measurement", "tags")
    readonly_fields = STAMPS

    def has_delete_permission(self, request: HttpRequest, obj: Sensor | None = None) -> bool:
        """Only a sensor that nothing names can be deleted.

        Django's page would list every device that has it first, and there may be a hundred
        thousand; several at once are not deleted at all.
        """
        return obj is not None and not _is_used(obj) and super().has_delete_permission(request, obj)


def _is_used(sensor: Sensor) -> bool:
    """Whether a kit, a device or another sensor names this one."""
    used: tuple[Any, ...] = (sensor.children, sensor.kits, sensor.devices)
    return any(others.exists() for others in used)
