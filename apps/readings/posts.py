"""The door of REST clients: what they post of a device, and the receipt for it.

Contract, Readings, In by REST. Nothing is answered before readings and refusals are committed, so
that a receipt is a promise, and sending the same again is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import transaction

from apps.api import instruments
from apps.api.exceptions import BadRequest, PayloadTooLarge, RecordNotFound, Unprocessable
from apps.api.validation import BLANK, INVALID
from apps.devices.models import Device
from apps.readings import ingest, ingest_errors, keys, payloads
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal

MESSAGE = "Data successfully stored"
NOTHING_STORED = "holds no reading that can be stored: see rejected"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a post: elements that changed something, that changed nothing, and refusals."""

    stored: int
    duplicates: int
    refusals: Sequence[Refusal]

    @property
    def status(self) -> int:
        """201 where something was stored, 200 where all was there, 422 where all was refused."""
        if self.stored:
            return 201
        return 200 if self.duplicates else 422

    def as_json(self) -> dict[str, Any]:
        """The receipt as it is answered; `rejected` names elements by their place, from 0."""
        refused = self.status == 422
        return {
            "id": "unprocessable_entity" if refused else "ok",
            "message": f"Data {NOTHING_STORED}" if refused else MESSAGE,
            "stored": self.stored,
            "duplicates": self.duplicates,
            "rejected": [
                {"index": refusal.index, "sensor": refusal.sensor, "reason": refusal.reason}
                for refusal in self.refusals
            ],
            "errors": {"data": [NOTHING_STORED]} if refused else None,
            "url": None,
        }


def elements(data: Any) -> list[Any]:
    """The elements that a body's `data` holds; as JSON in a text, where it was sent by a form.

    Raises Unprocessable (422) for what is no array of elements, PayloadTooLarge (413) for more
    than 10,000.
    """
    if isinstance(data, str) and data.strip():
        try:
            data = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise BadRequest(f"data is not JSON: {error}") from None
    if data in (None, "", []):
        raise Unprocessable({"data": [BLANK]})
    if not isinstance(data, list):
        raise Unprocessable({"data": [INVALID]})
    if len(data) > payloads.MAX_ELEMENTS:
        raise PayloadTooLarge(f"data holds more than {payloads.MAX_ELEMENTS} elements")
    return data


def take(device: Device, data: list[Any], now: datetime) -> Receipt:
    """Store the elements of a post and keep the reasons of what was refused, in one transaction.

    Raises RecordNotFound where the device was deleted meanwhile.
    """
    parsed = payloads.from_elements(data, now)
    rows, refusals = keys.named(parsed.samples, device)
    ingest.prepare(device.pk, rows)
    try:
        with transaction.atomic():
            receipt = ingest.store(device.pk, rows)
            refused = parsed.refusals + refusals + keys.too_many_sets(receipt.refused)
            refused.sort(key=lambda refusal: refusal.index or 0)
            ingest_errors.keep(device.pk, IngestError.Source.REST, refused)
    except Device.DoesNotExist:
        raise RecordNotFound(Device, "id", device.pk) from None
    instruments.TAKEN.labels("rest").inc(receipt.stored)
    return Receipt(receipt.stored, receipt.duplicates, refused)
