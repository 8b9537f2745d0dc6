"""`/add` and `/datetime`: what old kits send, what they are told, and what is kept of it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.readings.models import IngestError, Reading
from apps.users.models import User

MAC = "00:06:66:2A:02:B3"
ROW = {"temp": "25132", "noise": "0", "nets": "13", "timestamp": "2015-04-28 14:16:08"}
CLOCK = re.compile(rb"UTC:\d{4},\d{1,2},\d{1,2},\d\d,\d\d,\d\d#")


def post(
    client: APIClient,
    *rows: Any,
    mac: str = MAC,
    version: str | None = "1.1-0.8.5-A",
    method: str = "post",
    path: str = "/add",
    data: str | None = None,
) -> Any:
    """Post rows as a kit does, in its headers."""
    headers = {
        "X-SmartCitizenMacADDR": mac,
        "X-SmartCitizenData": data or orjson.dumps(rows).decode(),
    }
    if version is not None:
        headers["X-SmartCitizenVersion"] = version
    response = getattr(client, method)(path, headers=headers)
    assert response.status_code == 200
    assert CLOCK.fullmatch(response.content)
    return response


def errors() -> list[tuple[str, int]]:
    """The reasons that are kept, and how often."""
    return list(IngestError.objects.order_by("reason").values_list("reason", "count"))


@pytest.mark.parametrize("path", ["/add", "/add/", "/v0/add", "/v0/add/"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_every_method_and_path_that_kits_use_stores(
    client: APIClient, device: Device, path: str, method: str
) -> None:
    post(client, ROW, path=path, method=method)
    assert Reading.objects.get().device_id == device.pk


def test_other_methods_are_405_in_the_envelope(client: APIClient, db: None) -> None:
    response = client.delete("/add")
    assert response.status_code == 405
    assert response.json()["id"] == "method_not_allowed"
    assert response["Allow"] == "GET, HEAD, POST, PUT, PATCH"


@pytest.mark.parametrize("path", ["/add", "/datetime", "/v0/datetime", "/datetime/"])
def test_without_headers_the_clock_is_told_and_nothing_kept(
    client: APIClient, db: None, path: str
) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert CLOCK.fullmatch(response.content)
    assert "no-store" in response["Cache-Control"]
    assert "ETag" not in response
    assert errors() == []


def test_the_clock_pads_the_time_but_not_month_and_day(client: APIClient, db: None) -> None:
    now = timezone.now()
    told = client.get("/datetime").content.decode()
    year, month, day = told.removeprefix("UTC:").split(",")[:3]
    assert (int(year), month, day) in [
        (moment.year, str(moment.month), str(moment.day))
        for moment in (now, now + timedelta(seconds=5))
    ]


@pytest.mark.parametrize("mac", ["00:06:66:2a:02:b3", "00-06-66-2A-02-B3", "00:06:66:2A:02:B3"])
def test_a_mac_address_is_the_same_in_any_case_and_with_any_separator(
    client: APIClient, device: Device, mac: str
) -> None:
    post(client, ROW, mac=mac)
    assert Reading.objects.count() == 1


def test_an_unknown_mac_address_is_kept_for_the_admins(client: APIClient, device: Device) -> None:
    post(client, ROW, mac="de:ad:be:ef:00:00")
    post(client, ROW, mac="de:ad:be:ef:00:00")
    kept = IngestError.objects.get()
    assert (kept.device, kept.origin) == (None, "de:ad:be:ef:00:00")
    assert (kept.source, kept.reason, kept.count) == ("kit", "unknown MAC address", 2)
    assert orjson.loads(kept.payload) == [ROW]
    assert not Reading.objects.exists()


def test_data_without_a_mac_address_is_kept_too(client: APIClient, db: None) -> None:
    post(client, ROW, mac="")
    assert errors() == [("MAC address is missing", 1)]


def test_the_mac_address_of_an_archived_device_is_unknown(
    client: APIClient, device: Device
) -> None:
    Device.objects.filter(pk=device.pk).update(archived_at=timezone.now())
    post(client, ROW)
    assert errors() == [("unknown MAC address", 1)]


def test_broken_json_is_kept_with_its_reason(client: APIClient, device: Device) -> None:
    post(client, data='[{"temp":"1",')
    kept = IngestError.objects.get()
    assert (kept.device, kept.reason, kept.payload) == (device, "data is not JSON", '[{"temp":"1",')
    device.refresh_from_db()
    assert device.last_reading_at is None


def test_a_time_two_days_ahead_is_refused_and_kept(client: APIClient, device: Device) -> None:
    ahead = timezone.now() + timedelta(days=2)
    post(client, ROW | {"timestamp": f"{ahead:%Y-%m-%d %H:%M:%S}"})
    assert errors() == [("time is more than a day ahead", 1)]
    assert not Reading.objects.exists()


def test_a_bad_value_is_kept_and_the_others_are_stored(client: APIClient, device: Device) -> None:
    post(client, ROW | {"temp": "abc"})
    assert errors() == [("value is not a finite number or the text of one", 1)]
    device.refresh_from_db()
    assert sorted(device.newest.sensors) == [7, 21]


def test_an_unknown_key_is_kept_and_the_others_are_stored(
    client: APIClient, device: Device
) -> None:
    post(client, ROW | {"phlogiston": "3"})
    assert errors() == [("unknown sensor", 1)]
    device.refresh_from_db()
    assert sorted(device.newest.sensors) == [7, 12, 21]


def test_a_dead_clock_is_refused_with_that_reason(client: APIClient, device: Device) -> None:
    post(client, ROW | {"timestamp": "#"})
    assert errors() == [("time is #: the kit's clock failed", 1)]


def test_every_row_of_a_post_counts(client: APIClient, device: Device) -> None:
    post(client, *(ROW | {"timestamp": f"2015-4-6 10:{n:02}:00"} for n in range(20)))
    assert Reading.objects.count() == 20


@pytest.mark.parametrize(
    ("version", "sensor_id", "value"),
    [
        ("1.1-0.8.5-A", 12, 14.38578857421875),
        ("1.2-0.9.0", 12, 14.38578857421875),
        ("2.0", 12, 14.38578857421875),
        ("1.0-0.8.5-A", 4, 500.0),
        ("1.0", 4, 500.0),
        (None, 12, 14.38578857421875),
        ("nonsense", 12, 14.38578857421875),
        ("", 12, 14.38578857421875),
    ],
)
def test_the_version_says_which_calibration_counts(
    client: APIClient, device: Device, version: str | None, sensor_id: int, value: float
) -> None:
    post(client, {"temp": "25132", "timestamp": "2015-04-28 14:16:08"}, version=version)
    device.refresh_from_db()
    assert {id_: newest.value for id_, newest in device.newest.sensors.items()} == {
        sensor_id: value
    }


def test_without_a_version_the_devices_kit_decides(
    client: APIClient, alice: User, installed: None
) -> None:
    device = Device.objects.register(
        owner=alice, name="old", mac_address=MAC, kit=Kit.objects.get(slug="sck:1,0")
    )
    post(client, {"temp": "215", "timestamp": "2015-04-28 14:16:08"}, version=None)
    device.refresh_from_db()
    assert device.newest.sensors[4].value == 21.5


def test_an_edited_formula_counts_from_the_next_post(client: APIClient, device: Device) -> None:
    assert device.kit
    device.kit.kit_sensors.filter(key="nets").update(calibration={"kind": "linear", "multiply": 2})
    post(client, ROW)
    device.refresh_from_db()
    assert device.newest.compact() == {
        "7": 50.0,
        "7_raw": 0,
        "12": 14.38578857421875,
        "12_raw": 25132,
        "21": 26.0,
        "21_raw": 13,
        "recorded_at": "2015-04-28T14:16:08Z",
        "added_at": device.newest.compact()["added_at"],  # type: ignore[index]
        "calibrated_at": device.newest.compact()["calibrated_at"],  # type: ignore[index]
    }


def test_the_panel_shows_its_raw_number_only_beyond_its_bounds(
    client: APIClient, device: Device
) -> None:
    post(client, {"panel": "1234", "timestamp": "2015-04-28 14:16:08"})
    device.refresh_from_db()
    assert device.newest.sensors[18][:2] == (1234.0, None)
    post(client, {"panel": "100001", "timestamp": "2015-04-28 14:17:08"})
    device.refresh_from_db()
    assert device.newest.sensors[18][:2] == (100000.0, 100001.0)


def test_the_same_post_again_is_no_error_and_changes_nothing(
    client: APIClient, device: Device
) -> None:
    post(client, ROW)
    post(client, ROW)
    assert Reading.objects.count() == 1
    assert errors() == []


@pytest.mark.django_db(transaction=True)
def test_with_the_reasons_not_kept_the_clock_is_not_told(
    client: APIClient, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Readings and reasons are one transaction: either both are kept or the kit is told nothing."""

    def fails(*args: object) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr("apps.readings.kits.ingest_errors.keep", fails)
    client.raise_request_exception = False
    response = client.get(
        "/add",
        headers={
            "X-SmartCitizenMacADDR": MAC,
            "X-SmartCitizenData": orjson.dumps([ROW]).decode(),
        },
    )
    assert response.status_code == 500
    assert b"UTC" not in response.content
    assert not Reading.objects.exists()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ('[{"a\\u0000b":"1","temp":"25132","timestamp":"2015-04-28 14:16:08"}]', "unknown sensor"),
        (
            '[{"hum":' + "[" * 300 + "]" * 300 + ',"temp":"1","timestamp":"2015-04-28 14:16:08"}]',
            "value is not a finite number or the text of one",
        ),
    ],
)
def test_whatever_is_odd_is_kept_and_the_rest_is_stored(
    client: APIClient, device: Device, data: str, reason: str
) -> None:
    post(client, data=data)
    assert errors() == [(reason, 1)]
    device.refresh_from_db()
    assert sorted(device.newest.sensors) == [12]


