"""`GET /v0/devices/:id`: the whole JSON, what strangers do not see, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device, Tag
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def get(client: APIClient, device: Device) -> Any:
    """The device's JSON."""
    response = client.get(f"/v0/devices/{device.pk}")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_device_that_never_posted_has_the_whole_shape(
    client: APIClient, device: Device, alice: User
) -> None:
    device.tags.add(Tag.objects.get(name="Amsterdam"))
    body = get(client, device)
    added = f"{device.created_at:%Y-%m-%dT%H:%M:%SZ}"
    place = {
        "ip": None,
        "exposure": "indoor",
        "elevation": None,
        "latitude": 52.3781227,
        "longitude": 4.6291324,
        "geohash": "u173cr4udt",
        "city": "Haarlem",
        "country_code": "NL",
        "country": "Netherlands",
    }
    kit, data = body.pop("kit"), body.pop("data")
    assert body == {
        "id": device.pk,
        "uuid": str(device.uuid),
        "name": "SmartHaarlem",
        "description": "",
        "state": "never_published",
        "status": "new",
        "system_tags": ["indoor", "new", "offline"],
        "user_tags": ["Amsterdam"],
        "is_private": False,
        "added_at": added,
        "created_at": added,
        "updated_at": f"{device.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "last_reading_at": None,
        "kit_id": 3,
        "exposure": "indoor",
        "latitude": 52.3781227,
        "longitude": 4.6291324,
        "location": place,
        "hardware": {
            "name": "SCK 1.1 - Ambient Board",
            "type": "SCK",
            "version": "1.1",
            "slug": "sck:1,1",
            "last_status_message": None,
        },
        "data_policy": {
            "is_private": False,
            "enable_forwarding": False,
            "precise_location": True,
            "forwarding_destination": None,
        },
        "notify": {"stopped_publishing": False, "low_battery": False},
        "postprocessing": None,
        "experiment_ids": [],
        "owner": {
            "id": alice.pk,
            "uuid": str(alice.uuid),
            "role": "citizen",
            "username": "alice",
            "first_name": None,
            "last_name": None,
            "avatar": None,
            "profile_picture": "",
            "url": None,
            "location": {"city": None, "country": None, "country_code": None},
            "joined_at": f"{alice.created_at:%Y-%m-%dT%H:%M:%SZ}",
            "updated_at": f"{alice.updated_at:%Y-%m-%dT%H:%M:%SZ}",
            "device_ids": [device.pk],
        },
    }
    assert {key: value for key, value in data.items() if key != "sensors"} == {
        "recorded_at": None,
        "added_at": None,
        "calibrated_at": None,
        "firmware": None,
        "location": place,
    }
    assert [sensor["id"] for sensor in data["sensors"]] == [7, 12, 13, 14, 15, 16, 17, 18, 21]
    assert data["sensors"][1] == {
        "id": 12,
        "uuid": "2922d20e-3b83-4d98-8791-cfcdfc12fa99",
        "parent_id": 19,
        "ancestry": "19",
        "name": "HPP828E031",
        "description": "Temperature",
        "unit": "ºC",
        "unit_definition": None,
        "default_key": "temp",
        "datasheet": None,
        "measurement_id": 1,
        "measurement": {
            "id": 1,
            "uuid": "b3f44b63-0a17-4d84-bbf1-4c17764b7eae",
            "name": "air temperature",
            "description": data["sensors"][1]["measurement"]["description"],
            "unit": "ºC",
            "definition": None,
        },
        "tags": [],
        "created_at": "2015-02-02T18:24:02Z",
        "updated_at": "2015-02-02T18:24:02Z",
        "value": None,
        "raw_value": None,
        "prev_value": None,
        "prev_raw_value": None,
        "last_reading_at": None,
    }
    assert {key: value for key, value in kit.items() if key != "sensors"} == {
        "id": 3,
        "uuid": "6ae30424-4e09-4318-b96d-771996657c70",
        "slug": "sck:1,1",
        "name": "SCK 1.1 - Ambient Board",
        "description": "Kickstarter Board",
        "created_at": "2015-02-02T18:23:16Z",
        "updated_at": "2015-05-25T14:06:46Z",
    }
    assert [sensor["id"] for sensor in kit["sensors"]] == [7, 12, 13, 14, 15, 16, 17, 18, 21]


def test_values_raw_values_and_those_before_are_injected_into_the_sensors(
    client: APIClient, device: Device
) -> None:
    ingest.store(device.pk, [Row(0, NOON, {7: (50.0, 0.0), 21: (13.0, None)})])
    ingest.store(device.pk, [Row(0, NOON + timedelta(minutes=1), {7: (55.0, 2.0)})])
    sensors = {sensor["id"]: sensor for sensor in get(client, device)["data"]["sensors"]}
    injected = ["value", "raw_value", "prev_value", "prev_raw_value", "last_reading_at"]
    assert [sensors[7][key] for key in injected] == [55.0, 2, 50.0, 0, "2026-03-05T12:01:00Z"]
    assert [sensors[21][key] for key in injected] == [13, 13, None, None, "2026-03-05T12:00:00Z"]
    assert [sensors[12][key] for key in injected] == [None] * 5


@pytest.mark.parametrize(
    ("minutes", "status", "tag"),
    [
        (0, "online", "online"),
        (9, "online", "online"),
        (11, "offline", "online"),
        (61,) + ("offline",) * 2,
    ],
)
def test_status_and_tag_follow_from_the_age_of_the_last_reading(
    client: APIClient, device: Device, minutes: int, status: str, tag: str
) -> None:
    moment = timezone.now() - timedelta(minutes=minutes)
    ingest.store(device.pk, [Row(0, moment, {7: (50.0, None)})])
    body = get(client, device)
    assert (body["status"], body["state"]) == (status, "has_published")
    assert body["system_tags"] == sorted(["indoor", "new", tag])


