"""Admin pages of kits, where an administrator edits which sensors a kit has and their formulas."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import ModelChoiceField
from django.http import HttpRequest

from apps.kits.models import Kit, KitSensor
from apps.sensors.admin_pages import FORM_FIELDS, PlatformAdmin, TypedInline


class KitSensorInline(TypedInline[KitSensor, Kit]):
    """The sensors of a kit, each with its key and the formula of its raw numbers."""

    model = KitSensor
    extra = 0
    formfield_overrides = FORM_FIELDS

    def formfield_for_foreignkey(
        self, db_field: models.ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField[Any] | None:
        """Read the names of the sensors once for the page, not once for each row."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if field is not None:
            choices: Any = field.choices
            field.choices = list(choices)
        return field


@admin.register(Kit)
class KitAdmin(PlatformAdmin[Kit]):
    """Blueprints of hardware."""

    list_display = ("id", "name", "slug", "sensor_count", "description", "updated_at")
    list_display_links = ("id", "name")
    search_fields = ("=id", "name", "slug", "description")
    readonly_fields = ("uuid", "created_at", "updated_at")
    inlines = (KitSensorInline,)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Kit]:
        """Kits with the number of their sensors."""
        return super().get_queryset(request).annotate(sensor_count=models.Count("kit_sensors"))

    @admin.display(description="Sensors", ordering="sensor_count")
    def sensor_count(self, kit: Any) -> int:
        """How many sensors the kit has."""
        return int(kit.sensor_count)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the sensors too; what the devices of the kit have follows."""
        super().save_related(request, form, formsets, change)
        form.instance.devices.refit()

    def has_delete_permission(self, request: HttpRequest, obj: Kit | None = None) -> bool:
        """Only a kit that no device is built by can be deleted, and one at a time.

        Django's page would list every such device first.
        """
        return (
            obj is not None
            and not obj.devices.exists()
            and super().has_delete_permission(request, obj)
        )
