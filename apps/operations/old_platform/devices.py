"""The devices of the old platform, their components and their tags."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.devices.models import Component, Device, mac_key
from apps.kits.models import Kit
from apps.operations.old_platform.cells import (
    Bad,
    boolean,
    decimal,
    json_object,
    number,
    optional_number,
    time,
    unique_id,
)
from apps.operations.old_platform.dumps import Row
from apps.operations.old_platform.rules import AlreadyHere, Note, loose, times
from apps.sensors.models import Sensor
from apps.users.models import User

SWITCHES = (
    *("is_private", "is_test", "enable_forwarding"),
    *("notify_stopped_publishing", "notify_low_battery"),
)
Tagged: Any = Device.tags.through


def device(row: Row, note: Note) -> Device:
    """A device; its newest values follow from its readings."""
    pk = number(row, "id")
    owner_id = number(row, "owner_id")
    if not User.objects.filter(pk=owner_id).exists():
        raise Bad("owner_id", f"user {owner_id} is not here")
    archived = row["workflow_state"] == "archived" or bool(row["archived_at"])
    meta = loose(json_object, row, "meta", note) or {}
    place = loose(json_object, row, "location", note) or {}
    latitude, longitude = (loose(decimal, row, name, note) for name in ("latitude", "longitude"))
    if (latitude is None) != (longitude is None):
        note("latitude", "without longitude, or the other way round: both left out")
        latitude = longitude = None
    if not row["name"]:
        note("name", f"is missing: Device {pk} now")
    return Device(
        id=pk,
        uuid=unique_id(row),
        owner_id=owner_id,
        kit=_kit_of(row, note),
        name=row["name"] or f"Device {pk}",
        description=row["description"] or None,
        mac_address=_mac_address(row, archived, note),
        device_token=row["device_token"] or None,
        latitude=latitude,
        longitude=longitude,
        exposure=meta.get("exposure") or None,
        elevation=_metres(meta.get("elevation")),
        city=place.get("city") or None,
        country_code=(place.get("country_code") or "").upper() or None,
        hardware_info=loose(json_object, row, "hardware_info", note) or None,
        precise_location=boolean(row, "precise_location") if row["precise_location"] else True,
        **{name: boolean(row, name) for name in SWITCHES},
        archived_at=_archived_at(row) if archived else None,
        **times(row),
    )


def _archived_at(row: Row) -> datetime:
    return time(row, "archived_at" if row["archived_at"] else "updated_at")


def _metres(elevation: Any) -> int | None:
    """The elevation that the old platform kept as a number or as text."""
    try:
        return round(float(elevation))
    except (TypeError, ValueError, OverflowError):
        return None


def _kit_of(row: Row, note: Note) -> Kit | None:
    """The kit by its id or, where the dump is newer than that, by the slug of the hardware."""
    if row["kit_id"]:
        found = Kit.objects.filter(pk=loose(optional_number, row, "kit_id", note)).first()
    elif row["hardware_slug_override"] or row["hardware_version_override"]:
        slug = row["hardware_slug_override"] or (
            f"{row['hardware_type_override'] or 'sck'}:{row['hardware_version_override']}"
        ).lower().replace(".", ",")
        found = Kit.objects.filter(slug__iexact=slug).first()
    else:
        return None
    if found is None:
        note("kit_id", "names no kit that is here: left out")
    return found


def _mac_address(row: Row, archived: bool, note: Note) -> str | None:
    """The MAC address; an archived device has kept its own as `old_mac_address`."""
    address = row["mac_address"] or (row["old_mac_address"] if archived else "")
    if not address or archived:
        return address or None
    held = Device.objects.filter(mac_key=mac_key(address), archived_at=None).first()
    if held:
        note("mac_address", f"is that of device {held.pk}: left out")
        return None
    return address


def component(row: Row, note: Note) -> Component:
    """A sensor of a device; those of kits, in older dumps, are said by `sensor_map` of kits."""
    if "device_id" in row.cells:
        device_id = number(row, "device_id")
    elif row["board_type"] == "Device":
        device_id = number(row, "board_id")
    else:
        raise Bad("board_type", "is no device: the sensors of kits come with the kits")
    sensor_id = number(row, "sensor_id")
    if not Device.objects.filter(pk=device_id).exists():
        raise Bad("device_id", f"device {device_id} is not here")
    if not Sensor.objects.filter(pk=sensor_id).exists():
        raise Bad("sensor_id", f"sensor {sensor_id} is not here")
    return Component(
        id=number(row, "id"),
        uuid=unique_id(row),
        device_id=device_id,
        sensor_id=sensor_id,
        key=row["key"] or None,
        **times(row),
    )


def tagged(row: Row, note: Note) -> Any:
    """A tag on a device."""
    joined = {"device_id": number(row, "device_id"), "tag_id": number(row, "tag_id")}
    if Tagged.objects.filter(**joined).exists():
        raise AlreadyHere
    return Tagged(**joined)
