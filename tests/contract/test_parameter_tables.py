"""Every row of every parameter table of the reference, sent or observed with its documented type.

The tables read like the reference: parameter, type, and what it is about.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User
from tests.contract.tools import assert_error, assert_is, at

POSTED = datetime.fromisoformat("2015-02-11T10:03:36.653Z")


class Sent(NamedTuple):
    """A row of a table of parameters that a client sends, and where the answer shows it."""

    name: str
    required: bool
    kind: str
    example: Any
    shown_at: str


class Shown(NamedTuple):
    """A row of a table of fields that an answer shows; `blank` is what stands for nothing."""

    name: str
    kind: str
    example: Any = None
    blank: Any = None


ADD_A_DEVICE = [
    Sent("name", True, "string", "Beach SCK", "name"),
    Sent("description", False, "string", "A Smart Citizen on the Beach", "description"),
    Sent("mac_address", True, "string", "00:1C:B3:09:85:15", "mac_address"),
    Sent("kit_id", False, "integer", 3, "kit.id"),
    Sent("exposure", False, "string", "outdoor", "data.location.exposure"),
    Sent("latitude", False, "decimal", 41.401108, "data.location.latitude"),
    Sent("longitude", False, "decimal", 2.215319, "data.location.longitude"),
]
UPDATE_A_DEVICE = ADD_A_DEVICE  # and `id`, which stands in the URL

GET_A_DEVICE = [
    Shown("id", "integer", 2, blank=3),
    Shown("owner", "object", blank=...),
    Shown("name", "string", "Beach SCK", blank="Bare"),
    Shown("description", "string", "A Smart Citizen on the Beach"),
    Shown("status", "string", "offline", blank="new"),
    Shown("added_at", "datetime", blank=...),
    Shown("last_reading_at", "datetime", "2015-02-11T10:03:36Z"),
    Shown("updated_at", "datetime", blank=...),
    Shown("data", "object", blank=...),
    Shown("kit", "object"),
    Shown("mac_address", "string", "00:1C:B3:09:85:15"),
]
DATA_OBJECT = [
    Shown("recorded_at", "datetime", "2015-02-11T10:03:36Z"),
    Shown("added_at", "datetime"),
    Shown("calibrated_at", "datetime"),
    Shown("location.exposure", "string", "outdoor"),
    Shown("location.elevation", "integer", 500),
    Shown("location.latitude", "decimal", 39.1529768625514),
    Shown("location.longitude", "decimal", -77.2663983320978),
    Shown("location.geohash", "string", "dqcn9z86d7"),
    Shown("location.city", "string", "Germantown"),
    Shown("location.country_code", "string", "US"),
    Shown("location.country", "string", "United States"),
    Shown("sensors", "array", blank=[]),
]
IGNORED_FOR_NOW = ["firmware", "location.ip"]

WORLD_MAP = [
    Shown("id", "integer", 2, blank=3),
    Shown("name", "string", "Beach SCK", blank="Bare"),
    Shown("description", "string", "A Smart Citizen on the Beach"),
    Shown("owner_id", "integer", blank=...),
    Shown("owner_username", "string", "alice", blank="alice"),
    Shown("latitude", "decimal", 39.1529768625514, blank=0.0),
    Shown("longitude", "decimal", -77.2663983320978, blank=0.0),
    Shown("city", "string", "Germantown"),
    Shown("country_code", "string", "US"),
    Shown("kit_id", "integer", 3),
    Shown("status", "string", "offline", blank="new"),
    Shown("exposure", "string", "outdoor"),
    Shown("data", "object"),
    Shown("added_at", "datetime", blank=...),
]

ADD_A_USER = [
    Sent("first_name", False, "string", "Dora", "first_name"),
    Sent("last_name", False, "string", "Maar", "last_name"),
    Sent("email", True, "string", "dora@example.org", "email"),
    Sent("username", True, "string", "dora", "username"),
    Sent("password", True, "string", "doradora", ""),
    Sent("city", False, "string", "Paris", "location.city"),
    Sent("country_code", False, "string", "FR", "location.country_code"),
    Sent("url", False, "string", "https://dora.example.org", "url"),
    Sent("avatar", False, "string", "https://dora.example.org/me.png", "avatar"),
]

GET_CURRENT_USER = [
    Shown("id", "integer", blank=...),
    Shown("first_name", "string", "Dora"),
    Shown("last_name", "string", "Maar"),
    Shown("email", "string", "alice@example.org", blank="alice@example.org"),
    Shown("username", "string", "alice", blank="alice"),
    Shown("location.city", "string", "Paris"),
    Shown("location.country_code", "string", "FR"),
    Shown("location.country", "string", "France"),
    Shown("url", "string", "https://dora.example.org"),
    Shown("avatar", "string", "https://dora.example.org/me.png"),
    Shown("joined_at", "datetime", blank=...),
    Shown("devices", "array", blank=[]),
]

FOUND_DEVICE = [
    Shown("id", "integer", 2, blank=3),
    Shown("name", "string", "Beach SCK", blank="Bare"),
    Shown("owner_id", "integer", blank=...),
    Shown("owner_username", "string", "alice", blank="alice"),
    Shown("city", "string", "Germantown"),
    Shown("country_code", "string", "US"),
]
FOUND_USER = [
    Shown("id", "integer", blank=...),
    Shown("username", "string", "alice", blank="alice"),
    Shown("avatar", "string", "https://dora.example.org/me.png"),
    Shown("city", "string", "Paris"),
    Shown("country_code", "string", "FR"),
]

PROFILE = {row.name: row.example for row in ADD_A_USER if not row.required}


def names(row: tuple[Any, ...]) -> str:
    """A row by its parameter, in the names of the tests."""
    return str(row[0])


@pytest.fixture
def full(alice: User, sck_1_1: Kit) -> Device:
    """Device 2, with all that the examples of the tables say of one."""
    device: Device = Device.objects.register(
        pk=2,
        owner=alice,
        kit=sck_1_1,
        name="Beach SCK",
        description="A Smart Citizen on the Beach",
        mac_address="00:1C:B3:09:85:15",
        exposure="outdoor",
        latitude=39.1529768625514,
        longitude=-77.2663983320978,
        elevation=500,
        city="Germantown",
        country_code="US",
    )
    ingest.store(device.pk, [Row(0, POSTED, {7: (50.0, 0.0), 21: (13.0, None)})])
    return device


@pytest.fixture
def bare(alice: User) -> Device:
    """Device 3, with a name and nothing else."""
    device: Device = Device.objects.register(pk=3, owner=alice, name="Bare")
    return device


def assert_row(row: Shown, full_body: Any, bare_body: Any) -> None:
    """A field has its type and example where there is one, and is there as null where not."""
    found, blank = at(full_body, row.name), at(bare_body, row.name)
    assert_is(row.kind, found)
    if row.example is not None:
        assert found == row.example
    if row.blank is ...:
        assert_is(row.kind, blank)
    else:
        assert (type(blank), blank) == (type(row.blank), row.blank)


# Filtering Responses: Pagination


def test_page_is_1_and_per_page_is_25_by_default(client: APIClient, db: None) -> None:
    User.objects.bulk_create(User(username=f"u{n:03}", email=f"{n}@e.org") for n in range(60))

    def page(query: str) -> list[str]:
        response = client.get(f"/v0/users{query}")
        assert (response.status_code, response["Total"]) == (200, "60")
        return [user["username"] for user in response.json()]

    everyone = [f"u{n:03}" for n in range(60)]
    assert page("") == page("?page=1") == page("?per_page=25") == everyone[:25]
    assert page("?page=&per_page=") == everyone[:25]
    assert page("?page=2") == everyone[25:50]
    assert page("?page=3") == everyone[50:]
    assert page("?page=4") == []
    assert page("?per_page=7&page=2") == everyone[7:14]
    assert page("?per_page=100") == everyone


@pytest.mark.parametrize("path", ["users", "devices", "sensors", "kits", "search?q=alice"])
def test_most_endpoints_that_return_more_than_one_result_have_pages(
    client: APIClient, full: Device, bare: Device, path: str
) -> None:
    User.objects.create_user("alice2", "alice2@example.org", None)
    joined = "&" if "?" in path else "?"
    first = client.get(f"/v0/{path}{joined}per_page=1")
    second = client.get(f"/v0/{path}{joined}per_page=1&page=2")
    assert (len(first.json()), len(second.json())) == (1, 1)
    assert first.json() != second.json()
    assert (first["Per-Page"], second["Per-Page"]) == ("1", "1")
    assert int(first["Total"]) == int(second["Total"]) >= 2
    assert ['rel="next"' in first["Link"], 'rel="prev"' in first["Link"]] == [True, False]
    assert 'rel="prev"' in second["Link"]


# Filtering Responses: Global Search


@pytest.mark.parametrize("row", FOUND_DEVICE, ids=names)
def test_a_device_that_is_found_has(
    row: Shown, client: APIClient, full: Device, bare: Device
) -> None:
    [beach] = client.get("/v0/search?q=beach").json()
    [nothing] = client.get("/v0/search?q=bare").json()
    assert (beach["type"], nothing["type"]) == ("Device", "Device")
    assert_row(row, beach, nothing)


@pytest.mark.parametrize("row", FOUND_USER, ids=names)
def test_a_user_who_is_found_has(row: Shown, client: APIClient, alice: User) -> None:
    [blank] = client.get("/v0/search?q=alice").json()
    User.objects.filter(pk=alice.pk).update(**PROFILE)
    [whole] = client.get("/v0/search?q=alice").json()
    assert (blank["type"], whole["type"]) == ("User", "User")
    assert_row(row, whole, blank)


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20"])
def test_the_search_requires_q(client: APIClient, db: None, query: str) -> None:
    assert_error(client.get(f"/v0/search{query}"), 400, "parameter_missing", "q")


# Devices


@pytest.mark.parametrize("row", WORLD_MAP, ids=names)
def test_a_device_on_the_world_map_has(
    row: Shown, client: APIClient, full: Device, bare: Device
) -> None:
    bare.change(latitude=0.0, longitude=0.0)
    beach, nothing = client.get("/v0/devices/world_map").json()
    assert_row(row, beach, nothing)


def test_the_data_on_the_world_map_is_keyed_by_sensor_ids(client: APIClient, full: Device) -> None:
    [entry] = client.get("/v0/devices/world_map").json()
    added_at = entry["data"]["added_at"]
    assert_is("datetime", added_at)
    assert entry["data"] == {
        "7": 50.0,
        "7_raw": 0,
        "21": 13,
        "recorded_at": "2015-02-11T10:03:36Z",
        "calibrated_at": added_at,
        "added_at": added_at,
    }


@pytest.mark.parametrize("row", ADD_A_DEVICE, ids=names)
def test_a_device_is_added_with(row: Sent, sck_1_1: Kit, alice: User, as_user: Any) -> None:
    others = {other.name: other.example for other in ADD_A_DEVICE if other.name != row.name}
    response = as_user(alice).post("/v0/devices", {**others, row.name: row.example}, format="json")
    assert response.status_code == 201, response.content
    found = at(response.json(), row.shown_at)
    assert_is(row.kind, found)
    assert found == row.example


@pytest.mark.parametrize("row", ADD_A_DEVICE, ids=names)
def test_a_device_is_added_without(row: Sent, sck_1_1: Kit, alice: User, as_user: Any) -> None:
    together = {"latitude", "longitude"} if row.name in {"latitude", "longitude"} else {row.name}
    others = {other.name: other.example for other in ADD_A_DEVICE if other.name not in together}
    for left_out in ({}, dict.fromkeys(together)):
        response = as_user(alice).post("/v0/devices", {**others, **left_out}, format="json")
        if row.required:
            body = assert_error(response, 422, "unprocessable_entity")
            assert body["errors"] == {row.name: ["can't be blank"]}
            assert not Device.objects.exists()
        else:
            assert response.status_code == 201, response.content
            body = response.json()
            blank = body["kit"] if row.name == "kit_id" else at(body, row.shown_at)
            assert blank is None
            Device.objects.get(pk=body["id"]).archive()  # frees the MAC address


@pytest.mark.parametrize("row", UPDATE_A_DEVICE, ids=names)
@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_device_is_updated_by_its_owner_in(
    method: str, row: Sent, device: Device, alice: User, as_user: Any
) -> None:
    change = getattr(as_user(alice), method)
    Device.objects.filter(pk=device.pk).update(kit_id=2)
    before = as_user(alice).get(f"/v0/devices/{device.pk}").json()
    response = change(f"/v0/devices/{device.pk}", {row.name: row.example}, format="json")
    assert response.status_code == 200, response.content
    after = response.json()
    assert after["id"] == device.pk
    assert at(before, row.shown_at) != row.example
    assert at(after, row.shown_at) == row.example
    for other in UPDATE_A_DEVICE:
        if other.name != row.name:
            assert at(after, other.shown_at) == at(before, other.shown_at), other.name


@pytest.mark.parametrize("row", GET_A_DEVICE, ids=names)
def test_a_device_has(
    row: Shown, full: Device, bare: Device, client: APIClient, alice: User, as_user: Any
) -> None:
    owner = as_user(alice)
    whole, nothing = (owner.get(f"/v0/devices/{pk}").json() for pk in (full.pk, bare.pk))
    assert_row(row, whole, nothing)
    # "Returns all devices, with the same data"
    assert owner.get("/v0/devices").json() == [whole, nothing]
    if row.name == "mac_address":
        assert row.name not in client.get(f"/v0/devices/{full.pk}").json()


@pytest.mark.parametrize("row", DATA_OBJECT, ids=names)
def test_the_data_of_a_device_has(
    row: Shown, full: Device, bare: Device, client: APIClient
) -> None:
    whole, nothing = (client.get(f"/v0/devices/{pk}").json() for pk in (full.pk, bare.pk))
    assert_row(row, whole["data"], nothing["data"])


@pytest.mark.parametrize("name", IGNORED_FOR_NOW)
def test_what_is_to_be_ignored_is_there_as_null(name: str, full: Device, client: APIClient) -> None:
    assert at(client.get(f"/v0/devices/{full.pk}").json()["data"], name) is None


def test_values_are_injected_into_the_sensors_of_a_device(full: Device, client: APIClient) -> None:
    for found in client.get(f"/v0/devices/{full.pk}").json()["data"]["sensors"]:
        alone = client.get(f"/v0/sensors/{found['id']}").json()
        assert {name: found[name] for name in alone} == alone
        values = {7: (50.0, 0), 21: (13, 13)}.get(found["id"], (None, None))
        assert (found["value"], found["raw_value"]) == values


@pytest.mark.parametrize(
    ("near", "names"),
    [
        ("41.401108,2.215319", ["Beach", "Haarlem", "Fiji"]),
        ("52.3781227,4.6291324", ["Haarlem", "Beach", "Fiji"]),
        ("-17,-179", ["Fiji", "Haarlem", "Beach"]),
        ("41.401108,%202.215319", ["Beach", "Haarlem", "Fiji"]),
        ("", ["Fiji", "Nowhere", "Beach", "Haarlem"]),
    ],
)
def test_near_returns_devices_in_order_of_distance(
    client: APIClient, alice: User, near: str, names: list[str]
) -> None:
    add = Device.objects.register
    add(owner=alice, name="Fiji", latitude=-17.0, longitude=178.0)
    add(owner=alice, name="Nowhere")
    add(owner=alice, name="Beach", latitude=41.4, longitude=2.2)
    add(owner=alice, name="Haarlem", latitude=52.378, longitude=4.629)
    response = client.get(f"/v0/devices?near={near}")
    assert [device["name"] for device in response.json()] == names
    assert response["Total"] == str(len(names))


@pytest.mark.parametrize(
    ("minutes", "status"), [(None, "new"), (0, "online"), (9, "online"), (11, "offline")]
)
def test_the_status_follows_from_the_last_update(
    client: APIClient, device: Device, minutes: int | None, status: str
) -> None:
    if minutes is not None:
        moment = timezone.now() - timedelta(minutes=minutes)
        ingest.store(device.pk, [Row(0, moment, {7: (50.0, None)})])
    assert client.get(f"/v0/devices/{device.pk}").json()["status"] == status
    assert client.get("/v0/devices/world_map").json()[0]["status"] == status


# Users


def sign_up(client: APIClient, fields: dict[str, Any]) -> Any:
    """The answer to a sign-up."""
    return client.post("/v0/users", fields, format="json")


@pytest.mark.parametrize("row", ADD_A_USER, ids=names)
def test_a_user_is_added_with(row: Sent, client: APIClient, db: None) -> None:
    response = sign_up(client, {other.name: other.example for other in ADD_A_USER})
    assert response.status_code == 201, response.content
    if row.name == "password":
        assert User.objects.get().check_password(row.example)
        assert row.example not in response.content.decode()
    else:
        found = at(response.json(), row.shown_at)
        assert_is(row.kind, found)
        assert found == row.example


@pytest.mark.parametrize("row", ADD_A_USER, ids=names)
def test_a_user_is_added_without(row: Sent, client: APIClient, db: None) -> None:
    others = {other.name: other.example for other in ADD_A_USER if other.name != row.name}
    for blank in ({}, {row.name: None}, {row.name: ""}):
        response = sign_up(client, {**others, **blank})
        if row.required:
            body = assert_error(response, 422, "unprocessable_entity")
            assert body["errors"] == {row.name: ["can't be blank"]}
            assert not User.objects.exists()
        else:
            assert response.status_code == 201, response.content
            assert at(response.json(), row.shown_at) is None
            User.objects.all().delete()


@pytest.mark.parametrize("row", ADD_A_USER, ids=names)
@pytest.mark.parametrize("url", ["/v0/me", "/v0/users/alice"])
def test_a_user_updates_his_own(
    url: str, row: Sent, alice: User, device: Device, as_user: Any
) -> None:
    before = as_user(alice).get("/v0/me").json()
    response = as_user(alice).patch(url, {row.name: row.example}, format="json")
    assert response.status_code == 200, response.content
    after = response.json()
    if row.name == "password":
        alice.refresh_from_db()
        assert alice.check_password(row.example)
    elif row.name == "email":  # it is confirmed there first (docs/accounts.md)
        assert (after["email"], after["unconfirmed_email"]) == (before["email"], row.example)
    else:
        assert at(before, row.shown_at) != row.example
        assert at(after, row.shown_at) == row.example
    for other in ADD_A_USER:
        if other.name not in {row.name, "password"}:
            assert at(after, other.shown_at) == at(before, other.shown_at), other.name


@pytest.mark.parametrize("row", GET_CURRENT_USER, ids=names)
def test_the_current_user_has(row: Shown, alice: User, as_user: Any) -> None:
    blank = as_user(alice).get("/v0/me").json()
    User.objects.filter(pk=alice.pk).update(**PROFILE)
    Device.objects.register(owner=alice, name="Beach SCK")
    whole = as_user(alice).get("/v0/me").json()
    assert_row(row, whole, blank)


@pytest.mark.parametrize("id_or_username", ["id", "username"])
def test_a_user_is_named_by(id_or_username: str, client: APIClient, alice: User, bob: User) -> None:
    named = {"id": alice.pk, "username": alice.username}[id_or_username]
    assert client.get(f"/v0/users/{named}").json()["id"] == alice.pk
    unknown = {"id": 101308, "username": "nobody"}[id_or_username]
    message = f"Couldn't find User with '{id_or_username}'={unknown}"
    body = assert_error(client.get(f"/v0/users/{unknown}"), 404, "record_not_found")
    assert body["message"] == message