def test_a_device_is_tagged_new_for_its_first_week(client: APIClient, device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(created_at=timezone.now() - timedelta(days=8))
    assert get(client, device)["system_tags"] == ["indoor", "offline"]


def test_secrets_are_for_the_owner_and_admins_alone(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    alice.forwarding_token = "f0rward"
    alice.save()
    device.device_token, device.hardware_info = "abc123", {"id": "1", "rcause": "WDT"}
    device.enable_forwarding = True
    device.save()
    for stranger in (client, as_user(bob)):
        body = get(stranger, device)
        assert not {"mac_address", "device_token"} & body.keys()
        assert body["hardware"]["last_status_message"] is None
        assert body["data_policy"]["forwarding_destination"] is None
    for viewer in (alice, carol):
        body = get(as_user(viewer), device)
        assert (body["mac_address"], body["device_token"]) == ("00:06:66:2A:02:B3", "abc123")
        # Today's clients cannot read a report without these.
        empty = dict.fromkeys(
            ["mac", "time", "hw_ver", "esp_ver", "esp_bd", "sam_ver", "sam_bd"], ""
        )
        assert body["hardware"]["last_status_message"] == {"id": "1", "rcause": "WDT", **empty}
        destination = body["data_policy"]["forwarding_destination"]
        assert destination == f"/forward/f0rward/device/{device.pk}/readings"


def test_the_true_position_is_for_the_owner_and_admins_alone(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    device.precise_location, device.elevation = False, 12
    device.save()
    for stranger in (client, as_user(bob)):
        response = stranger.get(f"/v0/devices/{device.pk}")
        assert b"52.3781227" not in response.content
        assert b"u173cr4udt" not in response.content
        place = response.json()["location"]
        assert (place["latitude"], place["longitude"]) == (
            device.public_latitude,
            device.public_longitude,
        )
        assert place["elevation"] is None
    for viewer in (alice, carol):
        place = get(as_user(viewer), device)["location"]
        assert (place["latitude"], place["geohash"], place["elevation"]) == (
            52.3781227,
            "u173cr4udt",
            12,
        )


def test_a_private_device_is_there_for_its_owner_and_admins_alone(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    device.is_private = True
    device.save()
    for stranger in (client, as_user(bob)):
        assert stranger.get(f"/v0/devices/{device.pk}").status_code == 404
        assert stranger.get("/v0/devices").json() == []
    for viewer in (alice, carol):
        assert get(as_user(viewer), device)["is_private"] is True
        assert len(as_user(viewer).get("/v0/devices").json()) == 1


def test_device_ids_of_the_owner_are_those_that_the_viewer_may_see(
    client: APIClient, device: Device, alice: User, as_user: Any
) -> None:
    hidden = Device.objects.register(owner=alice, name="hidden", is_private=True)
    assert get(client, device)["owner"]["device_ids"] == [device.pk]
    assert get(as_user(alice), device)["owner"]["device_ids"] == [device.pk, hidden.pk]


def test_the_ids_of_the_owners_devices_are_what_visible_to_says(
    device: Device, alice: User, bob: User, carol: User
) -> None:
    Device.objects.register(owner=alice, name="hidden", is_private=True)
    Device.objects.register(owner=alice, name="gone").archive()
    Device.objects.register(owner=bob, name="another's")
    for viewer in (AnonymousUser(), alice, bob, carol):
        visible = Device.objects.visible_to(viewer).filter(owner=alice)
        shown = Device.objects.for_detail(viewer).get(pk=device.pk).owner_device_ids
        assert shown == list(visible.order_by("pk").values_list("pk", flat=True))


def test_archived_devices_and_those_of_archived_owners_are_gone(
    client: APIClient, device: Device, alice: User
) -> None:
    alice.archived_at = timezone.now()
    alice.save()
    response = client.get(f"/v0/devices/{device.pk}")
    assert response.status_code == 404
    assert response.json() == {
        "id": "record_not_found",
        "message": f"Couldn't find Device with 'id'={device.pk}",
        "errors": None,
        "url": None,
    }


def test_a_device_without_kit_place_or_sensors_is_whole_too(
    client: APIClient, alice: User, installed: None
) -> None:
    body = get(client, Device.objects.register(owner=alice, name="bare"))
    assert (body["kit"], body["kit_id"], body["data"]["sensors"]) == (None, None, [])
    assert (body["latitude"], body["location"]["geohash"]) == (None, None)
    assert body["hardware"] == {
        "name": "Unknown",
        "type": "Unknown",
        "version": None,
        "slug": "unknown",
        "last_status_message": None,
    }


def test_the_cost_of_a_list_does_not_grow_with_its_length(
    client: APIClient,
    device: Device,
    alice: User,
    bob: User,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    def cost() -> int:
        with django_assert_num_queries(QUERIES_OF_THE_LIST) as queries:
            client.get("/v0/devices?per_page=100")
        return len(queries)

    client.get("/v0/devices")  # the first after a change of the catalogue learns it
    alone = cost()
    for n, owner in enumerate([alice, bob] * 5):
        Device.objects.register(owner=owner, kit=device.kit, name=f"device {n}")
    assert cost() == alone


# The recorded cost of a list: which devices are on the page; they with their owners, tags, and the
# ids of all else, as for one device. Sensors and kits are known from an earlier request.
QUERIES_OF_THE_LIST = 2
QUERIES_OF_A_DEVICE = 1


def test_a_detail_costs_a_fixed_number_of_queries(
    client: APIClient, device: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.get("/v0/devices")
    with django_assert_num_queries(QUERIES_OF_A_DEVICE):
        client.get(f"/v0/devices/{device.pk}")
