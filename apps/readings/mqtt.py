"""The door of newer kits (SCK 1.5 and 2.x): what each topic of theirs means, and what comes of it.

A kit publishes under `device/sck/<token>/`, and its token is all that says who it is. Whatever it
says is either stored or kept as an ingest error before the message is acknowledged.
"""

from __future__ import annotations

import functools
import logging
import re
from datetime import datetime
from typing import Any

import orjson
from django.db import close_old_connections, transaction
from django.utils import timezone

from apps.api import instruments
from apps.api.compiled import Compiled
from apps.api.database_errors import unreachable
from apps.devices.models import Device, OrphanDevice
from apps.readings import ingest, ingest_errors, keys, payloads
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal
from apps.readings.subscriber import Away

logger = logging.getLogger(__name__)

KINDS = ("readings", "readings/raw", "info", "hello")
TOPIC = re.compile(rf"device/sck/([^/]+)/({'|'.join(KINDS)})")
# A hardware report of a kit has some thirty short lines.
MAX_INFO = 16 * 1024


def topics(group: str) -> list[str]:
    """What to subscribe to; subscribers of one group get each message once between them.

    An empty group is for a broker without shared subscriptions, and for one subscriber alone.
    """
    share = f"$share/{group}/" if group else ""
    return [f"{share}device/sck/+/{kind}" for kind in KINDS]


def receive(topic: str, payload: bytes) -> None:
    """Take one message, durable when this returns; raises `Away` where it has to come again.

    What fails for a fault of ours is kept with the payload, like anything that was refused: it
    would fail again, and keep all that comes after it waiting.
    """
    try:
        try:
            take(topic, payload, timezone.now())
        except Exception as error:
            if unreachable(error):
                raise
            logger.exception("a message could not be taken")
            refuse(None, "fault of the server", payload, origin=topic)
    except Exception as error:  # nothing is committed, whatever it was
        close_old_connections()
        raise Away(" ".join(str(error).split())) from error


@functools.cache
def _by_token() -> Compiled[Device]:
    """The query of devices by their token: made once, since every message asks it."""
    devices = Device.objects.active().only("kit", "device_token").with_edition()
    return Compiled(devices, by="device_token")


def take(topic: str, payload: bytes, now: datetime) -> None:
    """Take one message of a kit: store it, or keep the reason for refusing it."""
    match = TOPIC.fullmatch(topic)
    token, kind = match.groups() if match else ("", "")
    device = _by_token().one(token)
    seen = 0
    if device is None or kind == "hello":
        seen = OrphanDevice.objects.filter(device_token=token).update(seen_at=now)
    if device is None:
        if not (seen and kind == "hello"):
            reason = "device is not registered yet" if seen else "unknown device token"
            refuse(None, reason, payload, origin=token or topic)
    elif kind == "info":
        take_info(device, payload)
    elif kind != "hello":
        take_readings(device, kind, payload, now)


def take_readings(device: Device, kind: str, payload: bytes, now: datetime) -> None:
    """Store the readings of one message, and keep the reasons of what was refused."""
    read = payloads.from_mqtt_raw if kind == "readings/raw" else payloads.from_mqtt
    parsed = read(payload, now)
    rows, refusals = keys.named(parsed.samples, device)
    ingest.prepare(device.pk, rows)
    with transaction.atomic():
        receipt = ingest.store(device.pk, rows)
        refused = parsed.refusals + refusals + keys.too_many_sets(receipt.refused)
        ingest_errors.keep(device.pk, IngestError.Source.MQTT, refused)
    instruments.TAKEN.labels("mqtt").inc(receipt.stored)


def take_info(device: Device, payload: bytes) -> None:
    """Leave what the kit tells of itself on its row: its owner sees it as last status message."""
    try:
        report: Any = orjson.loads(payload) if len(payload) <= MAX_INFO else None
        # What the database could not keep: text with NUL, nesting without end
        fit = isinstance(report, dict) and b"\\u0000" not in orjson.dumps(report)
    except (orjson.JSONDecodeError, TypeError):
        fit = False
    if fit:
        Device.objects.filter(pk=device.pk).update(hardware_info=report)
    else:
        reason = f"hardware report is not a JSON object of at most {MAX_INFO} bytes"
        refuse(device, reason, payload)


def refuse(device: Device | None, reason: str, payload: bytes, origin: str = "") -> None:
    """Keep the reason why a whole message was refused."""
    refused = [Refusal(None, None, reason, payloads.excerpt(payload))]
    device_id = device.pk if device else None
    ingest_errors.keep(device_id, IngestError.Source.MQTT, refused, origin=origin)
