"""A kit's first reading goes all the way through: over real sockets, to real processes."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pytest_django import DjangoDbBlocker

from tests.live import Platform, platform

MAC = "00:06:66:2A:02:B3"
LOOSE_MAC = "00:06:66:2a:02:b4"
# reference: World Map of Devices, as an SCK 1.1 posts it
ROW = (
    '{"temp":"25132","hum":"30072","noise":"0","light":"0","no2":"133482","co":"41951",'
    '"bat":"800","panel":"0","nets":"13","timestamp":"2015-04-28 14:16:08"}'
)
# The reference's numbers, with their kinds: 14 is a float, 18 and 21 are integers.
DATA = {
    "12": 14.38578857421875,
    "12_raw": 25132,
    "13": 64.3577880859375,
    "13_raw": 30072,
    "14": 0.0,
    "14_raw": 0,
    "15": 133.482,
    "15_raw": 133482,
    "16": 41.951,
    "16_raw": 41951,
    "17": 80.0,
    "17_raw": 800,
    "18": 0,
    "21": 13,
    "7": 50.0,
    "7_raw": 0,
}
CLOCK = re.compile(rb"UTC:\d{4},\d{1,2},\d{1,2},\d\d,\d\d,\d\d#")


@pytest.fixture(scope="module")
def live(django_db_blocker: DjangoDbBlocker) -> Iterator[Platform]:
    """A running platform with the reference's device, and one that speaks loosely."""
    with django_db_blocker.unblock(), platform("smartcitizen_first_reading") as running:
        running.python(
            "from apps.users.models import User; from apps.devices.models import Device;"
            "owner = User.objects.create_user('SmartHaarlem', 'sh@example.org', None);"
            f"Device.objects.register(owner=owner, name='SmartHaarlem', mac_address='{MAC}',"
            " kit_id=3, description='', exposure='indoor', city='Haarlem', country_code='NL',"
            " latitude=52.3781227, longitude=4.6291324);"
            "Device.objects.register(owner=owner, name='loose', kit_id=3,"
            f" mac_address='{LOOSE_MAC}')"
        )
        yield running


def kinds(data: dict[str, Any]) -> dict[str, str]:
    """Numbers as they are written, so that 0 and 0.0 differ."""
    return {key: repr(value) for key, value in data.items()}


