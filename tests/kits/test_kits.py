"""`/v0/kits`: list, detail by id or slug, what it costs, and the writes of admins."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit, KitSensor
from apps.users.models import User

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def admin(carol: User, as_user: Any) -> APIClient:
    """Carol's client."""
    client: APIClient = as_user(carol)
    return client


def test_a_kit_has_the_whole_shape(client: APIClient) -> None:
    body = client.get("/v0/kits/3").json()
    sensors = body.pop("sensors")
    assert body == {
        "id": 3,
        "uuid": "6ae30424-4e09-4318-b96d-771996657c70",
        "slug": "sck:1,1",
        "name": "SCK 1.1 - Ambient Board",
        "description": "Kickstarter Board",
        "created_at": "2015-02-02T18:23:16Z",
        "updated_at": "2015-05-25T14:06:46Z",
    }
    assert [sensor["id"] for sensor in sensors] == [7, 12, 13, 14, 15, 16, 17, 18, 21]
    assert sensors[1] == client.get("/v0/sensors/12").json()


def test_the_list_is_served_in_every_form(client: APIClient) -> None:
    first = client.get("/v0/kits?per_page=2")
    assert [kit["slug"] for kit in first.json()] == ["sck:1,0", "sck:1,1"]
    assert (first["Total"], 'rel="next"' in first["Link"]) == (str(Kit.objects.count()), True)
    tagged = client.get("/v0/kits?per_page=2", HTTP_IF_NONE_MATCH=first["ETag"])
    assert tagged.status_code == 304
    assert client.get("/v0/kits?per_page=2&pretty=1").content.startswith(b"[\n  {")
    wrapped = client.get("/v0/kits?per_page=2&callback=f").content
    assert wrapped == b"/**/f(" + first.content + b");"
    assert client.get("/v0/kits?per_page=5000")["Per-Page"] == "1000"


@pytest.mark.parametrize("per_page", [1, 2])
def test_a_list_costs_two_queries_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries, per_page: int
) -> None:
    client.get("/v0/kits")  # the first after a change of the catalogue learns it
    with django_assert_num_queries(2):  # the ids of the page, the total
        client.get(f"/v0/kits?per_page={per_page}")


@pytest.mark.parametrize("name", ["sck:1,1", "sck%3A1%2C1", "SCK:1,1", "sck:1,1/", "03"])
def test_a_kit_is_found_by_slug_too(client: APIClient, name: str) -> None:
    assert client.get(f"/v0/kits/{name}").json()["id"] == 3


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("101308", "Couldn't find Kit with 'id'=101308"),
        ("9" * 40, f"Couldn't find Kit with 'id'={'9' * 40}"),
        ("sck:9,9", "Couldn't find Kit with 'slug'=sck:9,9"),
    ],
)
def test_what_is_not_there_is_named(client: APIClient, path: str, message: str) -> None:
    response = client.get(f"/v0/kits/{path}")
    assert response.status_code == 404
    assert response.json()["message"] == message


@pytest.mark.parametrize(
    ("method", "path"), [("post", "/v0/kits"), ("patch", "/v0/kits/3"), ("delete", "/v0/kits/3")]
)
def test_only_admins_write(
    client: APIClient, bob: User, as_user: Any, method: str, path: str
) -> None:
    assert getattr(client, method)(path, {"name": "x"}).status_code == 401
    assert getattr(as_user(bob), method)(path, {"name": "x"}).status_code == 403


def test_an_admin_adds_a_kit_with_its_sensors(admin: APIClient, client: APIClient) -> None:
    highest = Kit.objects.order_by("-pk")[0].pk
    formula = {"kind": "linear", "divide": 10}
    sent = {
        "name": "Weather station",
        "slug": "ws:1,0",
        "sensors": [{"id": 12, "key": "t", "calibration": formula}, {"id": 13}],
    }
    response = admin.post("/v0/kits", sent, format="json")
    assert response.status_code == 201, response.content
    body = response.json()
    assert body["id"] > highest
    assert (body["description"], [each["id"] for each in body["sensors"]]) == ("", [12, 13])
    rows = KitSensor.objects.filter(kit_id=body["id"]).values_list("key", "calibration")
    assert list(rows) == [("t", formula), ("hum", None)]
    assert client.get("/v0/kits/ws:1,0").json() == body


def test_a_kit_without_sensors_may_get_them_later(admin: APIClient) -> None:
    made = admin.post("/v0/kits", {"name": "Bare", "slug": "bare"}, format="json")
    assert (made.status_code, made.json()["sensors"]) == (201, [])
    sent = {"sensors": [{"id": 21, "key": "nets"}]}
    assert [s["id"] for s in admin.put("/v0/kits/bare", sent, format="json").json()["sensors"]] == [
        21
    ]
    assert admin.delete("/v0/kits/bare").json() == {"message": "OK"}
    assert admin.get("/v0/kits/bare").status_code == 404


