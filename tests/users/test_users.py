"""`GET /v0/users` and `/v0/users/<id|username>`: the whole JSON, pages, and the cost."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device, Tag
from apps.kits.models import Kit
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

FILTERED = "[FILTERED]"
SECRETS = ("email", "legacy_api_key", "forwarding_token", "forwarding_username")
# The recorded cost of a list: users, their devices, and the count; kits are known from an earlier
# request.
QUERIES_OF_THE_LIST = 3


def get(client: APIClient, segment: object) -> Any:
    """The JSON of the user whom the segment names."""
    response = client.get(f"/v0/users/{quote(str(segment))}")
    assert response.status_code == 200, response.content
    return response.json()


def iso(time: datetime) -> str:
    """A time as the API writes it."""
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


def test_the_example_of_the_reference(client: APIClient, installed: None) -> None:
    # reference: Get a User; times cut to whole seconds. A device that posted is not `new`: the
    # status of the example is history (contract, preamble).
    alex = User.objects.create_user("alex", "alex@example.org", "alexalexalex", pk=2)
    joined = datetime(2015, 2, 2, 15, 54, 37, 656000, UTC)
    User.objects.filter(pk=2).update(created_at=joined, updated_at=joined)
    Device.objects.register(
        pk=1357,
        owner=alex,
        kit=Kit.objects.get(pk=3),
        name="Citizen Science Kit #1",
        description="Test Kit for the Innovation Lab Kosovo, within the event Science for change "
        "/ Citizen Science.",
        latitude=42.5813722,
        longitude=20.88935,
    )
    Device.objects.filter(pk=1357).update(
        created_at=datetime(2015, 2, 2, 15, 59, 50, 225000, UTC),
        updated_at=datetime(2015, 2, 11, 18, 48, 42, 663000, UTC),
        last_reading_at=datetime(2015, 5, 5, 8, 15, 0, 16000, UTC),
    )
    body = get(client, 2)
    device = body["devices"][0]
    ours = {"uuid", "role", "email", "profile_picture", "created_at", *SECRETS}
    of_its_devices = {
        *("uuid", "state", "system_tags", "user_tags", "hardware", "location", "notify"),
        *("data_policy", "created_at"),
    }
    assert ours < body.keys()
    assert of_its_devices < device.keys()
    shown = {name: value for name, value in body.items() if name not in ours}
    shown["devices"] = [
        {name: value for name, value in device.items() if name not in of_its_devices}
    ]
    assert shown == {
        "avatar": None,
        "devices": [
            {
                "added_at": "2015-02-02T15:59:50Z",
                "data": None,
                "description": "Test Kit for the Innovation Lab Kosovo, within the event Science "
                "for change / Citizen Science.",
                "id": 1357,
                "kit_id": 3,
                "last_reading_at": "2015-05-05T08:15:00Z",
                "latitude": 42.5813722,
                "longitude": 20.88935,
                "name": "Citizen Science Kit #1",
                "owner": "alex",
                "status": "offline",
                "updated_at": "2015-02-11T18:48:42Z",
            }
        ],
        "first_name": None,
        "id": 2,
        "joined_at": "2015-02-02T15:54:37Z",
        "last_name": None,
        "location": {"city": None, "country": None, "country_code": None},
        "updated_at": "2015-02-02T15:54:37Z",
        "url": None,
        "username": "alex",
    }


def test_a_user_has_the_whole_shape(client: APIClient, device: Device, alice: User) -> None:
    profile = {
        "first_name": "Alice",
        "last_name": "Liddell",
        "city": "Oxford",
        "country_code": "GB",
        "url": "https://alice.example.org",
        "avatar": "https://alice.example.org/me.png",
    }
    User.objects.filter(pk=alice.pk).update(**profile)
    device.tags.add(Tag.objects.get(name="Amsterdam"))
    body = get(client, alice.pk)
    (nested,) = body.pop("devices")
    assert body == {
        "id": alice.pk,
        "uuid": str(alice.uuid),
        "role": "citizen",
        "first_name": "Alice",
        "last_name": "Liddell",
        "email": FILTERED,
        "username": "alice",
        "location": {"city": "Oxford", "country_code": "GB", "country": "United Kingdom"},
        "url": "https://alice.example.org",
        "avatar": "https://alice.example.org/me.png",
        "profile_picture": "https://alice.example.org/me.png",
        "joined_at": iso(alice.created_at),
        "created_at": iso(alice.created_at),
        "updated_at": iso(alice.updated_at),
        "legacy_api_key": FILTERED,
        "forwarding_token": FILTERED,
        "forwarding_username": FILTERED,
    }
    assert nested == {
        "id": device.pk,
        "uuid": str(device.uuid),
        "name": "SmartHaarlem",
        "description": "",
        "state": "never_published",
        "status": "new",
        "system_tags": ["indoor", "new", "offline"],
        "user_tags": ["Amsterdam"],
        "added_at": iso(device.created_at),
        "created_at": iso(device.created_at),
        "updated_at": iso(device.updated_at),
        "last_reading_at": None,
        "kit_id": 3,
        "latitude": 52.3781227,
        "longitude": 4.6291324,
        "location": {
            "ip": None,
            "exposure": "indoor",
            "elevation": None,
            "latitude": 52.3781227,
            "longitude": 4.6291324,
            "geohash": "u173cr4udt",
            "city": "Haarlem",
            "country_code": "NL",
            "country": "Netherlands",
        },
        "hardware": {
            "name": "SCK 1.1 - Ambient Board",
            "type": "SCK",
            "version": "1.1",
            "slug": "sck:1,1",
            "last_status_message": None,
        },
        "notify": {"stopped_publishing": False, "low_battery": False},
        "data_policy": {
            "is_private": False,
            "enable_forwarding": False,
            "precise_location": True,
            "forwarding_destination": None,
        },
        "data": None,
        "owner": "alice",
    }


def test_a_user_without_a_picture_has_an_empty_text_for_it(client: APIClient, bob: User) -> None:
    body = get(client, bob.pk)
    assert (body["avatar"], body["profile_picture"], body["devices"]) == (None, "", [])


def test_the_data_of_a_device_is_the_compact_latest_of_the_world_map(
    client: APIClient, device: Device
) -> None:
    now = timezone.now()
    ingest.store(device.pk, [Row(0, now, {7: (50.0, 0.0), 21: (13.0, None)})])
    nested = get(client, "alice")["devices"][0]
    assert nested["data"] == {
        "7": 50.0,
        "7_raw": 0,
        "21": 13,
        "added_at": nested["data"]["added_at"],
        "calibrated_at": nested["data"]["added_at"],
        "recorded_at": iso(now),
    }
    assert (nested["status"], nested["state"]) == ("online", "has_published")
    on_the_map = client.get("/v0/devices/world_map").json()[0]
    assert nested["data"] == on_the_map["data"]


def test_the_list_is_in_order_of_ids_and_in_pages(
    client: APIClient, alice: User, bob: User, carol: User
) -> None:
    User.objects.filter(pk=alice.pk).update(city="so that the row moved")
    whole = client.get("/v0/users")
    assert [user["username"] for user in whole.json()] == ["alice", "bob", "carol"]
    page = client.get("/users?per_page=2&page=2")
    assert [user["username"] for user in page.json()] == ["carol"]
    assert (page.headers["Total"], page.headers["Per-Page"]) == ("3", "2")


def test_the_cost_of_a_list_is_fixed(
    client: APIClient,
    device: Device,
    alice: User,
    bob: User,
    carol: User,
    as_user: Any,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    device.tags.add(Tag.objects.get(name="Amsterdam"))
    client.get("/v0/users")  # the first after a change of the catalogue learns its kits
    for viewer in (client, as_user(alice), as_user(carol)):
        with django_assert_num_queries(QUERIES_OF_THE_LIST):
            viewer.get("/v0/users?per_page=1")
    kits = [None, *Kit.objects.all()[:3]]
    for n in range(12):
        new = User.objects.create(username=f"user{n}", email=f"{n}@example.org")
        for kit in kits:
            Device.objects.register(owner=new, kit=kit, name="one of many")
    for viewer in (client, as_user(alice), as_user(carol)):
        with django_assert_num_queries(QUERIES_OF_THE_LIST):
            assert len(viewer.get("/v0/users?per_page=10").json()) == 10


def test_columns_that_nobody_is_shown_stay_in_the_database(
    client: APIClient, device: Device
) -> None:
    get(client, "alice")  # the first after a change of the catalogue learns its kits
    with CaptureQueriesContext(connection) as queries:
        get(client, "alice")
    assert len(queries) == QUERIES_OF_THE_LIST - 1
    sql = " ".join(query["sql"] for query in queries)
    for column in ('"password"', '"legacy_api_key_hash"', '"postprocessing"'):
        assert column not in sql


def test_a_read_is_not_repeated_while_nothing_changed(client: APIClient, alice: User) -> None:
    first = client.get("/v0/users/alice")
    again = client.get("/v0/users/alice", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    User.objects.filter(pk=alice.pk).update(city="Oxford")
    changed = client.get("/v0/users/alice", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_an_old_time_stays_what_it_was(client: APIClient, alice: User) -> None:
    long_ago = timezone.now() - timedelta(days=4000)
    User.objects.filter(pk=alice.pk).update(created_at=long_ago)
    assert get(client, "alice")["joined_at"] == iso(long_ago)
