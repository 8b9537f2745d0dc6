"""`/v0/components`: which sensors devices have, as far as the viewer may see the devices."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Component, Device
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def ids(client: APIClient) -> list[int]:
    """The ids of the components that a client is shown."""
    return [each["id"] for each in client.get("/v0/components?per_page=1000").json()]


def test_a_component_has_the_whole_shape(client: APIClient, device: Device) -> None:
    component = device.components.get(sensor=12)
    assert client.get(f"/v0/components/{component.pk}").json() == {
        "id": component.pk,
        "uuid": str(component.uuid),
        "device_id": device.pk,
        "sensor_id": 12,
        "key": "temp",
        "last_reading_at": None,
        "created_at": f"{component.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{component.updated_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def test_each_sensor_has_the_time_of_its_own_newest_reading(
    client: APIClient, device: Device
) -> None:
    later = NOON + timedelta(minutes=1, microseconds=999_999)
    ingest.store(device.pk, [Row(0, NOON, {7: (50.0, None), 12: (21.5, 1.0)})])
    ingest.store(device.pk, [Row(0, later, {7: (51.0, None), 55: (20.0, None)})])
    shown = client.get("/v0/components").json()
    times = {each["sensor_id"]: each["last_reading_at"] for each in shown}
    assert times.pop(7) == times.pop(55) == "2026-03-05T12:01:00Z"
    assert times.pop(12) == "2026-03-05T12:00:00Z"
    assert set(times.values()) == {None}
    detail = client.get(f"/v0/components/{device.components.get(sensor=12).pk}").json()
    assert detail["last_reading_at"] == "2026-03-05T12:00:00Z"


def test_components_of_private_devices_are_their_owners_and_admins_alone(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    component = device.components.first()
    assert component is not None
    assert len(ids(client)) == 9
    Device.objects.filter(pk=device.pk).update(is_private=True)
    for stranger in (client, as_user(bob)):
        assert ids(stranger) == []
        assert stranger.get(f"/v0/components/{component.pk}").status_code == 404
    for friend in (as_user(alice), as_user(carol)):
        assert len(ids(friend)) == 9
        assert friend.get(f"/v0/components/{component.pk}").status_code == 200


def test_components_of_archived_devices_are_gone(
    client: APIClient, device: Device, carol: User, as_user: Any
) -> None:
    device.archive()
    assert ids(client) == ids(as_user(carol)) == []


def test_the_list_is_served_in_every_form(client: APIClient, device: Device) -> None:
    first = client.get("/v0/components?per_page=4")
    shown = [each["id"] for each in first.json()]
    assert shown == sorted(shown)
    assert (first["Total"], 'rel="next"' in first["Link"]) == ("9", True)
    tagged = client.get("/v0/components?per_page=4", HTTP_IF_NONE_MATCH=first["ETag"])
    assert tagged.status_code == 304
    assert client.get("/v0/components?per_page=4&pretty=1").content.startswith(b"[\n  {")
    wrapped = client.get("/v0/components?per_page=4&callback=f").content
    assert wrapped == b"/**/f(" + first.content + b");"
    assert client.get("/v0/components?per_page=5000")["Per-Page"] == "1000"


@pytest.mark.parametrize("per_page", [2, 20])
def test_a_list_costs_three_queries_however_long(
    client: APIClient,
    device: Device,
    alice: User,
    django_assert_num_queries: DjangoAssertNumQueries,
    per_page: int,
) -> None:
    for number in range(3):
        Device.objects.register(owner=alice, name=f"{number}", kit=device.kit)
    with django_assert_num_queries(3):  # the ids of the page, the total, the page
        client.get(f"/v0/components?per_page={per_page}")


def test_no_more_of_a_device_is_read_than_is_shown(client: APIClient, device: Device) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/v0/components?per_page=2")
    ids, total, page = (each["sql"] for each in queries)
    assert page.count('"latest"') == 1
    assert '"mac_address"' not in page
    assert '"latest"' not in ids
    assert '"latest"' not in total


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_nobody_writes_components(device: Device, carol: User, as_user: Any, method: str) -> None:
    component = Component.objects.all()[0]
    admin = as_user(carol)
    assert admin.post("/v0/components", {}).status_code == 405
    assert getattr(admin, method)(f"/v0/components/{component.pk}").status_code == 405


def test_what_is_not_there_is_named(client: APIClient, db: None) -> None:
    response = client.get("/v0/components/101308")
    assert response.status_code == 404
    assert response.json()["message"] == "Couldn't find Component with 'id'=101308"
