"""Admin pages of devices; of what belongs to them: `admin_belongings`."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

import apps.devices.admin_belongings  # noqa: F401 - it registers its pages
from apps.devices import device_tokens, forwarding, world_map
from apps.devices.forms import MAC_PART, DeviceForm, NewOwnerForm
from apps.devices.models import (
    ONLINE_FOR,
    Component,
    Device,
    mac_key,
)
from apps.sensors.admin_acts import ArchivableAdmin
from apps.sensors.admin_pages import (
    ArchivedFilter,
    TypedInline,
    hidden,
    page_link,
)


class StatusFilter(admin.SimpleListFilter):
    """Devices by their status, as the API shows it (reference: Get a Device)."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be chosen."""
        return [("new", "New"), ("online", "Online"), ("offline", "Offline")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Device]
    ) -> models.QuerySet[Device]:
        """The devices of that status now."""
        online_since = timezone.now() - ONLINE_FOR
        match self.value():
            case "new":
                return queryset.filter(last_reading_at=None)
            case "online":
                return queryset.filter(last_reading_at__gt=online_since)
            case "offline":
                return queryset.filter(last_reading_at__lte=online_since)
        return queryset


class ComponentInline(TypedInline[Component, Device]):
    """The sensors that a device has: they come from its kit and from what it posts."""

    model = Component
    fields = readonly_fields = ("sensor", "key", "created_at")
    can_delete = False
    show_change_link = True
    extra = 0

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Component]:
        """Components with the names of their sensors."""
        return super().get_queryset(request).select_related("sensor")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Components are added on their own page."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Components are changed on their own page."""
        return False


