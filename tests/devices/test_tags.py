"""`/v0/tags`: the words that owners put on their devices; read by everyone, written by admins."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device, Tag
from apps.users.models import User

pytestmark = pytest.mark.usefixtures("installed")


def test_a_tag_has_the_whole_shape(client: APIClient) -> None:
    tag = Tag.objects.get(name="Barcelona")
    assert client.get(f"/v0/tags/{tag.pk}").json() == {
        "id": tag.pk,
        "uuid": str(tag.uuid),
        "name": "Barcelona",
        "description": tag.description,
        "created_at": f"{tag.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{tag.updated_at:%Y-%m-%dT%H:%M:%SZ}",
    }


def test_the_list_is_served_in_every_form(client: APIClient) -> None:
    first = client.get("/v0/tags?per_page=4")
    shown = [each["id"] for each in first.json()]
    assert shown == sorted(shown)
    assert (first["Total"], 'rel="next"' in first["Link"]) == (str(Tag.objects.count()), True)
    tagged = client.get("/v0/tags?per_page=4", HTTP_IF_NONE_MATCH=first["ETag"])
    assert tagged.status_code == 304
    assert client.get("/v0/tags?per_page=4&pretty=1").content.startswith(b"[\n  {")
    wrapped = client.get("/v0/tags?per_page=4&callback=f").content
    assert wrapped == b"/**/f(" + first.content + b");"
    assert client.get("/v0/tags?per_page=5000")["Per-Page"] == "1000"


@pytest.mark.parametrize("per_page", [2, 8])
def test_a_list_costs_two_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries, per_page: int
) -> None:
    with django_assert_num_queries(2):  # the page and the total
        client.get(f"/v0/tags?per_page={per_page}")


def test_only_admins_write(client: APIClient, bob: User, as_user: Any) -> None:
    path = f"/v0/tags/{Tag.objects.all()[0].pk}"
    assert client.post("/v0/tags", {"name": "x"}).status_code == 401
    assert as_user(bob).post("/v0/tags", {"name": "x"}).status_code == 403
    assert client.patch(path, {"name": "x"}).status_code == 401
    assert as_user(bob).delete(path).status_code == 403


def test_an_admin_adds_changes_and_deletes_one(device: Device, carol: User, as_user: Any) -> None:
    admin = as_user(carol)
    highest = Tag.objects.order_by("-pk")[0].pk
    made = admin.post("/v0/tags", {"name": "Balcony", "description": "High up"}, format="json")
    assert (made.status_code, made.json()["description"]) == (201, "High up")
    assert made.json()["id"] > highest
    path = f"/v0/tags/{made.json()['id']}"
    assert admin.put(path, {"name": "balcony"}, format="json").json()["description"] == "High up"
    device.tags.add(made.json()["id"])
    assert admin.get(f"/v0/devices/{device.pk}").json()["user_tags"] == ["balcony"]
    assert admin.delete(path).json() == {"message": "OK"}
    assert admin.get(f"/v0/devices/{device.pk}").json()["user_tags"] == []


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("", "can't be blank"),
        ("BARCELONA", "has already been taken"),
        ("x" * 101, "is too long (maximum is 100 characters)"),
        # Names are parted by commas where devices are written and by bars where they are searched.
        ("North, South", "is invalid"),
        ("a|b", "is invalid"),
    ],
)
def test_what_is_wrong_is_named(carol: User, as_user: Any, name: str, error: str) -> None:
    response = as_user(carol).post("/v0/tags", {"name": name}, format="json")
    assert response.status_code == 422
    assert response.json()["errors"] == {"name": [error]}


def test_what_is_not_there_is_named(client: APIClient) -> None:
    response = client.get("/v0/tags/101308")
    assert response.status_code == 404
    assert response.json()["message"] == "Couldn't find Tag with 'id'=101308"
