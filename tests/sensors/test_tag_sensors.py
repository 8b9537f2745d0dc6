"""`/v0/tag_sensors`: the words that group sensors; read by everyone, written by admins."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.sensors.models import Sensor, SensorTag
from apps.users.models import User


@pytest.fixture
def air(db: None) -> SensorTag:
    """One of a dozen tags."""
    rows = [SensorTag(name=name) for name in ["Air", *(f"Group {n}" for n in range(11))]]
    return SensorTag.objects.bulk_create(rows)[0]


def test_a_tag_has_the_whole_shape(client: APIClient, air: SensorTag) -> None:
    body = client.get(f"/v0/tag_sensors/{air.pk}").json()
    assert body == {
        "id": air.pk,
        "name": "Air",
        "description": "",
        "created_at": f"{air.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{air.updated_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def test_the_list_is_served_in_every_form(client: APIClient, air: SensorTag) -> None:
    first = client.get("/v0/tag_sensors?per_page=2")
    assert [tag["name"] for tag in first.json()] == ["Air", "Group 0"]
    assert (first["Total"], 'rel="next"' in first["Link"]) == ("12", True)
    tagged = client.get("/v0/tag_sensors?per_page=2", HTTP_IF_NONE_MATCH=first["ETag"])
    assert tagged.status_code == 304
    assert client.get("/v0/tag_sensors?per_page=2&pretty=1").content.startswith(b"[\n  {")
    wrapped = client.get("/v0/tag_sensors?per_page=2&callback=f").content
    assert wrapped == b"/**/f(" + first.content + b");"


@pytest.mark.parametrize("per_page", [2, 8])
def test_a_list_costs_two_queries_however_long(
    client: APIClient,
    air: SensorTag,
    django_assert_num_queries: DjangoAssertNumQueries,
    per_page: int,
) -> None:
    with django_assert_num_queries(2):  # the page and the total
        client.get(f"/v0/tag_sensors?per_page={per_page}")


def test_only_admins_write(client: APIClient, air: SensorTag, bob: User, as_user: Any) -> None:
    path = f"/v0/tag_sensors/{air.pk}"
    assert client.post("/v0/tag_sensors", {"name": "x"}).status_code == 401
    assert as_user(bob).post("/v0/tag_sensors", {"name": "x"}).status_code == 403
    assert client.patch(path, {"name": "x"}).status_code == 401
    assert as_user(bob).delete(path).status_code == 403


@pytest.mark.usefixtures("installed")
def test_an_admin_adds_changes_and_deletes_one(air: SensorTag, carol: User, as_user: Any) -> None:
    admin = as_user(carol)
    taken = admin.post("/v0/tag_sensors", {"name": "AIR"}, format="json")
    assert taken.json()["errors"] == {"name": ["has already been taken"]}
    made = admin.post("/v0/tag_sensors", {"name": "Water"}, format="json")
    assert (made.status_code, made.json()["description"]) == (201, "")
    path = f"/v0/tag_sensors/{air.pk}"
    sent = {"description": "What is in the air"}
    assert admin.patch(path, sent, format="json").json()["description"] == "What is in the air"
    Sensor.objects.get(pk=12).tags.add(air)
    assert admin.delete(path).json() == {"message": "OK"}
    assert admin.get("/v0/sensors/12").json()["tags"] == []
