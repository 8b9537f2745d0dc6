"""Admin pages of what devices sent: the readings of a device, and what could not be stored."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse

from apps.devices.forms import MAC_PART
from apps.devices.models import Device, mac_key
from apps.readings.admin_readings import ReadingsPages, newest_values
from apps.readings.models import IngestError
from apps.sensors.admin_pages import ReadOnlyAdmin, page_link

REASONS_LISTED = 20
REFUSED_SHOWN = 10

# The page of a device shows its readings. apps/devices does not know readings, so the page is
# added from here. (A reading has a composite key and cannot be an admin model.)
admin.site.unregister(Device)


@admin.register(Device)
class DeviceWithReadingsAdmin(ReadingsPages):
    """Devices, each with pages of its readings, to which its own page links."""

    change_form_template = "admin/devices/device/change_form_with_readings.html"

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Device | None = None,
    ) -> HttpResponse:
        """The page of a device, with its newest values and what was refused of it lately."""
        if obj is not None:
            refused = IngestError.objects.filter(device=obj)[:REFUSED_SHOWN]
            context |= {"newest": newest_values(obj), "refused": refused}
        return super().render_change_form(request, context, add, change, form_url, obj)


class ReasonFilter(admin.SimpleListFilter):
    """The reasons that refused the most, since there may be thousands of different ones."""

    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The most frequent reasons, by how often things were refused for them."""
        reasons = IngestError.objects.order_by().values("reason")
        reasons = reasons.annotate(refused=models.Sum("count")).order_by("-refused", "reason")
        return [(row["reason"], row["reason"]) for row in reasons[:REASONS_LISTED]]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[IngestError]
    ) -> models.QuerySet[IngestError]:
        """What was refused for the chosen reason."""
        reason = self.value()
        return queryset if reason is None else queryset.filter(reason=reason)


class HasDeviceFilter(admin.SimpleListFilter):
    """Whether the sender is a device that is known."""

    title = "device"
    parameter_name = "has_device"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be chosen."""
        return [("yes", "Known"), ("no", "Unknown")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[IngestError]
    ) -> models.QuerySet[IngestError]:
        """What came from known devices, or from others."""
        if self.value() in {"yes", "no"}:
            return queryset.filter(device__isnull=self.value() == "no")
        return queryset


@admin.register(IngestError)
class IngestErrorAdmin(ReadOnlyAdmin[IngestError]):
    """What was refused, and why; repeats of one reason are one row with a count."""

    list_display = ("id", "last_at", "source", "device_link", "origin", "reason", "count")
    list_display_links = ("id", "last_at")
    list_select_related = ("device",)
    list_filter = ("source", HasDeviceFilter, ReasonFilter)
    date_hierarchy = "last_at"
    search_fields = ("origin", "reason", "device__mac_key")
    search_help_text = "Id or MAC address of a device, what the sender called itself, or the reason"
    fields = (
        "source",
        "device_link",
        "origin",
        "reason",
        "count",
        "created_at",
        "last_at",
        "payload",
    )
    readonly_fields = ("device_link",)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[IngestError], search_term: str
    ) -> tuple[models.QuerySet[IngestError], bool]:
        """Find the rows of a device by its id or MAC address, in whatever way it is written."""
        if search_term.isdecimal() and len(search_term) < 19:
            return queryset.filter(device_id=int(search_term)), False
        if not MAC_PART.fullmatch(search_term.strip()):
            return super().get_search_results(request, queryset, search_term)
        sought = mac_key(search_term.strip())
        senders = models.Q(device__mac_key__contains=sought)
        for written in (sought, sought.replace(":", "-")):
            senders |= models.Q(origin__icontains=written)
        return queryset.filter(senders), False

    @admin.display(description="Device", ordering="device")
    def device_link(self, error: IngestError) -> str:
        """The device, leading to its page."""
        return page_link(error.device)
