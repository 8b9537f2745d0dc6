"""Things in the world: devices, their components, tags and experiments, and orphans."""

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
    "OrphanDevice",
    "Place",
    "Tag",
    "check_json_object",
    "mac_key",
    "status_now",
]
