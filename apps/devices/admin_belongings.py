"""Admin pages of what belongs to devices, and of devices that belong to nobody yet."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from apps.devices.models import Component, Device, Experiment, OrphanDevice, Tag
from apps.sensors.admin_pages import PlatformAdmin, hidden, page_link


@admin.register(Component)
class ComponentAdmin(PlatformAdmin[Component]):
    """Which sensors devices have."""

    list_display = ("id", "device_link", "sensor", "key", "created_at")
    list_select_related = ("device", "sensor")
    list_filter = ("sensor",)
    search_fields = ("device__name",)
    search_help_text = "Id of a device, or a part of its name"
    ordering = ("-id",)
    autocomplete_fields = ("device", "sensor")
    readonly_fields = ("uuid", "created_at", "updated_at")

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Component], search_term: str
    ) -> tuple[models.QuerySet[Component], bool]:
        """Take a number for the id of a device, which an index finds among millions of rows."""
        if search_term.isdecimal() and len(search_term) < 19:
            return queryset.filter(device_id=int(search_term)), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="Device", ordering="device")
    def device_link(self, component: Component) -> str:
        """The device, leading to its page."""
        return page_link(component.device)


@admin.register(Tag)
class TagAdmin(PlatformAdmin[Tag]):
    """Words that owners may put on their devices."""

    list_display = ("id", "name", "description", "updated_at")
    list_display_links = ("id", "name")
    search_fields = ("name", "description")
    readonly_fields = ("uuid", "created_at", "updated_at")

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """Say how many devices lose the tag; Django would list every one of them."""
        tags = [tag.pk for tag in objs]
        uses = Device.tags.through.objects.filter(tag_id__in=tags).count()
        counts = {"tags": len(tags), "devices that have them": uses}
        denied = set() if self.has_delete_permission(request) else {"tag"}
        return [str(tag) for tag in objs], counts, denied, []


@admin.register(Experiment)
class ExperimentAdmin(PlatformAdmin[Experiment]):
    """Sets of devices over a stretch of time."""

    list_display = ("id", "name", "owner_link", "device_count", "starts_at", "ends_at", "is_test")
    list_display_links = ("id", "name")
    list_select_related = ("owner",)
    list_filter = ("is_test",)
    date_hierarchy = "created_at"
    search_fields = ("=id", "name", "description", "owner__username")
    ordering = ("-id",)
    autocomplete_fields = ("owner", "devices")
    readonly_fields = ("created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Experiment]:
        """Experiments with the number of their devices."""
        return super().get_queryset(request).annotate(device_count=models.Count("devices"))

    @admin.display(description="Devices", ordering="device_count")
    def device_count(self, experiment: Any) -> int:
        """How many devices the experiment has."""
        return int(experiment.device_count)

    @admin.display(description="Owner", ordering="owner__username")
    def owner_link(self, experiment: Experiment) -> str:
        """The owner, leading to his page."""
        return page_link(experiment.owner)


@admin.register(OrphanDevice)
class OrphanDeviceAdmin(PlatformAdmin[OrphanDevice]):
    """Devices that are being set up and have no owner yet; only onboarding makes them."""

    list_display = ("id", "name", "kit", "exposure", "seen_at", "created_at")
    list_display_links = ("id", "name")
    list_select_related = ("kit",)
    list_filter = (("seen_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "created_at"
    search_fields = ("=id", "name")
    ordering = ("-id",)
    exclude = ("device_token",)
    autocomplete_fields = ("kit",)
    readonly_fields = ("token", "seen_at", "created_at", "updated_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An orphan belongs to the onboarding session that made it."""
        return False

    @admin.display(description="Device token")
    def token(self, orphan: OrphanDevice) -> str:
        """Whether there is a token; who knows it can claim the device."""
        return hidden(orphan.device_token)