def test_what_is_left_out_stays(admin: APIClient) -> None:
    rows = list(KitSensor.objects.filter(kit=3).values_list("pk", "key", "calibration"))
    before = admin.get("/v0/kits/3").json()
    after = admin.patch("/v0/kits/3", {"description": "Old"}, format="json").json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == before | {"description": "Old"}
    assert list(KitSensor.objects.filter(kit=3).values_list("pk", "key", "calibration")) == rows


def test_what_was_read_can_be_sent_back(admin: APIClient) -> None:
    rows = list(KitSensor.objects.filter(kit=3).values_list("sensor_id", "key", "calibration"))
    sent = {"sensors": admin.get("/v0/kits/3").json()["sensors"]}
    response = admin.patch("/v0/kits/3", sent, format="json")
    assert response.status_code == 200, response.content
    assert response.json()["sensors"] == sent["sensors"]
    now = KitSensor.objects.filter(kit=3).values_list("sensor_id", "key", "calibration")
    assert list(now) == rows


def test_a_formula_is_taken_away_by_null(admin: APIClient) -> None:
    sent = {"sensors": [{"id": 7, "calibration": None}, {"id": 12, "key": "t"}]}
    assert admin.patch("/v0/kits/3", sent, format="json").status_code == 200
    noise, temperature = KitSensor.objects.filter(kit=3)
    assert (noise.key, noise.calibration) == ("noise", None)
    assert (temperature.key, temperature.calibration["kind"]) == ("t", "linear")


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"slug": "SCK:1,0"}, {"slug": ["has already been taken"]}),
        ({"slug": "34"}, {"slug": ["is invalid"]}),
        ({"slug": "a/b"}, {"slug": ["is invalid"]}),
        ({"slug": ".."}, {"slug": ["is invalid"]}),
        ({"name": ""}, {"name": ["can't be blank"]}),
        ({"sensors": None}, {"sensors": ["can't be blank"]}),
        ({"sensors": "7"}, {"sensors": ["is invalid"]}),
        ({"sensors": [7]}, {"sensors.0": ["is invalid"]}),
        ({"sensors": [{"key": "x"}]}, {"sensors.0.id": ["can't be blank"]}),
        ({"sensors": [{"id": "x"}]}, {"sensors.0.id": ["is not a number"]}),
        ({"sensors": [{"id": 7}, {"id": 101308}]}, {"sensors.1.id": ["must exist"]}),
        ({"sensors": [{"id": 10**18}]}, {"sensors.0.id": ["must exist"]}),
        ({"sensors": [{"id": 7}, {"id": 7}]}, {"sensors.1.id": ["has already been taken"]}),
        ({"sensors": [{"id": 3}]}, {"sensors.0.key": ["can't be blank"]}),
        ({"sensors": [{"id": 7, "key": ""}]}, {"sensors.0.key": ["can't be blank"]}),
        ({"sensors": [{"id": 4}, {"id": 12}]}, {"sensors.1.key": ["has already been taken"]}),
        (
            {"sensors": [{"id": 7}, {"id": 12, "calibration": {"kind": "linear", "divide": 0}}]},
            {"sensors.1.calibration": ["divides by zero"]},
        ),
        (
            {"sensors": [{"id": 7, "calibration": "x * 2"}]},
            {"sensors.0.calibration": ["has to be null or an object with a kind"]},
        ),
    ],
)
def test_what_is_wrong_is_named_and_nothing_changes(
    admin: APIClient, sent: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    before = admin.get("/v0/kits/3").json()
    response = admin.patch("/v0/kits/3", {"description": "new"} | sent, format="json")
    assert response.status_code == 422, response.content
    assert response.json()["errors"] == errors
    assert admin.get("/v0/kits/3").json() == before


def test_its_own_slug_is_not_taken(admin: APIClient) -> None:
    response = admin.patch("/v0/kits/sck:1,1", {"slug": "SCK:1,1"}, format="json")
    assert (response.status_code, response.json()["slug"]) == (200, "SCK:1,1")


def test_name_and_slug_are_required(admin: APIClient) -> None:
    response = admin.post("/v0/kits", {}, format="json")
    blank = ["can't be blank"]
    assert response.json()["errors"] == {"name": blank, "slug": blank}


def test_a_kit_that_devices_are_built_by_is_not_deleted(admin: APIClient, device: Device) -> None:
    response = admin.delete("/v0/kits/3")
    assert response.status_code == 422
    said = "cannot delete record because dependent devices exist"
    assert response.json()["errors"] == {"base": [said]}


def test_devices_follow_their_kit(admin: APIClient, client: APIClient, device: Device) -> None:
    sent = {"sensors": [{"id": 7}, {"id": 12}, {"id": 55}]}
    assert admin.patch("/v0/kits/3", sent, format="json").status_code == 200
    body = client.get(f"/v0/devices/{device.pk}").json()
    assert [sensor["id"] for sensor in body["data"]["sensors"]] == [7, 12, 55]
    assert [sensor["id"] for sensor in body["kit"]["sensors"]] == [7, 12, 55]
