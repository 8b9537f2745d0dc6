"""Every example of the reference, asked for as it stands there and compared whole.

Times are cut to whole seconds, and fields of ours may stand beside those of the reference
(contract, preamble).
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken, set_token_value
from rest_framework.test import APIClient

from apps.devices.latest import Latest
from apps.devices.models import Device
from apps.kits.models import Kit
from apps.users import legacy_keys
from apps.users.models import User
from tests.contract.tools import assert_error, assert_shows

HOST = "new-api.smartcitizen.me"
OAUTH_TOKEN = "94abeabdec09f6670863766f792ead24d61fe3f9"

MAP_ENTRY: dict[str, Any] = {
    "added_at": "2015-02-02T15:59:48.435Z",
    "city": "Haarlem",
    "country_code": "NL",
    "data": {
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
        "added_at": "2015-04-28T14:16:08.238Z",
        "calibrated_at": "2015-04-28T14:16:08.238Z",
        "recorded_at": "2015-04-28T14:16:08.238Z",
    },
    "description": "",
    "exposure": "indoor",
    "id": 625,
    "kit_id": 3,
    "latitude": 52.3781227,
    "longitude": 4.6291324,
    "name": "SmartHaarlem",
    "owner_id": 667,
    "owner_username": "SmartHaarlem",
    "status": "offline",
}

SENSORS: list[dict[str, Any]] = [
    {
        "id": 3,
        "parent_id": None,
        "name": "DHT22",
        "description": "Digital Temperature and Relative Humidity Sensor",
        "unit": None,
        "created_at": "2015-02-02T18:14:15.199Z",
        "updated_at": "2015-02-02T18:14:15.199Z",
    },
    {
        "id": 4,
        "parent_id": 3,
        "name": "DHT22 - Temperature",
        "description": "Temperature",
        "unit": "ºC",
        "created_at": "2015-02-02T18:15:14.132Z",
        "updated_at": "2015-02-02T18:15:14.132Z",
    },
    {
        "id": 5,
        "parent_id": 3,
        "name": "DHT22 - Humidity",
        "description": "Humidity",
        "unit": "%",
        "created_at": "2015-02-02T18:15:34.891Z",
        "updated_at": "2015-02-02T18:15:34.891Z",
    },
]

BATTERY: dict[str, Any] = {
    "id": 10,
    "name": "Battery",
    "description": "Custom Circuit",
    "unit": "%",
    "created_at": "2015-02-02T18:18:00.276Z",
    "updated_at": "2015-02-02T18:18:00.276Z",
}

ALEX: dict[str, Any] = {
    "avatar": None,
    "devices": [
        {
            "added_at": "2015-02-02T15:59:50.225Z",
            "data": None,
            "description": "Test Kit for the Innovation Lab Kosovo, within the event Science for "
            "change / Citizen Science.",
            "id": 1357,
            "kit_id": 3,
            "last_reading_at": "2015-05-05T08:15:00.016Z",
            "latitude": 42.5813722,
            "longitude": 20.88935,
            "name": "Citizen Science Kit #1",
            "owner": "alex",
            # The example says `new`, which is history: it posted (contract, preamble).
            "status": "offline",
            "updated_at": "2015-02-11T18:48:42.663Z",
        }
    ],
    "first_name": None,
    "id": 2,
    "joined_at": "2015-02-02T15:54:37.656Z",
    "last_name": None,
    "location": {"city": None, "country": None, "country_code": None},
    "updated_at": "2015-02-02T15:54:37.656Z",
    "url": None,
    "username": "alex",
}

FOUND: list[dict[str, Any]] = [
    {
        "id": 32,
        "type": "User",
        "username": "anastasia",
        "avatar": None,
        "city": None,
        "country_code": None,
    },
    {
        "id": 56,
        "type": "Device",
        "name": "nat kit",
        "description": "nat kit at home",
        "owner_id": 32,
        "owner_username": "anastasia",
        "city": "Barcelona",
        "country_code": "ES",
    },
]


@pytest.fixture
def smart_haarlem(installed: None) -> Device:
    """Device 625 of the world map, with the readings that it shows."""
    owner = User.objects.create_user("SmartHaarlem", "haarlem@example.org", None, pk=667)
    same = ("id", "name", "description", "exposure", "latitude", "longitude", "city")
    fields = {name: MAP_ENTRY[name] for name in (*same, "country_code", "kit_id")}
    device: Device = Device.objects.register(owner=owner, **fields)
    posted = datetime.fromisoformat(MAP_ENTRY["data"]["recorded_at"])
    latest = Latest()
    data = MAP_ENTRY["data"]
    values = {
        int(name): (float(value), None if raw is None else float(raw))
        for name, value in data.items()
        if name.isdecimal()
        for raw in [data.get(f"{name}_raw")]
    }
    latest.fold(posted.timestamp(), posted.timestamp(), values)
    Device.objects.filter(pk=device.pk).update(
        latest=latest.to_json(),
        last_reading_at=posted,
        created_at=datetime.fromisoformat(MAP_ENTRY["added_at"]),
    )
    return device


@pytest.fixture
def alex(installed: None) -> User:
    """User 2, with the access token of the examples."""
    user = User.objects.create_user("alex", "alex@example.org", None, pk=2)
    nested = ALEX["devices"][0]
    same = ("id", "name", "description", "latitude", "longitude", "kit_id")
    Device.objects.register(owner=user, **{name: nested[name] for name in same})
    Device.objects.filter(pk=1357).update(
        created_at=datetime.fromisoformat(nested["added_at"]),
        updated_at=datetime.fromisoformat(nested["updated_at"]),
        last_reading_at=datetime.fromisoformat(nested["last_reading_at"]),
    )
    joined = datetime.fromisoformat(ALEX["joined_at"])
    User.objects.filter(pk=2).update(created_at=joined, updated_at=joined)
    expires = timezone.now() + timedelta(hours=1)
    token = AccessToken(user=user, scope="public write readings", expires=expires)
    set_token_value(token, OAUTH_TOKEN)
    token.save()
    return user


# Summary


def test_every_resource_of_the_summary_answers_under_v0(client: APIClient, alex: User) -> None:
    bearer = {"Authorization": f"Bearer {OAUTH_TOKEN}"}
    for path in ("me", "users/2", "devices/1357", "kits/3", "sensors/3"):
        response = client.get(f"/v0/{path}", headers=bearer)
        assert (response.status_code, type(response.json())) == (200, dict), path


def test_the_version_may_be_in_the_url_in_the_accept_header_or_nowhere(
    client: APIClient, alex: User
) -> None:
    accept = {"Accept": "application/vnd.smartcitizen; version=0,application/json"}
    good = client.get("/v0/users")
    for response in (
        client.get("/users"),
        client.get("/users", headers=accept),
        client.get("/v0/users", headers=accept),
    ):
        assert response.status_code == 200
        assert response["Content-Type"] == "application/json"
        assert response.content == good.content
    unknown = {"Accept": "application/vnd.smartcitizen; version=7,application/json"}
    assert_error(client.get("/v0/users", headers=unknown), 406, "not_acceptable")


def test_blank_fields_are_null_and_times_are_utc_in_whole_seconds(
    client: APIClient, alex: User
) -> None:
    body = client.get("/v0/users/2").json()
    assert (body["first_name"], body["url"], body["location"]["city"]) == (None, None, None)
    assert (body["joined_at"], body["updated_at"]) == ("2015-02-02T15:54:37Z",) * 2


@pytest.mark.parametrize("path", ["", "/", "/v0", "/v0/"])
def test_the_root_lists_all_endpoint_categories(client: APIClient, db: None, path: str) -> None:
    response = client.get(path, secure=True, headers={"Host": HOST})
    body = response.json()
    version = body.pop("version_git")
    assert (response.status_code, type(version)) == (200, str)
    assert body == {
        "current_user_url": f"https://{HOST}/v0/me",
        "components_url": f"https://{HOST}/v0/components",
        "devices_url": f"https://{HOST}/v0/devices",
        "kits_url": f"https://{HOST}/v0/kits",
        "measurements_url": f"https://{HOST}/v0/measurements",
        "sensors_url": f"https://{HOST}/v0/sensors",
        "tags_url": f"https://{HOST}/v0/tags",
        "users_url": f"https://{HOST}/v0/users",
        "search_url": f"https://{HOST}/v0/search",
        "api_documentation_url": f"https://{HOST}/docs",
    }


@pytest.mark.parametrize(
    "path",
    ["/v0/users", "/v0/users/2", "/v0/devices", "/v0/devices/1357", "/v0/devices/world_map"]
    + ["/v0/sensors", "/v0/sensors/10", "/v0/kits", "/v0/kits/3", "/v0/search?q=alex", "/v0"],
)
def test_a_callback_wraps_any_get_in_a_function(client: APIClient, alex: User, path: str) -> None:
    plain = client.get(path)
    joined = "&" if "?" in path else "?"
    wrapped = client.get(f"{path}{joined}callback=show")
    assert wrapped.status_code == 200
    assert wrapped["Content-Type"].startswith("application/javascript")
    assert wrapped.content.decode() == f"/**/show({plain.content.decode()});"


# Authentication


@pytest.mark.parametrize(
    ("query", "authorization"),
    [
        (f"?access_token={OAUTH_TOKEN}", None),
        ("", f"token {OAUTH_TOKEN}"),
        ("", f"Bearer {OAUTH_TOKEN}"),
        ("", "Token token=b32a8e54b11c4de5a4a351734c80a14a"),
    ],
)
def test_the_ways_to_be_someone(
    client: APIClient, alex: User, query: str, authorization: str | None
) -> None:
    legacy_keys.assign(alex, "b32a8e54b11c4de5a4a351734c80a14a")
    alex.save()
    headers = {"Authorization": authorization} if authorization else {}
    response = client.get(f"/v0/me{query}", headers=headers)
    assert (response.status_code, response.json()["username"]) == (200, "alex")


def test_john_comes_with_his_name_and_password(client: APIClient, db: None) -> None:
    User.objects.create_user("john", "john@example.org", "smartpass")
    basic = {"Authorization": "Basic am9objpzbWFydHBhc3M="}
    assert client.get("/v0/me", headers=basic).json()["username"] == "john"


# Filtering Responses


def test_the_headers_of_page_five_of_4321_users(client: APIClient, db: None) -> None:
    User.objects.bulk_create(
        User(username=f"user {n}", email=f"{n}@example.org") for n in range(4321)
    )
    response = client.get("/v0/users?page=5", secure=True, headers={"Host": HOST})
    assert response.status_code == 200
    # Ours name the per_page in force as well (contract: Pagination).
    assert response["Link"] == (
        f'<https://{HOST}/v0/users?page=1&per_page=25>; rel="first", '
        f'<https://{HOST}/v0/users?page=173&per_page=25>; rel="last", '
        f'<https://{HOST}/v0/users?page=6&per_page=25>; rel="next", '
        f'<https://{HOST}/v0/users?page=4&per_page=25>; rel="prev"'
    )
    assert (response["Total"], response["Per-Page"]) == ("4321", "25")
    assert [user["username"] for user in response.json()] == [f"user {n}" for n in range(100, 125)]


def test_the_search_for_anastasia_finds_her_and_her_device(
    client: APIClient, installed: None
) -> None:
    user, device = FOUND
    anastasia = User.objects.create_user(user["username"], "a@example.org", None, pk=user["id"])
    same = ("id", "name", "description", "city", "country_code")
    Device.objects.register(owner=anastasia, **{name: device[name] for name in same})
    other = User.objects.create_user("alex", "alex@example.org", None)
    Device.objects.register(owner=other, name="another kit", city="Barcelona", country_code="ES")
    response = client.get("/v0/search?q=anastasia")
    assert response.status_code == 200
    assert_shows(response.json(), FOUND)


@pytest.fixture
def adam(device: Device, bob: User) -> Device:
    """Adam, a fan of the SCK, and a device; alice and her device are there too."""
    adam = User.objects.create_user("adam", "adam@example.org", None, first_name="Adam")
    User.objects.create_user("the_SCK_fan", "fan@example.org", None, first_name="Adamson")
    return Device.objects.register(owner=adam, name="Adam's")


@pytest.mark.parametrize("prefix", ["", "/v0"])
def test_the_basic_searches(client: APIClient, adam: Device, prefix: str) -> None:
    def found(query: str) -> list[dict[str, Any]]:
        response = client.get(f"{prefix}{query}")
        assert response.status_code == 200, response.content
        rows: list[dict[str, Any]] = response.json()
        assert response["Total"] == str(len(rows))
        return rows

    assert [user["username"] for user in found("/users?q[first_name_eq]=adam")] == ["adam"]
    owned = found(f"/devices?q[owner_id_eq]={adam.owner_id}")
    assert [device["id"] for device in owned] == [adam.pk]
    sensors = found("/sensors?q[id_lt]=100&per_page=1000")
    assert [sensor["id"] for sensor in sensors][:3] == [3, 4, 5]
    assert all(sensor["id"] < 100 for sensor in sensors)
    fans = found("/users?q[username_cont]=sck")
    assert [user["username"] for user in fans] == ["the_SCK_fan"]


def test_the_sorts(client: APIClient, adam: Device, device: Device) -> None:
    users = client.get("/users?q[sort]=username%20asc").json()
    assert [user["username"] for user in users] == ["adam", "alice", "bob", "the_SCK_fan"]
    devices = client.get("/devices?q[sort]=id%20desc").json()
    assert [found["id"] for found in devices] == [adam.pk, device.pk]


def test_the_default_response_is_minimal_and_pretty_indents_by_two_spaces(
    client: APIClient, installed: None
) -> None:
    minimal = client.get("/v0/sensors/10")
    pretty = client.get("/v0/sensors/10?pretty=true")
    body = minimal.json()
    assert_shows(body, BATTERY)
    assert pretty.json() == body
    assert minimal.content.startswith(b'{"id":10,"uuid":"c9ff2784-53a7-4a84-b0fc-90ecc7e313f9",')
    assert pretty.content.startswith(b'{\n  "id": 10,\n  "uuid": "c9ff2784-53a7-4a84-b0fc-')
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    assert minimal.content == written.encode()
    assert pretty.content == json.dumps(body, ensure_ascii=False, indent=2).encode()
    for field in (b'"name":"Battery"', b'"description":"Custom Circuit"', b'"unit":"%"'):
        assert field in minimal.content
        assert b"\n  " + field.replace(b'":', b'": ') + b"," in pretty.content


# Devices


def test_the_world_map_of_devices(client: APIClient, smart_haarlem: Device) -> None:
    response = client.get("/v0/devices/world_map")
    assert response.status_code == 200
    assert_shows(response.json(), [MAP_ENTRY])
    assert response.json()[0]["data"].keys() == MAP_ENTRY["data"].keys()


def test_the_world_map_can_not_be_paged_searched_or_sorted(
    client: APIClient, smart_haarlem: Device
) -> None:
    whole = client.get("/v0/devices/world_map").json()
    for query in ("page=2&per_page=1", "q[id_eq]=1", "q[sort]=id%20desc", "near=0,0", "page=x"):
        response = client.get(f"/v0/devices/world_map?{query}")
        assert (response.status_code, response.json()) == (200, whole), query
        assert not {"Link", "Total", "Per-Page"} & response.headers.keys()


def test_all_devices_are_listed_with_the_same_data_as_one(
    client: APIClient, smart_haarlem: Device, alex: User
) -> None:
    one = client.get("/v0/devices/625").json()
    other = client.get("/v0/devices/1357").json()
    assert client.get("/v0/devices").json() == [one, other]
    assert "mac_address" not in one
    assert (one["id"], one["status"], one["kit"]["id"]) == (625, "offline", 3)
    near_haarlem = client.get("/v0/devices?near=52.37,4.62").json()
    assert [found["id"] for found in near_haarlem] == [625, 1357]
    near_kosovo = client.get("/v0/devices?near=42.58,20.88").json()
    assert [found["id"] for found in near_kosovo] == [1357, 625]


def test_the_latest_readings_are_embedded_in_the_sensors_of_a_device(
    client: APIClient, smart_haarlem: Device
) -> None:
    data = client.get("/v0/devices/625").json()["data"]
    expected = MAP_ENTRY["data"]
    times = {name: expected[name] for name in ("recorded_at", "added_at", "calibrated_at")}
    assert_shows(data, times)
    values = [(sensor["id"], sensor["value"], sensor["raw_value"]) for sensor in data["sensors"]]
    ids = [7, 12, 13, 14, 15, 16, 17, 18, 21]
    # What needs no calibration is its own raw value.
    raws = [expected.get(f"{id_}_raw", expected[str(id_)]) for id_ in ids]
    assert values == [(id_, expected[str(id_)], raw) for id_, raw in zip(ids, raws, strict=True)]


def test_a_device_is_removed_by_its_owner(client: APIClient, alex: User) -> None:
    bearer = {"Authorization": f"Bearer {OAUTH_TOKEN}"}
    assert client.delete("/v0/devices/1357").status_code == 401
    response = client.delete("/v0/devices/1357", headers=bearer)
    assert (response.status_code, response.json()) == (200, {"message": "OK"})
    assert client.get("/v0/devices/1357").status_code == 404
    assert client.get("/v0/devices").json() == []


# Sensors and kits


def test_all_sensors_are_listed_and_each_is_shown_by_itself(
    client: APIClient, installed: None
) -> None:
    response = client.get("/v0/sensors")
    assert response.status_code == 200
    found = response.json()
    assert (len(found), response["Per-Page"]) == (25, "25")
    assert_shows(found[:3], SENSORS)
    for sensor in found[:3]:
        assert client.get(f"/v0/sensors/{sensor['id']}").json() == sensor


def test_all_kits_are_listed_and_each_has_many_sensors(client: APIClient, installed: None) -> None:
    kits = client.get("/v0/kits").json()
    names = [kit["name"] for kit in kits]
    assert any("SCK 1.0" in name for name in names) and any("SCK 1.1" in name for name in names)
    assert [kit["id"] for kit in kits] == sorted(Kit.objects.values_list("pk", flat=True))
    reference = ["id", "slug", "name", "description", "created_at", "updated_at", "sensors"]
    for kit in kits:
        assert set(reference) <= kit.keys()
        assert kit["sensors"], kit["name"]
        assert client.get(f"/v0/kits/{kit['id']}").json() == kit
        assert client.get(f"/v0/kits/{kit['slug']}").json() == kit
    sensors = {sensor["id"]: sensor for kit in kits for sensor in kit["sensors"]}
    assert client.get("/v0/sensors/12").json() == sensors[12]


# Users


@pytest.mark.parametrize("named", ["2", "alex", "ALEX"])
def test_a_user_is_got_by_id_or_username(client: APIClient, alex: User, named: str) -> None:
    response = client.get(f"/v0/users/{named}")
    assert response.status_code == 200
    assert_shows(response.json(), ALEX)
    assert client.get("/v0/users").json() == [response.json()]


def test_the_current_user_is_got_by_a_bearer_token(client: APIClient, alex: User) -> None:
    response = client.get("/v0/me", headers={"Authorization": f"Bearer {OAUTH_TOKEN}"})
    assert response.status_code == 200
    assert_shows(response.json(), {**ALEX, "email": "alex@example.org"})
    assert_error(client.get("/v0/me"), 401, "unauthorized", "Authorization required")


def test_the_current_user_is_updated_by_a_bearer_token(client: APIClient, alex: User) -> None:
    bearer = {"Authorization": f"Bearer {OAUTH_TOKEN}"}
    sent = {"first_name": "Alex", "city": "Pristina", "country_code": "AL"}
    response = client.patch("/v0/me", sent, headers=bearer)
    assert response.status_code == 200
    expected = ALEX | {
        "first_name": "Alex",
        "location": {"city": "Pristina", "country_code": "AL", "country": "Albania"},
    }
    del expected["updated_at"]
    assert_shows(response.json(), expected)
    assert response.json()["updated_at"] > ALEX["updated_at"]
    assert client.get("/v0/me", headers=bearer).json() == response.json()