def raw(port: int, request: bytes) -> bytes:
    """Send bytes to a port as they are, and read until the clock or the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = b""
        while not answer.endswith(b"#") and (piece := connection.recv(4096)):
            answer += piece
    return answer


def test_the_references_reading_is_seen_calibrated_in_all_three_places(live: Platform) -> None:
    assert live.get("/v0/devices/world_map").json()[0]["data"] is None
    answer = requests.post(
        f"{live.web}/add",
        headers={
            "X-SmartCitizenMacADDR": MAC,
            "X-SmartCitizenVersion": "1.1-0.8.5-A",
            "X-SmartCitizenData": f"[{ROW}]",
        },
        timeout=30,
    )
    assert answer.status_code == 200
    assert CLOCK.fullmatch(answer.content)

    device = live.get("/v0/devices/1").json()
    assert device["last_reading_at"] == device["data"]["recorded_at"] == "2015-04-28T14:16:08Z"
    assert (device["status"], device["state"]) == ("offline", "has_published")
    shown: dict[str, Any] = {}
    for sensor in device["data"]["sensors"]:
        shown[str(sensor["id"])] = sensor["value"]
        if f"{sensor['id']}_raw" in DATA:
            shown[f"{sensor['id']}_raw"] = sensor["raw_value"]
        else:
            assert sensor["raw_value"] == sensor["value"]
    assert kinds(shown) == kinds(DATA)

    [reading] = live.get("/v0/devices/1/readings").json()
    assert reading["recorded_at"] == "2015-04-28T14:16:08Z"
    assert kinds(reading["data"]) == kinds(DATA)

    entry = wait_for_the_map(live)
    times = {key: entry["data"].pop(key) for key in ("recorded_at", "added_at", "calibrated_at")}
    assert times["recorded_at"] == "2015-04-28T14:16:08Z"
    assert times["added_at"] == times["calibrated_at"] == reading["added_at"]
    assert kinds(entry["data"]) == kinds(DATA)
    assert {key: entry[key] for key in REFERENCE} == REFERENCE


# reference: World Map of Devices, beside `data` and what differs from install to install
REFERENCE = {
    "city": "Haarlem",
    "country_code": "NL",
    "description": "",
    "exposure": "indoor",
    "id": 1,
    "kit_id": 3,
    "latitude": 52.3781227,
    "longitude": 4.6291324,
    "name": "SmartHaarlem",
    "owner_id": 1,
    "owner_username": "SmartHaarlem",
    "status": "offline",
}


def wait_for_the_map(live: Platform) -> Any:
    """The only entry of the map once it has data: within the minute that a copy is kept."""
    deadline = time.monotonic() + 60
    while (entry := live.get("/v0/devices/world_map").json()[0])["data"] is None:
        assert time.monotonic() < deadline, "the reading did not reach the map within 60 s"
        time.sleep(1)
    return entry


HEADERS = b"X-SmartCitizenMacADDR: 00:06:66:2a:02:b4\r\nX-SmartCitizenVersion: 1.1-0.8.5-A\r\n"


@pytest.mark.parametrize("space", [b" ", b""])
@pytest.mark.parametrize("stray", [b"", b"]\r\n\r\n"])
def test_the_exact_bytes_of_an_old_kit_end_as_a_reading(
    live: Platform, space: bytes, stray: bytes
) -> None:
    minute = 10 + len(space) + 2 * len(stray)
    time_ = f"2015-5-12 10:{minute}:00"
    request = (
        b"PUT /add HTTP/1.1" + space + b"\nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n"
        + HEADERS
        + f'X-SmartCitizenData: [{{"temp":"29090.6","timestamp":"{time_}"}}]\r\n\r\n'.encode()
        + stray
    )  # fmt: skip
    answer = raw(live.kit_port, request)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert CLOCK.search(answer)
    query = f"from=2015-05-12 10:{minute}:00&to=2015-05-12 10:{minute}:01"
    [reading] = live.get(f"/v0/devices/2/readings?{query}").json()
    assert reading["data"] == {"12": pytest.approx(24.99988146972656), "12_raw": 29090.6}


def test_a_kit_asks_for_the_time_before_it_posts(live: Platform) -> None:
    answer = raw(
        live.kit_port,
        b"GET /datetime HTTP/1.1 \nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n\n",
    )
    assert CLOCK.search(answer)


def test_what_is_refused_is_answered_with_the_clock_and_kept(live: Platform) -> None:
    refused = {
        "unknown MAC address": ("de:ad:be:ef:00:00", f"[{ROW}]"),
        "data is not JSON": (MAC, "[{"),
        "time is more than a day ahead": (MAC, '[{"temp":"1","timestamp":"2099-01-01 00:00:00"}]'),
    }
    before = len(live.get("/v0/devices/1/readings").json())
    for mac_address, data in refused.values():
        answer = requests.get(
            f"{live.web}/v0/add",
            headers={"X-SmartCitizenMacADDR": mac_address, "X-SmartCitizenData": data},
            timeout=30,
        )
        assert answer.status_code == 200
        assert CLOCK.fullmatch(answer.content)
    assert len(live.get("/v0/devices/1/readings").json()) == before
    kept = live.python(
        "from apps.readings.models import IngestError;"
        "print(*IngestError.objects.values_list('reason', flat=True), sep='\\n')"
    )
    assert sorted(kept.splitlines()) == sorted(refused)


def test_the_port_of_old_kits_serves_nothing_else(live: Platform) -> None:
    answer = raw(live.kit_port, b"GET /v0/devices HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b'"id":"not_found"' in answer
