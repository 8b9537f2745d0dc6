"""Devices as JSON: whole, for lists and details, and in brief, for the world map.

Everything comes from the device's row and what `for_detail` or `for_map` fetched with it; nothing
here asks the database again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from apps.devices import forwarding, postprocessing
from apps.devices.latest import Newest, iso, shown
from apps.devices.location import country_name
from apps.devices.models import Device
from apps.devices.positions import GPS_SENSORS
from apps.kits.serializers import KITS
from apps.sensors.serializers import SENSORS

Json = dict[str, Any]


def device_json(device: Device, viewer: Any, now: datetime) -> Json:
    """A device as `viewer` sees it (reference: Get a Device; contract: Device).

    Strangers see the public position, and neither `mac_address` nor `device_token`.
    """
    mine = sees_secrets(device, viewer)
    place = location_json(device, mine)
    body = summary_json(device, mine, place, now) | {
        "is_private": device.is_private,
        "exposure": device.exposure,
        "postprocessing": postprocessing.shown(device.pk, device.postprocessing),
        "experiment_ids": device.experiment_ids,
        "owner": owner_json(device),
        "kit": kit_json(device),
        "data": data_json(device, mine, place),
    }
    if mine:
        body["mac_address"] = device.mac_address
        if device.device_token is not None:  # where it is shown, today's clients need a text
            body["device_token"] = device.device_token
    return body


def summary_json(device: Device, mine: bool, place: Json, now: datetime) -> Json:
    """What a device shows by itself and within its owner alike; `place` is its location."""
    return {
        "id": device.pk,
        "uuid": device.uuid,
        "name": device.name,
        "description": device.description,
        "state": device.state,
        "status": device.status(now),
        "system_tags": device.system_tags(now),
        "user_tags": device.tag_names,
        "added_at": device.created_at,
        "created_at": device.created_at,
        "updated_at": device.updated_at,
        "last_reading_at": device.last_reading_at,
        "kit_id": device.kit_id,
        "latitude": place["latitude"],
        "longitude": place["longitude"],
        "location": place,
        "hardware": hardware_json(device, mine),
        "notify": notify_json(device),
        "data_policy": data_policy_json(device, mine),
    }


def map_entry(device: Device, now: datetime) -> Json:
    """A device on the world map: the same for everyone (reference: World Map of Devices)."""
    place = location_json(device, mine=False)
    return {
        "id": device.pk,
        "name": device.name,
        "description": device.description,
        "owner_id": device.owner_id,
        "owner_username": device.owner.username,
        "latitude": place["latitude"],
        "longitude": place["longitude"],
        "city": device.city,
        "country_code": device.country_code,
        "kit_id": device.kit_id,
        "state": device.state,
        "status": device.status(now),
        "system_tags": device.system_tags(now),
        "user_tags": device.tag_names,
        "exposure": device.exposure,
        "data": device.newest.compact(hidden_sensors(device, mine=False)),
        "location": place,
        "hardware": hardware_json(device, mine=False),
        "added_at": _iso(device.created_at),
        "last_reading_at": _iso(device.last_reading_at),
    }


def sees_secrets(device: Device, viewer: Any) -> bool:
    """Whether `viewer` is the device's owner or an admin (contract: Who may do what)."""
    return bool(viewer.is_authenticated and (viewer.pk == device.owner_id or viewer.is_admin))


def hidden_sensors(device: Device, mine: bool) -> frozenset[int]:
    """The sensors whose values a viewer may not see: GPS, where the device hides its position."""
    return frozenset() if mine or device.precise_location else GPS_SENSORS


def location_json(device: Device, mine: bool) -> Json:
    """Where a device is: its owner sees the true position, others the public one.

    The elevation of a device that hides its position is its owner's alone: it would give the
    place away where the ground is steep.
    """
    hidden = not (mine or device.precise_location)
    return {
        "ip": None,
        "exposure": device.exposure,
        "elevation": None if hidden else device.elevation,
        "latitude": device.latitude if mine else device.public_latitude,
        "longitude": device.longitude if mine else device.public_longitude,
        "geohash": device.geohash if mine else device.public_geohash,
        "city": device.city,
        "country_code": device.country_code,
        "country": country_name(device.country_code),
    }