@admin.register(Device)
class DeviceAdmin(ArchivableAdmin[Device]):
    """Things in the world. apps/readings adds a page with the readings of each."""

    form = DeviceForm
    actions = (*ArchivableAdmin.actions, "transfer", "replace_tokens")
    list_display = (
        "id",
        "name",
        "owner_link",
        "kit",
        "status",
        "last_reading_at",
        "city",
        "archived_at",
    )
    list_display_links = ("id", "name")
    list_select_related = ("owner", "kit")
    list_filter = (StatusFilter, ArchivedFilter, "is_private", "is_test", "exposure", "kit", "tags")
    date_hierarchy = "created_at"
    search_fields = ("=id", "name", "owner__username", "city")
    search_help_text = "Id, name, MAC address or part of it, owner's username, or city"
    ordering = ("-id",)
    autocomplete_fields = ("owner", "kit", "tags")
    readonly_fields = (
        "uuid",
        "status",
        "last_reading_at",
        "hardware_info",
        "token",
        "geohash",
        "archived_at",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": ("name", "description", "owner", "kit", "mac_address", "tags")}),
        (
            "Place",
            {
                "fields": (
                    "exposure",
                    ("latitude", "longitude"),
                    "precise_location",
                    "elevation",
                    "city",
                    "country_code",
                    "geohash",
                )
            },
        ),
        (
            "What its owner chose",
            {
                "fields": (
                    "is_private",
                    "is_test",
                    "enable_forwarding",
                    "notify_stopped_publishing",
                    "notify_low_battery",
                    "postprocessing",
                )
            },
        ),
        (
            "State",
            {
                "fields": (
                    "status",
                    "last_reading_at",
                    "hardware_info",
                    "token",
                    "uuid",
                    "archived_at",
                    "created_at",
                    "updated_at",
                )
            },
        ),
    )
    inlines = (ComponentInline,)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Device], search_term: str
    ) -> tuple[models.QuerySet[Device], bool]:
        """Find a MAC address, or a part of one, in whatever way it is written."""
        if MAC_PART.fullmatch(search_term.strip()):
            return queryset.filter(mac_key__contains=mac_key(search_term.strip())), False
        return super().get_search_results(request, queryset, search_term)

    def get_readonly_fields(self, request: HttpRequest, obj: Device | None = None) -> Any:
        """The owner of a device changes by an act of its own, which does what follows."""
        fields: Any = super().get_readonly_fields(request, obj)
        return fields if obj is None else (*fields, "owner")

    def save_model(self, request: HttpRequest, obj: Device, form: Any, change: bool) -> None:
        """Save what the form shows, and what follows from it for sensors and the world map."""
        if change:
            # Never the other columns: readings that came since the page was opened are in them.
            shown = {field.name for field in Device._meta.concrete_fields} & form.fields.keys()
            obj.save(update_fields={*shown, "updated_at"})
        else:
            obj.save()
        if "kit" in form.changed_data:
            obj.adopt_kit()
        if obj.enable_forwarding:
            forwarding.provide(obj.owner_id)
        transaction.on_commit(world_map.drop)

    def restore_problem(self, obj: Device) -> str | None:
        """Its MAC address may be another device's by now, and its owner may be archived."""
        owner: Any = obj.owner
        if owner.archived_at is not None:
            return (
                f"its owner, {owner}, is archived; restore the account first, or transfer the"
                " device to another owner"
            )
        if obj.mac_address is None:
            return None
        others = Device.objects.filter(mac_key=mac_key(obj.mac_address), archived_at=None)
        other = others.exclude(pk=obj.pk).first()
        if other is None:
            return None
        return (
            f"its MAC address {obj.mac_address} is that of {other} by now; archive that device, or"
            " give one of the two another address, first"
        )

    @admin.action(
        description="Transfer selected %(verbose_name_plural)s to another owner",
        permissions=["change"],
    )
    def transfer(
        self, request: HttpRequest, queryset: models.QuerySet[Device]
    ) -> HttpResponse | None:
        """Give devices, with their readings, to another owner, who is asked for."""
        if not (rows := self.chosen(request, queryset)):
            return None
        form = NewOwnerForm(self.admin_site, request.POST.get("new_owner"))
        said = (
            "Transfer to another owner",
            "The new owner sees and changes all of these devices, with their readings and tokens;"
            " the former owner no longer does. Forwarding ends where the new owner is no"
            " researcher.",
        )
        if asked := self.ask(request, rows, "transfer", said, form):
            return asked
        owner = form.cleaned_data["new_owner"]
        with transaction.atomic():
            # Of a device that is the new owner's already there is nothing to say.
            moved = list(self.held(rows).select_related("owner").exclude(owner=owner))
            for device in moved:
                former = device.owner
                device.transfer(owner)
                self.log_change(request, device, f"Transferred from {former} to {owner}.")
            transaction.on_commit(world_map.drop)
        self.message_user(request, f"Transferred to {owner}: {len(moved)}.")
        return None

    @admin.action(
        description="Replace the tokens of selected %(verbose_name_plural)s", permissions=["change"]
    )
    def replace_tokens(
        self, request: HttpRequest, queryset: models.QuerySet[Device]
    ) -> HttpResponse | None:
        """Give devices new tokens, such as after one leaked, and show them once."""
        if not (rows := self.chosen(request, queryset)):
            return None
        said = (
            "Replace device tokens",
            "The kits send nothing more by MQTT until they are set up with their new tokens.",
        )
        if asked := self.ask(request, rows, "replace_tokens", said):
            return asked
        with transaction.atomic():
            shown = []
            for device in self.held(rows):
                shown.append((device, device_tokens.replace(device)))
                self.log_change(request, device, "Device token replaced.")
        return self.show_once(request, "New device tokens", shown)

    def told_of(self, row: Device) -> str:
        """Whose it is, and when it last sent something."""
        last = f"{row.last_reading_at:%Y-%m-%d %H:%M} UTC" if row.last_reading_at else "never"
        return f"of {row.owner}, last reading {last}"

    def after_archiving(self) -> None:
        """An archived device leaves the world map at once (contract: World map)."""
        world_map.drop()

    @admin.display(description="Owner", ordering="owner__username")
    def owner_link(self, device: Device) -> str:
        """The owner, leading to his page."""
        return page_link(device.owner)

    @admin.display(description="Status", ordering="last_reading_at")
    def status(self, device: Device) -> str:
        """New, online or offline, as the API shows it; what is archived it does not show."""
        return "archived" if device.archived_at else device.status(timezone.now())

    @admin.display(description="Device token")
    def token(self, device: Device) -> str:
        """Whether the device has a token; with the token anybody could post in its name."""
        return hidden(device.device_token)
