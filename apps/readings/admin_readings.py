"""Admin pages with the readings of a device, where they are taken back and put right."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import BadRequest, ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.dateparse import parse_datetime

from apps.devices.admin import DeviceAdmin
from apps.devices.models import Device
from apps.readings import asked_corrections, corrections, sensor_sets
from apps.readings.corrections import Span
from apps.readings.ingest import as_values, values_at
from apps.readings.raw import Series
from apps.sensors.models import Sensor

READINGS_PER_PAGE = 200


class SpanForm(forms.Form):
    """Which readings: from one time to another, of all sensors or of one."""

    start = forms.DateTimeField(label="From", help_text="UTC, as 2026-03-05 12:00; inclusive")
    end = forms.DateTimeField(label="To", help_text="UTC; exclusive")
    sensor_id = forms.ModelChoiceField(
        Sensor.objects.none(), label="Sensor", required=False, empty_label="All: whole readings"
    )

    def __init__(self, device: Device, data: Any = None) -> None:
        """The sensors to choose from are those that the device has."""
        super().__init__(data)
        sensor: Any = self.fields["sensor_id"]
        sensor.queryset = Sensor.objects.filter(components__device=device).order_by("pk")
        self.device = device

    def clean(self) -> dict[str, Any]:
        """Refuse an end that is not after the start."""
        cleaned = super().clean() or self.cleaned_data
        start, end = cleaned.get("start"), cleaned.get("end")
        if start and end and start >= end:
            raise ValidationError({"end": "has to be after the start"})
        return cleaned

    def span(self) -> Span:
        """What was asked for."""
        said = self.cleaned_data
        sensor: Sensor | None = said["sensor_id"]
        return Span(self.device.pk, said["start"], said["end"], sensor.pk if sensor else None)


class CorrectionForm(forms.Form):
    """The values of one reading, by sensor."""

    def __init__(self, held: dict[int, tuple[float, float | None]], data: Any = None) -> None:
        """A box for each value that there is."""
        super().__init__(data)
        sensors = Sensor.objects.in_bulk(held)
        for id_, (value, raw) in sorted(held.items()):
            sensor = sensors.get(id_)
            unit = f", {sensor.unit}" if sensor and sensor.unit else ""
            self.fields[str(id_)] = forms.FloatField(
                label=f"{sensor or id_}{unit}",
                initial=value,
                help_text="" if raw is None else f"raw {raw:g}, which stays",
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )

    def values(self) -> dict[int, float]:
        """What was sent, by sensor id."""
        return {int(name): value for name, value in self.cleaned_data.items()}

    def clean(self) -> dict[str, Any]:
        """Refuse what is no finite number."""
        cleaned = super().clean() or self.cleaned_data
        for name, value in cleaned.items():
            if value is not None and not math.isfinite(value):
                self.add_error(name, "is not a finite number")
        return cleaned


class ReadingsPages(DeviceAdmin):
    """The readings of a device; each change of them is written into the audit log."""

    def get_urls(self) -> list[URLPattern]:
        """The pages of devices, and those of their readings."""
        pages = [
            ("", "readings", self.readings),
            ("correct/", "correct_reading", self.correct_reading),
            ("delete/", "delete_readings", self.delete_readings),
        ]
        return [
            *(
                path(
                    f"<int:device_id>/readings/{end}",
                    self.admin_site.admin_view(view),
                    name=f"devices_device_{name}",
                )
                for end, name, view in pages
            ),
            *super().get_urls(),
        ]

    def readings(self, request: HttpRequest, device_id: int) -> HttpResponse:
        """The newest readings of a device, or those before the time that `before` says."""
        device = self._device(request, device_id)
        table = readings_table(device, read_time(request.GET.get("before")))
        return self._shown(request, device, "readings", f"Readings of {device}", table)

    def correct_reading(self, request: HttpRequest, device_id: int) -> HttpResponse:
        """The values of the reading `at` a time, to be put right."""
        device = self._device(request, device_id)
        at = read_time(request.GET.get("at"))
        held = {} if at is None else values_at(device.pk, [at]).get(at, {})
        if at is None or not held:
            raise Http404("No such reading")
        form = CorrectionForm(held, request.POST if request.method == "POST" else None)
        if form.is_valid():
            self._correct(request, device, at, form.values())
            return HttpResponseRedirect(reverse("admin:devices_device_readings", args=[device.pk]))
        title = f"Correct the reading of {at:%Y-%m-%d %H:%M:%S} UTC"
        return self._shown(request, device, "correct_reading", title, {"form": form})

    def delete_readings(self, request: HttpRequest, device_id: int) -> HttpResponse:
        """Readings from one time to another: how many they are, and then their deletion."""
        device = self._device(request, device_id)
        form = SpanForm(device, request.POST if request.method == "POST" else None)
        context: dict[str, Any] = {"form": form}
        if form.is_valid():
            span = form.span()
            found = corrections.count(span)
            if "confirmed" in request.POST:
                self._delete(request, device, span, found)
                return HttpResponseRedirect(
                    reverse("admin:devices_device_readings", args=[device.pk])
                )
            many = found > corrections.AT_ONCE
            context |= {"span": span, "found": found, "many": many, "most": corrections.AT_ONCE}
        return self._shown(request, device, "delete_readings", "Delete readings", context)

    def _correct(
        self, request: HttpRequest, device: Device, at: datetime, values: dict[int, float]
    ) -> None:
        """Put values right, and say which were others."""
        with transaction.atomic():
            former = corrections.correct(device.pk, at, values)
            for id_, value in former.items():
                told = f"{value!r} is {values[id_]!r}"
                self.log_change(
                    request, device, f"Corrected sensor {id_} at {at:%Y-%m-%dT%H:%M:%SZ}: {told}."
                )
        self.message_user(request, f"Values corrected: {len(former)}.")

    def _delete(self, request: HttpRequest, device: Device, span: Span, found: int) -> None:
        """Delete a span at once where it is short, else have the worker do it."""
        if found > corrections.AT_ONCE:
            with transaction.atomic():
                self.log_change(request, device, f"Deletion asked for: {span}.")
                asked_corrections.ask(span, int(request.user.pk or 0))
            self.message_user(request, "The worker deletes them; the history says when it is done.")
            return
        with transaction.atomic():
            deleted, _ = corrections.delete_some(span)
            if deleted:
                self.log_change(request, device, f"Deleted {deleted} {span}.")
        level = messages.SUCCESS if deleted else messages.WARNING
        self.message_user(request, f"Deleted: {deleted}.", level)

    def _device(self, request: HttpRequest, device_id: int) -> Device:
        """The device that the URL names; raises Http404."""
        device = self.get_object(request, str(device_id))
        if device is None or not self.has_change_permission(request, device):
            raise Http404("No such device")
        return device

    def _shown(
        self,
        request: HttpRequest,
        device: Device,
        template: str,
        title: str,
        context: dict[str, Any],
    ) -> TemplateResponse:
        """A page below that of a device."""
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "device": device,
        }
        return TemplateResponse(request, f"admin/devices/device/{template}.html", common | context)


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


def newest_values(device: Device) -> list[dict[str, Any]]:
    """The newest value of each sensor of a device, ordered by its id, as the row keeps them.

    Each is a dict of `id sensor value raw_value at prev_value`, in one query.
    """
    newest = device.newest.sensors
    sensors = Sensor.objects.in_bulk(newest)
    return [
        {
            "id": id_,
            "sensor": sensors.get(id_),
            "value": newest[id_].value,
            "raw_value": newest[id_].raw,
            "at": datetime.fromtimestamp(newest[id_].at, UTC),
            "prev_value": newest[id_].prev_value,
        }
        for id_ in sorted(newest)
    ]


def read_time(text: str | None) -> datetime | None:
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