def kit_json(device: Device) -> Json | None:
    """The kit of a device, which came with the edition of the catalogue; None without one."""
    return KITS.of(device.edition).get(device.kit_id) if device.kit_id else None


# What today's clients read of a device's report of itself, each as a text
STATUS = ("id", "mac", "time", "hw_ver", "esp_ver", "esp_bd", "sam_ver", "sam_bd")


def hardware_json(device: Device, mine: bool) -> Json:
    """What a device is made of; what it last told of itself is its owner's alone.

    Without a kit it is unknown, and says so: today's clients cannot read a null there.
    """
    kit = kit_json(device)
    family, _, version = (kit["slug"] if kit else "").partition(":")
    return {
        "name": kit["name"] if kit else "Unknown",
        "type": family.upper() or "Unknown",
        "version": version.replace(",", ".") or None,
        "slug": kit["slug"] if kit else "unknown",
        "last_status_message": status_json(device.hardware_info) if mine else None,
    }


def status_json(told: Json | None) -> Json | None:
    """The report of a device, whole: what it left out, and today's clients read, is empty."""
    if told is None:
        return None
    known = {name: told.get(name) for name in STATUS}
    return told | {name: "" if word is None else str(word) for name, word in known.items()}


def data_policy_json(device: Device, mine: bool) -> Json:
    """What may be done with the device's data; where it is forwarded is its owner's alone."""
    token = device.owner.forwarding_token
    told = mine and device.enable_forwarding
    return {
        "is_private": device.is_private,
        "enable_forwarding": device.enable_forwarding,
        "precise_location": device.precise_location,
        "forwarding_destination": forwarding.topic(token, device.pk) if told and token else None,
    }


def notify_json(device: Device) -> Json:
    """Of what the owner is told by mail."""
    return {
        "stopped_publishing": device.notify_stopped_publishing,
        "low_battery": device.notify_low_battery,
    }


def owner_json(device: Device) -> Json:
    """The owner of a device: a user without nested devices (contract: Device).

    A plain serializer over attributes: users stand above devices.
    """
    owner: Any = device.owner
    return {
        "id": owner.pk,
        "uuid": owner.uuid,
        "role": owner.role,
        "username": owner.username,
        "first_name": owner.first_name,
        "last_name": owner.last_name,
        "avatar": owner.avatar,
        "profile_picture": owner.avatar or "",
        "url": owner.url,
        "location": {
            "city": owner.city,
            "country": country_name(owner.country_code),
            "country_code": owner.country_code,
        },
        "joined_at": owner.created_at,
        "updated_at": owner.updated_at,
        "device_ids": device.owner_device_ids,
    }


def data_json(device: Device, mine: bool, place: Json) -> Json:
    """The latest data of a device (reference: Data Object).

    Before the first reading it is the same object with null times and values.
    """
    newest = device.newest
    hidden = hidden_sensors(device, mine)
    sensors = SENSORS.of(device.edition)
    added_at = _epoch_iso(newest.added_at)
    return {
        "recorded_at": _epoch_iso(newest.recorded_at),
        "added_at": added_at,
        "calibrated_at": added_at,
        "firmware": None,
        "location": place,
        "sensors": [
            _sensor_with_data(
                sensors[sensor_id],
                None if sensor_id in hidden else newest.sensors.get(sensor_id),
            )
            for sensor_id in device.sensor_ids
            if sensor_id in sensors  # one may have been deleted since the device was read
        ],
    }


def _sensor_with_data(sensor: Json, held: Newest | None) -> Json:
    """A sensor of a device with its newest value, and the one before, injected."""
    value, raw_value = shown(held.value, held.raw) if held else (None, None)
    before = held if held and held.prev_value is not None else None
    prev_value, prev_raw_value = (
        shown(before.prev_value, before.prev_raw) if before else (None, None)
    )
    return {
        **sensor,
        "value": value,
        "raw_value": raw_value,
        "prev_value": prev_value,
        "prev_raw_value": prev_raw_value,
        "last_reading_at": _epoch_iso(held.at) if held else None,
    }


def _epoch_iso(epoch: float | None) -> str | None:
    """Epoch seconds as the API writes times; None stays None."""
    return None if epoch is None else iso(epoch)


def _iso(time: datetime | None) -> str | None:
    """A time as the API writes it; None stays None."""
    return None if time is None else iso(time.timestamp())
