"""Strange times by every door: what is stored, what is kept as refused, and what is the newest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import mqtt
from apps.readings.models import IngestError, Reading
from apps.users.models import User

TOKEN = "aA1234"
MAC = "00:06:66:2A:02:B3"
WIFI = 21  # networks seen: neither an old kit's nor a new one's number is calibrated
GOOD = "2026-03-05 12:00:00"
Door = Callable[[list[Any]], None]

# What comes of a time, in UTC
STORED = {
    "2016-02-29 00:00:00": datetime(2016, 2, 29),
    "2024-02-29T23:59:59Z": datetime(2024, 2, 29, 23, 59, 59),
    # Clocks of Madrid skip this hour, and show the next one twice: UTC does neither.
    "2026-03-29 02:30:00": datetime(2026, 3, 29, 2, 30),
    "2025-10-26T02:30:00+02:00": datetime(2025, 10, 26, 0, 30),
    "2025-10-26T02:30:00+01:00": datetime(2025, 10, 26, 1, 30),
    # In no year but by its offset
    "2010-01-01T00:00:00Z": datetime(2010, 1, 1),
    "2009-12-31T23:00:00-01:00": datetime(2010, 1, 1),
    "1772712120": datetime(2026, 3, 5, 12, 2),
    "1772712180500": datetime(2026, 3, 5, 12, 3, 0, 500_000),
}
UNREADABLE = "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"
PAST, AHEAD = "time is before 2010", "time is more than a day ahead"
REFUSED = {
    # Clocks that died, or never were set: of Unix, of the kit's chip, of GPS
    "1970-01-01T00:00:12Z": PAST,
    "1980-01-06 00:00:00": PAST,
    "2000-01-01 00:00:00": PAST,
    "2009-12-31T23:59:59Z": PAST,
    "0001-01-01 00:00:00": PAST,
    "946684800": PAST,
    "946684800000": PAST,
    # Clocks that ran over: of NTP, of 32 bits
    "2036-02-07 06:28:16": AHEAD,
    "2038-01-19T03:14:08Z": AHEAD,
    "9999-12-31T23:59:59Z": AHEAD,
    "4294967296": AHEAD,
    # What is in no calendar
    "2025-02-29 00:00:00": UNREADABLE,
    "2100-02-29T00:00:00Z": UNREADABLE,
    "2016-12-31T23:59:60Z": UNREADABLE,
    "2026-00-00 00:00:00": UNREADABLE,
    "2026-03-05 24:00:01": UNREADABLE,
    "10000-01-01 00:00:00": UNREADABLE,
    "9999-12-31T23:59:59-10:00": UNREADABLE,
    "0001-01-01T00:00:00+10:00": UNREADABLE,
    "99999999999999": AHEAD,
}


@pytest.fixture(params=["add", "rest", "mqtt", "mqtt_raw"])
def door(request: pytest.FixtureRequest, as_user: Any, alice: User, device: Device) -> Door:
    """Sends a number measured at each of some times, by each door in turn."""
    device.change(device_token=TOKEN)

    def elements(times: list[Any]) -> list[Any]:
        sensors = [{"id": WIFI, "value": 13}]
        return [{"recorded_at": at, "sensors": sensors} for at in times]

    def add(times: list[Any]) -> None:
        rows = [{"nets": "13", "timestamp": at} for at in times]
        headers = {
            "X-SmartCitizenMacADDR": MAC,
            "X-SmartCitizenVersion": "1.1-0.8.5-A",
            "X-SmartCitizenData": orjson.dumps(rows).decode(),
        }
        assert APIClient().post("/add", headers=headers).status_code == 200

    def rest(times: list[Any]) -> None:
        path = f"/v0/devices/{device.pk}/readings"
        answer = as_user(alice).post(path, {"data": elements(times)}, format="json")
        assert answer.status_code in {200, 201, 422}, answer.content

    def by_mqtt(times: list[Any]) -> None:
        mqtt.receive(f"device/sck/{TOKEN}/readings", orjson.dumps({"data": elements(times)}))

    def raw(times: list[Any]) -> None:
        for at in times:
            mqtt.receive(f"device/sck/{TOKEN}/readings/raw", f"{{t:{at},{WIFI}:13}}".encode())

    doors: dict[str, Door] = {"add": add, "rest": rest, "mqtt": by_mqtt, "mqtt_raw": raw}
    return doors[request.param]


def stored(device: Device) -> set[datetime]:
    """When the readings that are stored were measured."""
    return set(Reading.objects.filter(device_id=device.pk).values_list("recorded_at", flat=True))


def shown(client: APIClient, device: Device) -> tuple[Any, Any, Any]:
    """What is shown as the newest reading of the device, in three places."""
    body = client.get(f"/v0/devices/{device.pk}").json()
    listed = client.get("/v0/devices").json()[0]
    return body["last_reading_at"], body["data"]["recorded_at"], listed["last_reading_at"]


def test_a_time_that_is_right_is_stored_as_it_is_meant(door: Door, device: Device) -> None:
    door(list(STORED))
    assert stored(device) == {at.replace(tzinfo=UTC) for at in STORED.values()}
    assert not IngestError.objects.exists()


def test_a_clock_that_is_wrong_is_kept_with_its_reason_and_never_the_newest(
    door: Door, client: APIClient, as_user: Any, alice: User, device: Device
) -> None:
    door([GOOD, *REFUSED])
    assert stored(device) == {datetime(2026, 3, 5, 12, tzinfo=UTC)}
    assert shown(client, device) == ("2026-03-05T12:00:00Z",) * 3
    listed = as_user(alice).get(f"/v0/devices/{device.pk}/ingest_errors").json()
    reasons = [*REFUSED.values()]
    assert {each["reason"]: each["count"] for each in listed} == {
        reason: reasons.count(reason) for reason in (PAST, AHEAD, UNREADABLE)
    }
    # What was sent last is there to be looked at.
    last = {reason: at for at, reason in REFUSED.items()}
    assert all(last[each["reason"]] in each["payload"] for each in listed)


def test_with_its_clock_dead_from_the_start_a_device_has_no_newest_reading(
    door: Door, client: APIClient, device: Device
) -> None:
    door(["1970-01-01 00:00:12", "2000-01-01 00:00:00"])
    assert shown(client, device) == (None, None, None)
    assert client.get(f"/v0/devices/{device.pk}").json()["status"] == "new"
    assert stored(device) == set()


def test_neither_a_late_reading_nor_one_of_tomorrow_is_the_newest(
    door: Door, client: APIClient, device: Device
) -> None:
    now = timezone.now().replace(microsecond=0)
    times = [now - timedelta(minutes=1), now + timedelta(hours=20), now - timedelta(days=400)]
    for at in times:
        door([f"{at:%Y-%m-%d %H:%M:%S}"])
    assert stored(device) == set(times)
    assert shown(client, device) == (f"{times[0]:%Y-%m-%dT%H:%M:%SZ}",) * 3
    assert not IngestError.objects.exists()


def test_a_number_may_stand_for_a_time_where_it_is_one_of_epoch_seconds_or_milliseconds(
    as_user: Any, alice: User, device: Device
) -> None:
    times = [1772712120, 1772712180500, 1772712240.25, -1, 0, 9e15, 1e11]
    data = [{"recorded_at": at, "sensors": [{"id": WIFI, "value": 1}]} for at in times]
    answer = as_user(alice).post(f"/v0/devices/{device.pk}/readings", {"data": data}, format="json")
    assert answer.status_code == 201
    reasons = {each["index"]: each["reason"] for each in answer.json()["rejected"]}
    assert reasons == {3: PAST, 4: PAST, 5: UNREADABLE, 6: PAST}
    noon = datetime(2026, 3, 5, 12, tzinfo=UTC)
    assert stored(device) == {noon + timedelta(seconds=each) for each in (120, 180.5, 240.25)}
