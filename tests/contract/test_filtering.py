"""Filtering and sorting over HTTP: the reference's queries, and the edges of the contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.devices.models import Device, Tag
from apps.users.models import User


@pytest.fixture(autouse=True)
def people(device: Device, alice: User, bob: User) -> None:
    """alice owns SmartHaarlem; Adam and sckfan are users too."""
    User.objects.create_user("adam", "adam@example.org", None, first_name="Adam")
    User.objects.create_user("sckfan", "fan@example.org", None)


def found(client: APIClient, url: str, key: str = "id") -> list[Any]:
    """One field of each row of a list."""
    response = client.get(url)
    assert response.status_code == 200, response.content
    return [row[key] for row in response.json()]


def test_the_references_searches_find_what_they_say(client: APIClient, alice: User) -> None:
    """reference: Basic Searching"""
    assert found(client, "/users?q[first_name_eq]=adam", "username") == ["adam"]
    assert found(client, f"/devices?q[owner_id_eq]={alice.pk}", "name") == ["SmartHaarlem"]
    assert max(found(client, "/sensors?q[id_lt]=100")) < 100
    assert found(client, "/users?q[username_cont]=sck", "username") == ["sckfan"]


def test_the_references_sorts_order_as_they_say(client: APIClient) -> None:
    """reference: Sorting Results"""
    names = found(client, "/users?q[sort]=username%20asc", "username")
    assert names == sorted(names)
    ids = found(client, "/v0/devices?q[sort]=id%20desc")
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    ("url", "count"),
    [
        ("/v0/devices?q[status_eq]=new", 1),
        ("/v0/devices?q[status_eq]=online", 0),
        ("/v0/devices?q[state_eq]=never_published", 1),
        ("/v0/devices?q[owner_username_eq]=ALICE", 1),
        ("/v0/devices?q[kit_slug_eq]=sck:1,1", 1),
        ("/v0/devices?q[sensors_id_in][]=12&q[sensors_id_in][]=13", 1),
        ("/v0/devices?q[sensors_id_eq]=55", 0),
        ("/v0/devices?q[components_sensor_id_eq]=12", 1),
        ("/v0/devices?q[name_or_city_cont]=haarlem", 1),
        ("/v0/devices?q[name_cont]=x&q[city_eq]=haarlem&q[m]=or", 1),
        ("/v0/users?q[devices_name_cont]=haarlem", 1),
        ("/v0/users?q[sensors_id_eq]=12", 1),
        ("/v0/sensors?q[measurement_name_eq]=noise&per_page=1000", 2),
        ("/v0/kits?q[sensors_id_eq]=12", 1),
        ("/v0/kits?q[slug_eq]=SCK:1,1", 1),
        ("/v0/measurements?q[name_cont]=temp", 1),
        ("/v0/tags?q[name_start]=bar", 1),
        ("/v0/components?q[sensor_id_eq]=12", 1),
        ("/v0/tag_sensors?q[name_eq]=x", 0),
        ("/v0/experiments?q[name_cont]=x&q[s]=starts_at desc", 0),
        ("/v0/devices?q[name_eq]=", 1),
    ],
)
def test_every_list_is_searched_through_its_associations(
    client: APIClient, url: str, count: int
) -> None:
    response = client.get(url)
    assert response.status_code == 200, response.content
    assert (len(response.json()), response["Total"]) == (count, str(count))


@pytest.mark.parametrize(
    "url",
    [
        "/v0/users?q[email_cont]=alice",
        "/v0/users?q[password_start]=argon",
        "/v0/users?q[legacy_api_key_hash_present]=1",
        "/v0/users?q[role_eq]=admin",
        "/v0/devices?q[mac_address_eq]=00:06:66:2A:02:B3",
        "/v0/devices?q[mac_key_start]=00",
        "/v0/devices?q[device_token_present]=1",
        "/v0/devices?q[is_private_eq]=false",
        "/v0/devices?q[public_latitude_gt]=1",
        "/v0/devices?q[owner_email_cont]=alice",
        "/v0/devices?q[sort]=mac_address",
        "/v0/devices?q[s]=owner_email+desc",
        "/v0/users?q[devices_mac_address_start]=00",
        "/v0/devices?q[name_resembles]=x",
        "/v0/devices?q[id_eq]=abc",
        "/v0/devices?q[created_at_gt]=yesterday-ish",
        "/v0/devices?q[name_true]=1",
        "/v0/devices?q=haarlem",
    ],
)
def test_what_is_not_listed_or_does_not_fit_is_400(client: APIClient, url: str) -> None:
    response = client.get(url)
    assert response.status_code == 400
    assert response.json()["id"] == "bad_request"
    assert "q" in response.json()["message"]


def test_a_search_through_devices_sees_only_what_the_viewer_may_see(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    device.is_private = True
    device.save()
    url = "/v0/users?q[devices_name_cont]=haarlem"
    for stranger in (client, as_user(bob)):
        assert found(stranger, url) == []
        assert found(stranger, "/v0/users?q[devices_latitude_gt]=0") == []
        assert found(stranger, "/v0/users?q[sensors_id_eq]=12") == []
        assert found(stranger, "/v0/components") == []
    for viewer in (alice, carol):
        assert found(as_user(viewer), url) == [alice.pk]


def test_a_search_for_a_place_is_about_the_public_position(
    client: APIClient, device: Device
) -> None:
    device.precise_location = False
    device.save()
    assert found(client, "/v0/devices?q[geohash_start]=u173cr4udt") == []
    assert found(client, f"/v0/devices?q[geohash_eq]={device.public_geohash}") == [device.pk]
    assert found(client, "/v0/devices?q[latitude_eq]=52.3781227") == []


def test_an_explicit_sort_wins_over_distance(client: APIClient, device: Device) -> None:
    far = Device.objects.register(owner=device.owner, name="Fiji", latitude=-17, longitude=178)
    near = f"/v0/devices?near={device.latitude},{device.longitude}"
    assert found(client, near) == [device.pk, far.pk]
    assert found(client, near + "&q[s]=id+desc") == [far.pk, device.pk]


def test_search_near_and_pages_go_together(client: APIClient, device: Device) -> None:
    for n in range(5):
        Device.objects.register(owner=device.owner, name=f"air {n}", latitude=n, longitude=0)
    Device.objects.register(owner=device.owner, name="air without place")
    response = client.get("/v0/devices?q[name_cont]=AIR&near=2.1,0&per_page=2&page=2")
    assert [row["name"] for row in response.json()] == ["air 1", "air 4"]
    assert response["Total"] == "5"
    assert "q%5Bname_cont%5D=AIR&near=2.1%2C0&page=3" in response["Link"]


def test_a_to_many_search_repeats_no_row(client: APIClient, device: Device) -> None:
    device.tags.set(Tag.objects.all())
    response = client.get("/v0/devices?q[tags_name_present]=1&q[sensors_id_gt]=0")
    assert ([row["id"] for row in response.json()], response["Total"]) == ([device.pk], "1")


def test_times_compare_at_the_whole_second_that_is_shown(client: APIClient, device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(
        created_at=datetime(2026, 3, 5, 12, 0, 0, 700_000, tzinfo=UTC)
    )
    for predicate, count in [("eq", 1), ("lteq", 1), ("gteq", 1), ("gt", 0), ("lt", 0)]:
        url = f"/v0/devices?q[added_at_{predicate}]=2026-03-05T12:00:00Z"
        assert len(found(client, url)) == count, predicate


def test_a_search_that_takes_too_long_is_400_and_harms_nothing_else(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.devices.views.DeviceViewSet.search_milliseconds", 1)
    monkeypatch.setattr("apps.devices.views.DeviceViewSet.page_size", None, raising=False)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO devices_tag (uuid, name, description, created_at, updated_at)"
            " SELECT gen_random_uuid(), 'tag ' || n, repeat('a', 500), now(), now()"
            " FROM generate_series(1, 20000) n"
        )
        cursor.execute(
            "INSERT INTO devices_device_tags (device_id, tag_id)"
            " SELECT d.id, t.id FROM devices_device d, devices_tag t WHERE t.name LIKE 'tag %%'"
        )
    response = client.get("/v0/devices?q[tags_description_not_cont]=aaaaaaaaaaab")
    assert response.status_code == 400
    assert "too long" in response.json()["message"]
    assert client.get("/v0/devices").status_code == 200


def test_a_record_that_is_named_is_not_searched(client: APIClient, device: Device) -> None:
    assert client.get(f"/v0/devices/{device.pk}?q[name_eq]=other&near=0,0").status_code == 200