def test_a_mac_address_with_a_nul_is_unknown(client: APIClient, device: Device) -> None:
    post(client, ROW, mac="00:06\0")
    assert errors() == [("unknown MAC address", 1)]


@pytest.mark.parametrize(
    "formula",
    [
        {"kind": "linear", "divide": 0},
        {"kind": "table", "points": []},
        {"kind": "linear", "multiply": "a"},
        {"kind": "quadratic"},
        [1],
    ],
)
def test_a_formula_that_cannot_be_used_refuses_its_sensor_alone(
    client: APIClient, device: Device, formula: Any
) -> None:
    assert device.kit
    device.kit.kit_sensors.filter(key="noise").update(calibration=formula)
    post(client, ROW)
    assert errors() == [("the formula of the sensor cannot be used", 1)]
    device.refresh_from_db()
    assert sorted(device.newest.sensors) == [12, 21]


def test_strangers_without_end_are_counted_together(
    client: APIClient, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.readings.ingest_errors.MOST_STRANGERS", 2)
    for n in (1, 2, 3, 4, 1):
        post(client, ROW, mac=f"de:ad:be:ef:00:0{n}")
    kept = IngestError.objects.order_by("pk").values_list("origin", "count")
    assert list(kept) == [("de:ad:be:ef:00:01", 2), ("de:ad:be:ef:00:02", 1), ("", 2)]
