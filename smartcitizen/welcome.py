"""What `make run` says when everything answers: where, how to sign in, and what to try."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.db import connections

from smartcitizen.preparation import ADMIN

# One post of an SCK 1.1, as the reference's world map example shows it calibrated.
RAW = {
    "temp": "25132",
    "hum": "30072",
    "noise": "0",
    "light": "0",
    "no2": "133482",
    "co": "41951",
    "bat": "800",
    "panel": "0",
    "nets": "13",
}
NEW_MAC = "00:06:66:12:34:56"


def text(embedded: bool, var: Path) -> str:
    """The welcome, with requests that work as they are printed."""
    url = settings.PUBLIC_URL
    device = _a_kit()
    connections.close_all()
    lines = ["", f"Smart Citizen answers at {url}"]
    if settings.KIT_PORT:
        lines.append(f"  old kits     http://{settings.REACHED_AT}:{settings.KIT_PORT}/add")
    if settings.MQTT_URL:
        broker = urlsplit(settings.MQTT_URL)  # without the password
        lines.append(f"  newer kits   what they publish at {broker.hostname} by MQTT")
    password = var / "admin_password"
    if embedded and password.exists():
        lines.append(
            f"  admin        {url}/admin/ as {ADMIN}, password {password.read_text()[:-1]}"
        )
        lines.append(f"               (kept in {password}, as first set)")
    lines.append("")
    if device is None:
        lines += ["Register a kit, as any account may:", _registration(url), ""]
    mac, path = (device.mac_address, f"devices/{device.pk}") if device else (NEW_MAC, "devices")
    lines += ["Post a reading as a kit does:", _post(url, str(mac)), ""]
    lines += ["Read it back:", f"  curl '{url}/v0/{path}?pretty=true'", "", "Ctrl-C stops it."]
    return "\n".join(lines)


def _a_kit() -> Any:
    """The first SCK 1.1 that everyone may see and whose address is known; None without one."""
    devices: Any = apps.get_model("devices", "Device")
    return (
        devices.objects.filter(kit__slug="sck:1,1", is_private=False)
        .exclude(mac_address__isnull=True)
        .exclude(mac_address="")
        .order_by("pk")
        .first()
    )


def _post(url: str, mac: str) -> str:
    """A curl that posts one reading of now."""
    row = ",".join(f'"{key}":"{value}"' for key, value in RAW.items())
    moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"  curl -X PUT {url}/add -H 'X-SmartCitizenMacADDR: {mac}' \\\n"
        "    -H 'X-SmartCitizenVersion: 1.1-0.8.5-A' \\\n"
        f'    -H \'X-SmartCitizenData: [{{{row},"timestamp":"{moment}"}}]\''
    )


def _registration(url: str) -> str:
    """A curl that registers a kit, asking for the password."""
    return f"  curl -u {ADMIN} {url}/v0/devices -d name=Kit -d kit_id=3 -d mac_address={NEW_MAC}"
