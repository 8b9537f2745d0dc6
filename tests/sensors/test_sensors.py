"""`/v0/sensors`: the reference's examples, pages, what it costs, and the writes of admins."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.sensors.models import Sensor, SensorTag
from apps.users.models import User

pytestmark = pytest.mark.usefixtures("installed")

# reference: Get all Sensors, with times cut to whole seconds
DHT22 = [
    {
        "id": 3,
        "parent_id": None,
        "name": "DHT22",
        "description": "Digital Temperature and Relative Humidity Sensor",
        "unit": None,
        "created_at": "2015-02-02T18:14:15Z",
        "updated_at": "2015-02-02T18:14:15Z",
    },
    {
        "id": 4,
        "parent_id": 3,
        "name": "DHT22 - Temperature",
        "description": "Temperature",
        "unit": "ºC",
        "created_at": "2015-02-02T18:15:14Z",
        "updated_at": "2015-02-02T18:15:14Z",
    },
    {
        "id": 5,
        "parent_id": 3,
        "name": "DHT22 - Humidity",
        "description": "Humidity",
        "unit": "%",
        "created_at": "2015-02-02T18:15:34Z",
        "updated_at": "2015-02-02T18:15:34Z",
    },
]
# reference: Pretty Printing
BATTERY = {
    "id": 10,
    "name": "Battery",
    "description": "Custom Circuit",
    "unit": "%",
    "created_at": "2015-02-02T18:18:00Z",
    "updated_at": "2015-02-02T18:18:00Z",
}


def part(body: dict[str, Any], like: dict[str, Any]) -> dict[str, Any]:
    """The members of `body` that the reference's example has."""
    return {name: body[name] for name in like}


@pytest.fixture
def tag(db: None) -> SensorTag:
    """A word that groups sensors."""
    return SensorTag.objects.create(name="Air")


@pytest.fixture
def admin(carol: User, as_user: Any) -> APIClient:
    """Carol's client."""
    client: APIClient = as_user(carol)
    return client


def test_the_list_starts_as_the_reference_shows_it(client: APIClient) -> None:
    body = client.get("/v0/sensors").json()
    assert [part(*pair) for pair in zip(body, DHT22, strict=False)] == DHT22


@pytest.mark.parametrize("example", [*DHT22, BATTERY], ids=lambda example: example["name"])
def test_a_sensor_is_as_the_reference_shows_it(client: APIClient, example: dict[str, Any]) -> None:
    response = client.get(f"/v0/sensors/{example['id']}")
    assert response.status_code == 200
    assert part(response.json(), example) == example


def test_a_sensor_has_the_whole_shape(client: APIClient, tag: SensorTag) -> None:
    sensor = Sensor.objects.get(pk=12)
    sensor.tags.add(tag)
    body = client.get("/v0/sensors/12/").json()
    description = body["measurement"].pop("description")
    assert description
    assert body == {
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
            "unit": "ºC",
            "definition": None,
        },
        "tags": ["Air"],
        "created_at": "2015-02-02T18:24:02Z",
        "updated_at": "2015-02-02T18:24:02Z",
    }


def test_the_list_comes_in_pages_or_in_one_piece(client: APIClient) -> None:
    total = Sensor.objects.count()
    page = client.get("/v0/sensors?page=2&per_page=2")
    assert [sensor["id"] for sensor in page.json()] == [5, 6]
    assert (page["Total"], page["Per-Page"]) == (str(total), "2")
    assert 'rel="prev"' in page["Link"]
    whole = client.get("/v0/sensors?per_page=5000")
    assert whole["Per-Page"] == "1000"
    assert len(whole.json()) == total
    assert "Link" not in whole


def test_the_list_is_served_in_every_form(client: APIClient) -> None:
    first = client.get("/v0/sensors")
    again = client.get("/v0/sensors", HTTP_IF_NONE_MATCH=first["ETag"])
    assert again.status_code == 304
    assert client.get("/sensors/").content == first.content
    assert client.get("/v0/sensors?pretty=true").content.startswith(b'[\n  {\n    "id": 3,')
    wrapped = client.get("/v0/sensors?callback=show")
    assert wrapped["Content-Type"].startswith("application/javascript")
    assert wrapped.content == b"/**/show(" + first.content + b");"


@pytest.mark.parametrize("per_page", [2, 20])
def test_a_list_costs_one_query_however_long(
    client: APIClient, django_assert_num_queries: DjangoAssertNumQueries, per_page: int
) -> None:
    client.get("/v0/sensors")  # the first after a change of the catalogue learns it
    with django_assert_num_queries(1):  # whether the catalogue is still the same
        client.get(f"/v0/sensors?per_page={per_page}")


def test_a_list_is_the_same_whether_it_is_kept_or_searched(client: APIClient) -> None:
    assert len(client.get("/v0/sensors").json()) > 5
    for page in ("per_page=5", "per_page=5&page=2", "per_page=1000", "page=99"):
        kept = client.get(f"/v0/sensors?{page}")
        searched = client.get(f"/v0/sensors?{page}&q[id_gt]=0")
        assert kept.json() == searched.json()
        assert kept["Total"] == searched["Total"]


@pytest.mark.parametrize("path", ["101308", "9" * 40])
def test_what_is_not_there_is_named(client: APIClient, path: str) -> None:
    response = client.get(f"/v0/sensors/{path}")
    assert response.status_code == 404
    assert response.json()["message"] == f"Couldn't find Sensor with 'id'={path}"


