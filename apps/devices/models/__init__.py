"""Things in the world: devices, their components, tags, experiments and notices, and orphans."""

from apps.devices.models.component import Component
from apps.devices.models.device import (
    MAC_ADDRESS,
    ONLINE_FOR,
    Device,
    check_json_object,
    mac_key,
    status_now,
)
from apps.devices.models.experiment import Experiment
from apps.devices.models.notice import Notice, Watch
from apps.devices.models.orphan import OrphanDevice
from apps.devices.models.place import Exposure, Place
from apps.devices.models.tag import Tag

__all__ = [
    "MAC_ADDRESS",
    "ONLINE_FOR",
    "Component",
    "Device",
    "Experiment",
    "Exposure",
    "Notice",
    "OrphanDevice",
    "Place",
    "Tag",
    "Watch",
    "check_json_object",
    "mac_key",
    "status_now",
]
