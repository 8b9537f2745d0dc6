"""The page of a device: its latest values, and charts of its history."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.api.exceptions import RecordNotFound
from apps.api.pages import PageView, scripted_page
from apps.devices.models import Device
from apps.devices.serializers import Json, device_json, sees_secrets
from apps.devices.whole import whole


class DevicePage(PageView):
    """`/ui/devices/:id`, for whoever may see the device."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The page; 404 for a private device of somebody else, as for one that there is not."""
        device = whole([int(pk)], request.user).get(int(pk)) if len(pk) < 18 else None
        if device is None:
            raise RecordNotFound(Device, "id", pk)
        shown = device_json(device, request.user, timezone.now())
        context = {
            "device": shown,
            "sensors": [_with_time(sensor) for sensor in shown["data"]["sensors"]],
            "last_reading_at": device.last_reading_at,
            "mine": sees_secrets(device, request.user),
            "config": self.config(device),
        }
        return scripted_page(request, "pages/device.html", context)

    def config(self, device: Device) -> dict[str, Any]:
        """What the charts need: addresses, times and texts."""
        # A stranger's call is the one that he may copy; a private device answers its owner here.
        name = "device_page_readings" if device.is_private else "readings"
        path = reverse(name, args=[device.pk])
        return {
            "readings_url": path if device.is_private else f"/v0/devices/{device.pk}/readings",
            "public_url": settings.PUBLIC_URL,
            "added_at": device.created_at,
            "last_reading_at": device.last_reading_at,
            "texts": {
                "never": _("never"),
                "time": _("Local time"),
                "time_utc": _("Time, UTC"),
                "no_readings": _("No readings in this range."),
                "failed": _("The readings could not be loaded: {why}"),
                "summary": _(
                    "{n} points, one for each {rollup}; lowest {low}, highest {high} {unit}"
                ),
                "copied": _("Copied"),
            },
        }


def _with_time(sensor: Json) -> Json:
    """A sensor of the device's JSON, with its newest time as a time."""
    last = sensor["last_reading_at"]
    return {**sensor, "last_reading_at": parse_datetime(last) if last else None}
