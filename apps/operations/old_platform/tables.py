"""The old tables in the order in which their rows name each other, and the columns they need."""

from __future__ import annotations

from apps.devices.models import Component, Device, Tag
from apps.kits.models import Kit
from apps.operations.old_platform import catalogue, devices, users
from apps.operations.old_platform.rules import Table
from apps.sensors.models import Measurement, Sensor
from apps.users.models import User

ROW = ("id", "uuid", "created_at", "updated_at")
TABLES = (
    Table(
        "measurements",
        Measurement,
        catalogue.measurement,
        (*ROW, "name"),
        optional=frozenset({"unit"}),
    ),
    Table(
        "sensors",
        Sensor,
        catalogue.sensor,
        (*ROW, "name"),
        optional=frozenset({"unit", "datasheet", "default_key"}),
    ),
    Table("tags", Tag, catalogue.tag, (*ROW, "name")),
    Table("kits", Kit, catalogue.kit, (*ROW, "name", "slug"), finish=catalogue.equip),
    Table(
        "users",
        User,
        users.user,
        (*ROW, "username", "email", "password_digest", "legacy_api_key"),
        optional=frozenset({"city", "country_code", "url", "avatar", "first_name", "last_name"})
        | {"forwarding_token", "forwarding_username"},
    ),
    Table(
        "devices",
        Device,
        devices.device,
        (*ROW, "owner_id", "name"),
        optional=frozenset({"mac_address", "device_token", "exposure", "latitude", "longitude"})
        | {"city", "country_code", "elevation"},
    ),
    Table("devices_tags", devices.Tagged, devices.tagged, ("device_id", "tag_id"), by_id=False),
    Table("components", Component, devices.component, (*ROW, "sensor_id")),
)
