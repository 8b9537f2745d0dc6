"""The door of the old kits: `/add` takes their readings, `/datetime` tells them the time.

Contract, In by old kits. The kit reads only the clock from the answer and then forgets its rows:
so the clock is told only once the readings, or the reasons for refusing them, are committed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from apps.api import instruments
from apps.api.compiled import Compiled
from apps.api.errors import answer
from apps.devices.models import Device, mac_key
from apps.readings import ingest, ingest_errors, keys, payloads
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH"]


def door(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A view for old kits: no CSRF token, never cached, any of the methods that kits use."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        if request.method in METHODS:
            return view(request)
        refusal = answer(request, MethodNotAllowed(str(request.method)))
        refusal["Allow"] = ", ".join(METHODS)
        return refusal

    return csrf_exempt(never_cache(wrapper))


def clock(now: datetime) -> HttpResponse:
    """The time as kits read it: `UTC:2026,11,2,09,05,07#`, month and day unpadded."""
    text = f"UTC:{now.year},{now.month},{now.day},{now:%H,%M,%S}#"
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


@door
def add(request: HttpRequest) -> HttpResponse:
    """Store what an old kit posts in its headers, and tell it the time.

    `X-SmartCitizenMacADDR`, `X-SmartCitizenVersion` (`1.1-0.8.5-A`) and `X-SmartCitizenData` (a
    JSON array of rows). Always 200 with the clock, whatever was refused: the reasons are kept as
    ingest errors. Only where nothing can be kept, with the database away, it is 503 without it.
    """
    now = timezone.now()
    # PostgreSQL's text holds no NUL; a kit that sends one is unknown like any other.
    mac_address = request.headers.get("X-SmartCitizenMacADDR", "").strip().replace("\0", "\ufffd")
    data = request.headers.get("X-SmartCitizenData", "").strip()
    if mac_address or data:
        take(mac_address, request.headers.get("X-SmartCitizenVersion"), data, now)
    return clock(timezone.now())


@door
def tell_time(request: HttpRequest) -> HttpResponse:
    """The clock alone."""
    return clock(timezone.now())


@functools.cache
def _by_mac() -> Compiled[Device]:
    """The query of devices by their address: made once, since every post asks it."""
    devices = Device.objects.active().only("kit", "mac_key").with_edition()
    return Compiled(devices, by="mac_key")


def take(mac_address: str, version: str | None, data: str, now: datetime) -> None:
    """Store the rows of one post and keep the reasons of what was refused, in one transaction."""
    device = _by_mac().one(mac_key(mac_address))
    if device is None:
        reason = "unknown MAC address" if mac_address else "MAC address is missing"
        refused = [Refusal(None, None, reason, payloads.excerpt(data))]
        ingest_errors.keep(None, IngestError.Source.KIT, refused, origin=mac_address)
        return
    targets = keys.of_version(version, device)
    parsed = payloads.from_kit(data, now)
    rows, refusals = keys.calibrated(parsed.samples, targets)
    ingest.prepare(device.pk, rows)
    with transaction.atomic():
        receipt = ingest.store(device.pk, rows, {t.sensor_id: t.key for t in targets.values()})
        refused = parsed.refusals + refusals + keys.too_many_sets(receipt.refused)
        ingest_errors.keep(device.pk, IngestError.Source.KIT, refused)
    instruments.TAKEN.labels("add").inc(receipt.stored)
