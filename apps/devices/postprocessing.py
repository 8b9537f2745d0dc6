"""What researchers keep with a device of how programs of theirs process its readings later.

The server keeps it and shows it, and makes nothing of it: no address in it is ever asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from rest_framework import serializers

from apps.api.texts import OptionalText
from apps.api.times import OptionalTime
from apps.devices.latest import iso

FIELDS = ("blueprint_url", "hardware_url", "forwarding_params", "meta", "latest_postprocessing")


class PostprocessingInput(serializers.Serializer[Any]):
    """The fields of `postprocessing_attributes`, as scdata sends them; all others are ignored.

    `blueprint_url` and `hardware_url` are addresses, or names that the client completes.
    """

    blueprint_url = OptionalText(max_length=2000)
    hardware_url = OptionalText(max_length=2000)
    forwarding_params = serializers.IntegerField(
        required=False, allow_null=True, min_value=-(2**63), max_value=2**63 - 1
    )
    meta = OptionalText(max_length=10_000)
    latest_postprocessing = OptionalTime()

    def validate_latest_postprocessing(self, value: datetime | None) -> str | None:
        """The time as it is kept and shown."""
        return None if value is None else iso(value.timestamp())


def merged(
    before: Mapping[str, Any] | None, sent: Mapping[str, Any] | None, now: datetime
) -> dict[str, Any] | None:
    """What a device keeps from now on: what was sent replaces what was there, the rest stays.

    None takes it all away.
    """
    if sent is None:
        return None
    held = dict(before or {})
    shown_now = iso(now.timestamp())
    created_at = held.get("created_at") or shown_now
    return {**held, **sent, "created_at": created_at, "updated_at": shown_now}


def shown(device_id: int, held: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What a device keeps, as it is shown: every field is there, with the ids that clients read."""
    if held is None:
        return None
    times = {"created_at": None, "updated_at": None}
    return {**dict.fromkeys(FIELDS), **times, **held, "id": device_id, "device_id": device_id}
