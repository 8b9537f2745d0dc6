"""`near`, `within`, `bbox`, `with_tags`: exact against plain computation, and served by indexes."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from apps.devices.models import Device, Tag
from apps.devices.positions import EARTH_RADIUS, Box, Point
from apps.users.models import User


def scatter(owner: User, count: int, seed: int = 1) -> dict[int, Point]:
    """Devices all over the sphere, at equal density, by id."""
    chance = random.Random(seed)
    made = Device.objects.bulk_create(
        [
            placed(owner, math.degrees(math.asin(chance.uniform(-1, 1))), chance.uniform(-180, 180))
            for _ in range(count)
        ]
    )
    return {d.pk: Point(d.public_latitude or 0, d.public_longitude or 0) for d in made}


def placed(owner: User, latitude: float, longitude: float) -> Device:
    """A device at a place, not yet saved."""
    device = Device(owner=owner, name="somewhere", latitude=latitude, longitude=longitude)
    device.place()
    return device


def haversine(a: Point, b: Point) -> float:
    """The great-circle distance in kilometres, by the textbook."""
    north, east = math.radians(b.latitude - a.latitude), math.radians(b.longitude - a.longitude)
    h = math.sin(north / 2) ** 2
    h += (
        math.cos(math.radians(a.latitude))
        * math.cos(math.radians(b.latitude))
        * math.sin(east / 2) ** 2
    )
    return 2 * EARTH_RADIUS / 1000 * math.asin(math.sqrt(min(1.0, h)))


@pytest.mark.parametrize(
    "point", [Point(41.4, 2.2), Point(0, 180), Point(-17.7, -179.99), Point(89.9, 0), Point(-90, 0)]
)
def test_the_order_of_ten_thousand_is_that_of_the_great_circle(alice: User, point: Point) -> None:
    places = scatter(alice, 10_000)
    found = list(Device.objects.near(point).values_list("pk", flat=True))
    assert found == sorted(places, key=lambda pk: haversine(point, places[pk]))
    near = [pk for pk in found if haversine(point, places[pk]) <= 500]
    assert list(Device.objects.within(point, 500).near(point).values_list("pk", flat=True)) == near


def test_the_first_page_comes_from_the_index(alice: User) -> None:
    scatter(alice, 5000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE devices_device")
        sql, params = Device.objects.active().near(Point(41.4, 2.2))[:25].query.sql_with_params()
        cursor.execute("EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + sql, params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using device_on_earth" in plan, plan
    assert "Seq Scan on devices_device" not in plan, plan


def test_near_over_http_pages_in_order_and_drops_the_placeless(
    client: APIClient, alice: User
) -> None:
    places = scatter(alice, 30)
    Device.objects.register(owner=alice, name="nowhere")
    point = Point(41.401108, 2.215319)
    nearest = sorted(places, key=lambda pk: haversine(point, places[pk]))
    listed = []
    for page in (1, 2, 3):
        response = client.get(f"/v0/devices?near=41.401108,2.215319&per_page=12&page={page}")
        assert response["Total"] == "30"
        listed += [device["id"] for device in response.json()]
    assert listed == nearest
    assert (
        "near=41.401108%2C2.215319"
        in client.get("/v0/devices?near=41.401108,2.215319&per_page=12")["Link"]
    )


def test_at_the_same_place_the_lower_id_comes_first(client: APIClient, alice: User) -> None:
    made = Device.objects.bulk_create([placed(alice, 1, 2) for _ in range(5)])
    listed = [device["id"] for device in client.get("/v0/devices?near=1,2").json()]
    assert listed == [device.pk for device in made]


def test_near_and_boxes_are_about_the_public_position(client: APIClient, device: Device) -> None:
    device.precise_location = False
    device.save()
    assert client.get("/v0/devices?near=52.3781227,4.6291324&within=0.001").json() == []
    shown = f"{device.public_latitude},{device.public_longitude}"
    assert len(client.get(f"/v0/devices?near={shown}&within=0.001").json()) == 1
    box = "4.6291323,52.3781226,4.6291325,52.3781228"
    assert client.get(f"/v0/devices?bbox={box}").json() == []


@pytest.mark.parametrize(
    ("box", "inside"),
    [
        (Box(-10, -10, 10, 10), [(0, 0), (10, -10)]),
        (Box(170, -20, -170, 0), [(-17, 175), (-18, -175), (-1, 180)]),
        (Box(-180, -90, 180, 90), [(0, 0), (10, -10), (-17, 175), (-18, -175), (-1, 180), (80, 0)]),
        (Box(1, 1, 2, 2), []),
    ],
)
def test_a_box_holds_what_is_in_it_also_across_the_antimeridian(
    client: APIClient, alice: User, box: Box, inside: list[tuple[float, float]]
) -> None:
    for place in [(0, 0), (10, -10), (-17, 175), (-18, -175), (-1, 180), (80, 0)]:
        placed(alice, *place).save()
    query = ",".join(f"{edge:g}" for edge in box)
    listed = client.get(f"/v0/devices?bbox={query}").json()
    assert [(device["latitude"], device["longitude"]) for device in listed] == inside


def test_any_of_the_tags_and_no_device_twice(client: APIClient, device: Device) -> None:
    device.tags.set(Tag.objects.filter(name__in=["School", "Research"]))
    Device.objects.register(owner=device.owner, name="other")
    for query, count in [("school|RESEARCH", 1), ("School", 1), ("Home", 0), ("", 2), ("|", 0)]:
        response = client.get("/v0/devices", {"with_tags": query})
        assert (len(response.json()), response["Total"]) == (count, str(count)), query


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("near=41.4", "near has to be lat,lng such as 41.401108,2.215319"),
        ("near=here", "near has to be lat,lng such as 41.401108,2.215319"),
        ("near=nan,0", "near has to be lat,lng such as 41.401108,2.215319"),
        ("near=1,2,3", "near has to be lat,lng such as 41.401108,2.215319"),
        ("near=91,0", "near is out of range: 91 is not between -90 and 90"),
        ("near=0,-180.5", "near is out of range: -180.5 is not between -180 and 180"),
        ("within=5", "within needs near=lat,lng"),
        ("near=0,0&within=far", "within has to be a number of kilometres"),
        ("near=0,0&within=-1", "within has to be a number of kilometres, from 0"),
        ("bbox=1,2,3", "bbox has to be west,south,east,north"),
        ("bbox=0,2,0,1", "bbox has its south above its north"),
        ("bbox=0,-91,0,1", "bbox is out of range: -91 is not between -90 and 90"),
    ],
)
def test_what_cannot_be_read_is_named(
    client: APIClient, db: None, query: str, message: str
) -> None:
    response = client.get(f"/v0/devices?{query}")
    assert response.status_code == 400
    assert response.json() == {"id": "bad_request", "message": message, "errors": None, "url": None}


def test_blank_ones_count_for_nothing(client: APIClient, device: Device) -> None:
    assert len(client.get("/v0/devices?near=&within=&bbox=&with_tags=").json()) == 1


def test_all_of_the_earth_is_within_half_way_round(client: APIClient, alice: User) -> None:
    placed(alice, -41.4, -177.8).save()
    response: Any = client.get("/v0/devices?near=41.4,2.2&within=20038")
    assert len(response.json()) == 1
    assert len(client.get("/v0/devices?near=41.4,2.2&within=1e300").json()) == 1
