"""Adding, changing and deleting devices: who may, what is checked, what stays as it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices import world_map
from apps.devices.models import Device
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

NEW = {"name": "Beach SCK", "mac_address": "00:1C:B3:09:85:15"}


@pytest.fixture(autouse=True)
def _installed(installed: None) -> None:
    """Kits and tags are there."""


def errors(response: Any) -> Any:
    """The errors of a 422."""
    assert response.status_code == 422, response.content
    body = response.json()
    assert body["id"] == "unprocessable_entity"
    return body["errors"]


def test_a_device_is_added_and_belongs_to_who_added_it(alice: User, as_user: Any) -> None:
    fields = {
        **NEW,
        "description": "A Smart Citizen on the Beach",
        "kit_id": 3,
        "exposure": "outdoor",
        "latitude": 41.401108,
        "longitude": 2.215319,
        "elevation": 3,
        "city": "Barcelona",
        "country_code": "es",
        "user_tags": "barcelona, School",
    }
    response = as_user(alice).post("/v0/devices", fields, format="json")
    assert response.status_code == 201
    body = response.json()
    assert body["owner"]["username"] == "alice"
    assert body["owner"]["device_ids"] == [body["id"]]
    assert body["mac_address"] == "00:1C:B3:09:85:15"
    assert body["user_tags"] == ["Barcelona", "School"]
    assert len(body["data"]["sensors"]) == 9
    expected = {**fields, "country_code": "ES"}
    for key in ("name", "description", "kit_id", "exposure", "latitude", "longitude"):
        assert body[key] == expected[key]
    for key in ("elevation", "city", "country_code"):
        assert body["location"][key] == expected[key]


@pytest.mark.parametrize("form", ["json", "multipart", "urlencoded", "query"])
def test_parameters_come_as_json_form_or_in_the_query(alice: User, as_user: Any, form: str) -> None:
    client = as_user(alice)
    if form == "query":
        response = client.post("/v0/devices?name=Beach%20SCK&mac_address=00-1c-b3-09-85-15")
    elif form == "urlencoded":
        response = client.post(
            "/v0/devices",
            "name=Beach+SCK&mac_address=00-1c-b3-09-85-15",
            content_type="application/x-www-form-urlencoded",
        )
    else:
        response = client.post(
            "/v0/devices", {**NEW, "mac_address": "00-1c-b3-09-85-15"}, format=form
        )
    assert response.status_code == 201
    assert response.json()["mac_address"] == "00-1c-b3-09-85-15"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": None}, {"name": ["can't be blank"]}),
        ({"name": " "}, {"name": ["can't be blank"]}),
        ({"name": "x" * 201}, {"name": ["is too long (maximum is 200 characters)"]}),
        ({"mac_address": None}, {"mac_address": ["can't be blank"]}),
        ({"mac_address": "00:1C:B3:09:85"}, {"mac_address": ["is invalid"]}),
        ({"mac_address": "00:1C:B3:09:85:GG"}, {"mac_address": ["is invalid"]}),
        ({"mac_address": "00:06:66:2a:02:b3"}, {"mac_address": ["has already been taken"]}),
        ({"mac_address": "00-06-66-2A-02-B3"}, {"mac_address": ["has already been taken"]}),
        ({"kit_id": 4711}, {"kit_id": ["must exist"]}),
        ({"kit_id": "three"}, {"kit_id": ["is invalid"]}),
        ({"exposure": "outside"}, {"exposure": ["is not included in the list"]}),
        ({"latitude": 91, "longitude": 0}, {"latitude": ["must be less than or equal to 90"]}),
        ({"latitude": "north", "longitude": 0}, {"latitude": ["is not a number"]}),
        ({"latitude": "NaN", "longitude": 0}, {"latitude": ["is not a number"]}),
        (
            {"latitude": 0, "longitude": -181},
            {"longitude": ["must be greater than or equal to -180"]},
        ),
        ({"latitude": 41.4}, {"longitude": ["can't be blank"]}),
        ({"longitude": 2.2}, {"latitude": ["can't be blank"]}),
        ({"country_code": "XX"}, {"country_code": ["is invalid"]}),
        ({"user_tags": "School,Nope,Nada"}, {"user_tags": ["unknown tags: Nada, Nope"]}),
        ({"is_private": "perhaps"}, {"is_private": ["is invalid"]}),
        ({"elevation": "high"}, {"elevation": ["is not a number"]}),
    ],
)
def test_bad_input_is_named_and_changes_nothing(
    device: Device, alice: User, as_user: Any, fields: dict[str, Any], expected: Any
) -> None:
    client = as_user(alice)
    response = client.post("/v0/devices", {**NEW, **fields}, format="json")
    assert errors(response) == expected
    assert Device.objects.count() == 1
    if fields.get("mac_address") not in ("00:06:66:2a:02:b3", "00-06-66-2A-02-B3") and set(
        fields
    ) not in ({"latitude"}, {"longitude"}):
        before = Device.objects.values().get()
        assert errors(client.patch(f"/v0/devices/{device.pk}", fields, format="json")) == expected
        assert Device.objects.values().get() == before


def test_nothing_at_all_names_what_is_required(alice: User, as_user: Any) -> None:
    blank = ["can't be blank"]
    response = as_user(alice).post("/v0/devices", {}, format="json")
    assert errors(response) == {"name": blank, "mac_address": blank}


@pytest.mark.parametrize("method", ["patch", "put"])
def test_a_change_leaves_what_it_does_not_name(
    device: Device, alice: User, as_user: Any, method: str
) -> None:
    change = getattr(as_user(alice), method)
    response = change(f"/v0/devices/{device.pk}", {"name": "Renamed"}, format="json")
    assert response.status_code == 200
    body = response.json()
    assert (body["name"], body["exposure"], body["latitude"]) == ("Renamed", "indoor", 52.3781227)
    assert body["mac_address"] == "00:06:66:2A:02:B3"
    assert body["updated_at"] >= body["created_at"]


def test_blank_empties_and_both_coordinates_go_together(
    device: Device, alice: User, as_user: Any
) -> None:
    fields = {"latitude": None, "longitude": None, "exposure": "", "city": "", "user_tags": ""}
    response = as_user(alice).patch(f"/v0/devices/{device.pk}", fields, format="json")
    body = response.json()
    assert (body["latitude"], body["longitude"], body["exposure"]) == (None, None, None)
    assert (body["location"]["geohash"], body["location"]["city"]) == (None, None)


def test_another_kit_brings_its_sensors_and_keeps_those_that_were_posted(
    device: Device, alice: User, as_user: Any
) -> None:
    ingest.store(device.pk, [Row(0, timezone.now(), {12: (20.0, None)})])
    response = as_user(alice).patch(f"/v0/devices/{device.pk}", {"kit_id": 2}, format="json")
    ids = [sensor["id"] for sensor in response.json()["data"]["sensors"]]
    assert ids == [4, 5, 6, 7, 8, 9, 10, 11, 12, 21]


def test_fields_that_are_not_a_clients_are_ignored(
    device: Device, alice: User, bob: User, as_user: Any
) -> None:
    fields = {
        "owner_id": bob.pk,
        "owner": bob.pk,
        "id": 4711,
        "uuid": "5efd2376-6783-476b-bf85-57ead5f89654",
        "latest": {},
        "last_reading_at": "2026-01-01",
        "device_token": "abc",
        "archived_at": "2026-01-01",
        "is_test": True,
    }
    before = Device.objects.values().get()
    response = as_user(alice).patch(f"/v0/devices/{device.pk}", fields, format="json")
    assert response.status_code == 200
    after = Device.objects.values().get()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


def test_a_reading_that_comes_in_while_a_device_is_changed_is_not_lost(
    device: Device, alice: User
) -> None:
    stale = Device.objects.get(pk=device.pk)
    ingest.store(device.pk, [Row(0, timezone.now(), {12: (20.0, None)})])
    stale.name = "Renamed"
    stale.save()
    device.refresh_from_db()
    assert device.newest.sensors[12].value == 20.0
    assert (device.name, device.readings_version) == ("Renamed", 1)


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_strangers_and_the_anonymous_change_nothing(
    client: APIClient, device: Device, bob: User, as_user: Any, method: str
) -> None:
    url = f"/v0/devices/{device.pk}"
    for stranger, status in ((client, 401), (as_user(bob), 403)):
        response = getattr(stranger, method)(url, {"name": "Mine"}, format="json")
        assert response.status_code == status
    assert client.get(url).json()["name"] == "SmartHaarlem"
    assert client.post("/v0/devices", NEW, format="json").status_code == 401


@pytest.mark.parametrize("method", ["patch", "delete"])
def test_a_private_device_is_401_for_the_anonymous_and_404_for_strangers(
    client: APIClient, device: Device, bob: User, as_user: Any, method: str
) -> None:
    device.is_private = True
    device.save()
    url = f"/v0/devices/{device.pk}"
    assert getattr(client, method)(url, {}, format="json").status_code == 401
    assert getattr(as_user(bob), method)(url, {}, format="json").status_code == 404


def test_an_admin_changes_and_deletes_what_is_not_his(
    device: Device, carol: User, as_user: Any
) -> None:
    url = f"/v0/devices/{device.pk}"
    assert as_user(carol).patch(url, {"name": "Seen to"}, format="json").status_code == 200
    assert as_user(carol).delete(url).json() == {"message": "OK"}


def test_a_deleted_device_leaves_every_answer_and_its_mac_address_is_free(
    client: APIClient, device: Device, alice: User, as_user: Any
) -> None:
    response = as_user(alice).delete(f"/v0/devices/{device.pk}")
    assert (response.status_code, response.json()) == (200, {"message": "OK"})
    assert client.get(f"/v0/devices/{device.pk}").status_code == 404
    assert client.get("/v0/devices").json() == []
    assert as_user(alice).patch(f"/v0/devices/{device.pk}", {}).status_code == 404
    again = {"name": "Again", "mac_address": device.mac_address}
    assert as_user(alice).post("/v0/devices", again, format="json").status_code == 201
    assert Device.objects.filter(pk=device.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_the_map_forgets_a_deleted_hidden_or_moved_device_at_once(
    client: APIClient, device: Device, alice: User, as_user: Any
) -> None:
    def on_map() -> list[Any]:
        return [
            (d["id"], d["latitude"])
            for d in orjson.loads(client.get("/v0/devices/world_map").content)
        ]

    url = f"/v0/devices/{device.pk}"
    assert on_map() == [(device.pk, 52.3781227)]
    as_user(alice).patch(url, {"latitude": 1, "longitude": 2}, format="json")
    assert on_map() == [(device.pk, 1.0)]
    as_user(alice).patch(url, {"is_private": True}, format="json")
    assert on_map() == []
    as_user(alice).patch(url, {"is_private": False}, format="json")
    as_user(alice).delete(url)
    assert on_map() == []


@pytest.mark.django_db(transaction=True)
def test_readings_do_not_drop_the_map(device: Device) -> None:
    tag = world_map.current().tag
    ingest.store(device.pk, [Row(0, timezone.now() - timedelta(hours=1), {12: (1.0, None)})])
    assert world_map.current().tag == tag


def test_the_map_over_http(client: APIClient, device: Device, bob: User, as_user: Any) -> None:
    plain = client.get("/v0/devices/world_map?page=2&per_page=1&q[id_eq]=0")
    assert [entry["id"] for entry in plain.json()] == [device.pk]
    assert plain["Cache-Control"] == "public, max-age=60"
    zipped = client.get("/v0/devices/world_map", headers={"Accept-Encoding": "gzip"})
    assert zipped["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in zipped["Vary"]
    unchanged = client.get("/v0/devices/world_map", headers={"If-None-Match": plain["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    wrapped = client.get("/v0/devices/world_map?callback=show").content
    assert wrapped.startswith(b"/**/show([{") and wrapped.endswith(b"]);")
    assert client.get("/v0/devices/world_map?pretty=true").content.startswith(b"[\n  {")
    assert client.get("/v0/devices/fresh_world_map").status_code == 401
    assert as_user(bob).get("/v0/devices/fresh_world_map").json() == plain.json()


def test_city_and_country_follow_from_the_coordinates(alice: User, as_user: Any) -> None:
    fields = {**NEW, "latitude": 41.3874, "longitude": 2.1686}
    body = as_user(alice).post("/v0/devices", fields, format="json").json()
    assert body["location"]["city"] == "Barcelona"
    assert (body["location"]["country_code"], body["location"]["country"]) == ("ES", "Spain")
    assert body["location"]["geohash"].startswith("sp3e3")


def test_what_the_user_sends_of_the_place_wins(alice: User, as_user: Any) -> None:
    fields = {**NEW, "latitude": 41.3874, "longitude": 2.1686, "city": "Raval", "elevation": 12}
    place = as_user(alice).post("/v0/devices", fields, format="json").json()["location"]
    assert (place["city"], place["country_code"], place["elevation"]) == ("Raval", "ES", 12)


def test_a_move_changes_the_place_and_anything_else_leaves_it(
    device: Device, alice: User, as_user: Any
) -> None:
    url = f"/v0/devices/{device.pk}"
    change = as_user(alice).patch
    renamed = change(url, {"name": "Renamed", "latitude": device.latitude}, format="json").json()
    assert renamed["location"]["city"] == "Haarlem"
    moved = change(url, {"latitude": 48.8566, "longitude": 2.3522}, format="json").json()
    assert (moved["location"]["city"], moved["location"]["country_code"]) == ("Paris", "FR")
    at_sea = change(url, {"longitude": -30}, format="json").json()
    assert (at_sea["location"]["city"], at_sea["location"]["country_code"]) == (None, None)