@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "/v0/sensors"), ("patch", "/v0/sensors/4"), ("put", "/v0/sensors/4")]
    + [("delete", "/v0/sensors/4")],
)
def test_only_admins_write(
    client: APIClient, bob: User, as_user: Any, method: str, path: str
) -> None:
    before = client.get("/v0/sensors?per_page=1000").content
    assert getattr(client, method)(path, {"name": "x"}).status_code == 401
    assert getattr(as_user(bob), method)(path, {"name": "x"}).status_code == 403
    assert client.get("/v0/sensors?per_page=1000").content == before


def test_an_admin_adds_a_sensor(admin: APIClient, client: APIClient, tag: SensorTag) -> None:
    highest = Sensor.objects.order_by("-pk")[0].pk
    sent = {
        "name": "BME280 - Temperature",
        "description": "Temperature",
        "unit": "ºC",
        "unit_definition": "degrees Celsius",
        "default_key": "bme_temp",
        "datasheet": "https://example.org/bme280.pdf",
        "parent_id": 3,
        "measurement_id": 1,
        "tags": ["air"],
    }
    response = admin.post("/v0/sensors", sent, format="json")
    assert response.status_code == 201, response.content
    body = response.json()
    assert part(body, sent) == sent | {"tags": ["Air"]}
    assert body["id"] > highest
    assert client.get(f"/v0/sensors/{body['id']}").json() == body


def test_a_sensor_needs_only_a_name(admin: APIClient) -> None:
    body = admin.post("/v0/sensors", {"name": "Bare"}, format="json").json()
    assert (body["description"], body["unit"], body["tags"]) == ("", None, [])
    assert body["parent_id"] is body["measurement_id"] is body["default_key"] is None


@pytest.mark.parametrize("method", ["patch", "put"])
def test_what_is_left_out_stays(admin: APIClient, tag: SensorTag, method: str) -> None:
    Sensor.objects.get(pk=12).tags.add(tag)
    before = admin.get("/v0/sensors/12").json()
    after = getattr(admin, method)("/v0/sensors/12", {"unit": "K"}, format="json").json()
    assert after.pop("updated_at") > before.pop("updated_at")
    assert after == before | {"unit": "K"}


def test_blank_is_null_where_it_may_be(admin: APIClient) -> None:
    sent = {"unit": "", "default_key": "", "datasheet": "", "description": None, "parent_id": None}
    body = admin.patch("/v0/sensors/12", sent, format="json").json()
    assert body["unit"] is body["default_key"] is body["datasheet"] is body["parent_id"] is None
    assert body["description"] == ""


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({"name": " "}, {"name": ["can't be blank"]}),
        ({"name": "x" * 201}, {"name": ["is too long (maximum is 200 characters)"]}),
        ({"parent_id": 101308}, {"parent_id": ["must exist"]}),
        ({"parent_id": 10**40}, {"parent_id": ["must exist"]}),
        ({"parent_id": "abc"}, {"parent_id": ["is invalid"]}),
        ({"measurement_id": 101308}, {"measurement_id": ["must exist"]}),
        ({"datasheet": "javascript:alert(1)"}, {"datasheet": ["is invalid"]}),
        ({"tags": ["Air", "Wind"]}, {"tags": ["unknown tags: Wind"]}),
        ({"tags": "Air"}, {"tags": ["is invalid"]}),
        # The tree: 4 stands under 3, and a sensor under itself is a loop too.
        ({"parent_id": 4}, {"parent_id": ["has this sensor above it"]}),
        ({"parent_id": 3}, {"parent_id": ["has this sensor above it"]}),
    ],
)
def test_what_is_wrong_is_named(
    admin: APIClient, tag: SensorTag, sent: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = admin.patch("/v0/sensors/3", sent, format="json")
    assert response.status_code == 422, response.content
    assert response.json()["errors"] == errors


def test_a_name_is_required(admin: APIClient) -> None:
    response = admin.post("/v0/sensors", {}, format="json")
    assert response.status_code == 422
    assert response.json()["errors"] == {"name": ["can't be blank"]}


def test_a_sensor_that_nothing_needs_is_deleted(admin: APIClient) -> None:
    made = admin.post("/v0/sensors", {"name": "Bare"}, format="json").json()
    response = admin.delete(f"/v0/sensors/{made['id']}")
    assert (response.status_code, response.json()) == (200, {"message": "OK"})
    assert admin.get(f"/v0/sensors/{made['id']}").status_code == 404


@pytest.mark.parametrize(
    ("sensor", "what"),
    [(3, "sensors"), (6, "kit sensors"), (7, "components and kit sensors")],
)
def test_a_sensor_in_use_is_not_deleted(
    admin: APIClient, device: Device, sensor: int, what: str
) -> None:
    response = admin.delete(f"/v0/sensors/{sensor}")
    assert response.status_code == 422
    said = f"cannot delete record because dependent {what} exist"
    assert response.json()["errors"] == {"base": [said]}
    assert Sensor.objects.filter(pk=sensor).exists()


def test_refusing_reads_one_row_of_each_kind(admin: APIClient, alice: User, sck_1_1: Kit) -> None:
    for number in range(3):
        Device.objects.register(owner=alice, kit=sck_1_1, name=f"Kit {number}")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        admin.delete("/v0/sensors/7")
    [asked] = [each["sql"] for each in queries if 'FROM "devices_component"' in each["sql"]]
    assert asked.endswith("LIMIT 1")
