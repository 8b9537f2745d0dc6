"""`/v0/measurements`: list, detail, what it costs, and the writes of admins."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.sensors.models import Measurement
from apps.users.models import User

pytestmark = pytest.mark.usefixtures("installed")


def test_a_measurement_has_the_whole_shape(client: APIClient) -> None:
    body = client.get("/v0/measurements/4").json()
    assert body.pop("description").startswith("How loud")
    assert body == {
        "id": 4,
        "uuid": "2841719f-658e-40df-a14a-74a86adc1410",
        "name": "noise",
        "unit": "dB",
        "definition": None,
        "created_at": "2015-02-02T18:14:15Z",
        "updated_at": "2015-02-02T18:14:15Z",
    }


def test_the_list_comes_in_order_of_ids(client: APIClient) -> None:
    response = client.get("/v0/measurements?per_page=1000")
    ids = [each["id"] for each in response.json()]
    assert ids == sorted(ids)
    assert response["Total"] == str(len(ids)) == str(Measurement.objects.count())
    assert all(each["description"] for each in response.json())


def test_the_list_is_served_in_every_form(client: APIClient) -> None:
    first = client.get("/v0/measurements?per_page=2")
    tagged = client.get("/v0/measurements?per_page=2", HTTP_IF_NONE_MATCH=first["ETag"])
    assert tagged.status_code == 304
    assert 'rel="next"' in first["Link"]
    assert client.get("/v0/measurements?per_page=2&pretty=1").content.startswith(b"[\n  {")
    wrapped = client.get("/v0/measurements?per_page=2&callback=f").content
    assert wrapped == b"/**/f(" + first.content + b");"


@pytest.mark.parametrize("per_page", [2, 8])
def test_a_list_costs_two_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries, per_page: int
) -> None:
    with django_assert_num_queries(2):  # the page and the total
        client.get(f"/v0/measurements?per_page={per_page}")


def test_only_admins_write(client: APIClient, bob: User, as_user: Any) -> None:
    sent = {"name": "wind", "description": "How fast the air moves."}
    assert client.post("/v0/measurements", sent).status_code == 401
    assert as_user(bob).post("/v0/measurements", sent).status_code == 403
    assert client.delete("/v0/measurements/4").status_code == 401
    assert as_user(bob).patch("/v0/measurements/4", sent).status_code == 403


def test_an_admin_adds_changes_and_deletes_one(carol: User, as_user: Any) -> None:
    admin = as_user(carol)
    highest = Measurement.objects.order_by("-pk")[0].pk
    sent = {"name": "wind", "description": "How fast the air moves.", "unit": "m/s"}
    made = admin.post("/v0/measurements", sent, format="json")
    assert made.status_code == 201
    body = made.json()
    assert body["id"] > highest
    path = f"/v0/measurements/{body['id']}"
    changed = admin.put(path, {"unit": "", "name": "Wind"}, format="json").json()
    assert changed["updated_at"] >= body["updated_at"]
    assert changed | {"updated_at": ""} == body | {"name": "Wind", "unit": None, "updated_at": ""}
    assert admin.delete(path).json() == {"message": "OK"}
    assert admin.get(path).status_code == 404


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"name": "NOISE"}, {"name": ["has already been taken"]}),
        ({"name": ""}, {"name": ["can't be blank"]}),
        ({"description": None}, {"description": ["can't be blank"]}),
        ({"unit": "x" * 51}, {"unit": ["is too long (maximum is 50 characters)"]}),
        ({"unit": {}}, {"unit": ["is invalid"]}),
    ],
)
def test_what_is_wrong_is_named(
    carol: User, as_user: Any, sent: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = as_user(carol).patch("/v0/measurements/5", sent, format="json")
    assert response.status_code == 422
    assert response.json()["errors"] == errors


def test_its_own_name_is_not_taken(carol: User, as_user: Any) -> None:
    response = as_user(carol).patch("/v0/measurements/4", {"name": "Noise"}, format="json")
    assert (response.status_code, response.json()["name"]) == (200, "Noise")


def test_one_that_sensors_take_is_not_deleted(carol: User, as_user: Any) -> None:
    response = as_user(carol).delete("/v0/measurements/4")
    assert response.status_code == 422
    said = "cannot delete record because dependent sensors exist"
    assert response.json()["errors"] == {"base": [said]}
