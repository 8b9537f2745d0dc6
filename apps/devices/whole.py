"""Whole devices by their ids, as one viewer sees them."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any, NamedTuple

from apps.api.compiled import Compiled
from apps.api.exceptions import RecordNotFound
from apps.devices.models import Device
from apps.devices.serializers import sees_secrets


class Viewer(NamedTuple):
    """What of a viewer decides which devices he sees, and what of them."""

    pk: int | None
    is_authenticated: bool
    is_admin: bool


def whole(ids: Collection[int], viewer: Any) -> dict[int, Device]:
    """Those of the devices that `viewer` may see, by id, with all that is shown of a device."""
    seen_by = Viewer(viewer.pk, viewer.is_authenticated, getattr(viewer, "is_admin", False))
    return _query(seen_by).fetch(ids)


def seen(pk: str, viewer: Any, *columns: str) -> Device:
    """The device of an id in a URL, with these columns and `edition`; raises RecordNotFound.

    For what only needs to know whose the device is, and so on; `viewer` as for `whole`.
    """
    device = _row(columns).one(number(pk))
    if device is None or (device.is_private and not sees_secrets(device, viewer)):
        raise RecordNotFound(Device, "id", pk)
    return device


def number(pk: str) -> int:
    """The id that digits in a URL mean; 0, which no row has, where they are more than an id has."""
    return int(pk) if len(pk) < 20 else 0


@functools.cache
def _row(columns: tuple[str, ...]) -> Compiled[Device]:
    """The query of some columns of devices: one for all viewers, who post by the thousand."""
    devices = Device.objects.active().only("is_private", "owner_id", *columns)
    return Compiled(devices.with_edition())


@functools.lru_cache(maxsize=128)
def _query(viewer: Viewer) -> Compiled[Device]:
    """The query of whole devices; nearly all who ask are the anonymous viewer."""
    return Compiled(Device.objects.visible_to(viewer).for_detail(viewer))
