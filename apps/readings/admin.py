"""Admin pages of what devices sent: the readings of a device, and what could not be stored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import BadRequest
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime

from apps.devices.admin import DeviceAdmin
from apps.devices.forms import MAC_PART
from apps.devices.models import Device, mac_key
from apps.readings import sensor_sets
from apps.readings.ingest import as_values
from apps.readings.models import IngestError
from apps.readings.raw import Series
from apps.sensors.admin_pages import ReadOnlyAdmin, page_link
from apps.sensors.models import Sensor

READINGS_PER_PAGE = 200
REASONS_LISTED = 20

# The page of a device shows its readings. apps/devices does not know readings, so the page is
# added from here. (A reading has a composite key and cannot be an admin model.)
admin.site.unregister(Device)


@admin.register(Device)
class DeviceWithReadingsAdmin(DeviceAdmin):
    """Devices, each with a page of its readings, to which its own page links."""

    change_form_template = "admin/devices/device/change_form_with_readings.html"

    def get_urls(self) -> list[URLPattern]:
        """The pages of devices, and that of their readings."""
        page = self.admin_site.admin_view(self.readings)
        return [
            path("<int:device_id>/readings/", page, name="devices_device_readings"),
            *super().get_urls(),
        ]

    def readings(self, request: HttpRequest, device_id: int) -> HttpResponse:
        """The newest readings of a device, or those before the time that `before` says."""
        device = self.get_object(request, str(device_id))
        if device is None or not self.has_view_permission(request, device):
            raise Http404("No such device")
        context = {
            **self.admin_site.each_context(request),
            **readings_table(device, _time(request.GET.get("before"))),
            "title": f"Readings of {device}",
            "opts": self.opts,
            "device": device,
        }
        return TemplateResponse(request, "admin/devices/device/readings.html", context)


def readings_table(device: Device, before: datetime | None) -> dict[str, Any]:
    """One page of a device's readings as a table, in three queries however many there are.

    Returns `sensors` (the columns, ordered by id), `rows` (dicts of `reading` and `cells`, a pair
    of value and raw value or None for each column), and `older` (the time of the last reading
    where there are more, else None).
    """
    readings = Series.of(device.pk, end=before).newest(READINGS_PER_PAGE + 1)
    page, more = readings[:READINGS_PER_PAGE], len(readings) > READINGS_PER_PAGE
    sets = sensor_sets.members(reading.sensor_set_id for reading in page)
    ids = sorted({id_ for sensor_ids in sets.values() for id_ in sensor_ids})
    sensors = Sensor.objects.in_bulk(ids)
    rows = []
    for reading in page:
        cells = as_values(sets[reading.sensor_set_id], reading.values, reading.raw_values)
        rows.append({"reading": reading, "cells": [cells.get(id_) for id_ in ids]})
    return {
        "sensors": [(id_, sensors.get(id_)) for id_ in ids],
        "rows": rows,
        "older": page[-1].recorded_at if more else None,
    }


def _time(text: str | None) -> datetime | None:
    """The time that a link of ours names; raises BadRequest for what is none."""
    if not text:
        return None
    try:
        time = parse_datetime(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise BadRequest("The time cannot be read")
    return time


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
