"""`GET /v0/devices/:id/readings` without a rollup: all raw readings, newest first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def fill(device: Device, count: int) -> None:
    """One reading a minute from noon: noise raw and calibrated, and every other one Wi-Fi too."""
    rows = []
    for n in range(count):
        values: dict[int, tuple[float, float | None]] = {7: (50.0 + n, float(n))}
        if n % 2:
            values[21] = (float(n), None)
        rows.append(Row(n, NOON + timedelta(minutes=n), values))
    ingest.store(device.pk, rows)


def pages(client: APIClient, url: str) -> list[list[Any]]:
    """Every page of a list, following the Link header's next."""
    found = []
    while url:
        response = client.get(url)
        assert response.status_code == 200, response.content
        found.append(response.json())
        links = dict(
            reversed(part.split("; rel=")) for part in response.get("Link", "").split(", ") if part
        )
        assert set(links) <= {'"first"', '"next"'}
        assert "Total" not in response
        url = links.get('"next"', "").strip("<>")
    return found


def test_a_reading_has_the_shape_of_the_contract(client: APIClient, device: Device) -> None:
    fill(device, 2)
    [second, first] = client.get(f"/v0/devices/{device.pk}/readings").json()
    assert first == {
        "device_id": device.pk,
        "recorded_at": "2026-03-05T12:00:00Z",
        "added_at": first["added_at"],
        "data": {"7": 50.0, "7_raw": 0},
    }
    assert second["data"] == {"7": 51.0, "7_raw": 1, "21": 1}


def test_all_of_them_are_listed_once_over_the_pages(client: APIClient, device: Device) -> None:
    fill(device, 60)
    listed = pages(client, f"/v0/devices/{device.pk}/readings")
    assert [len(page) for page in listed] == [25, 25, 10]
    times = [reading["recorded_at"] for page in listed for reading in page]
    assert times == sorted(set(times), reverse=True)
    assert len(times) == 60


def test_pages_stay_right_while_new_readings_arrive(client: APIClient, device: Device) -> None:
    fill(device, 30)
    first = client.get(f"/v0/devices/{device.pk}/readings?per_page=10")
    fill(device, 40)
    rest = pages(client, first["Link"].split('rel="first", <')[1].split(">")[0])
    times = [reading["recorded_at"] for page in [first.json(), *rest] for reading in page]
    assert len(times) == len(set(times)) == 30


@pytest.mark.parametrize(
    ("query", "minutes"),
    [
        ("from=2026-03-05T12:02:00Z", [4, 3, 2]),
        ("to=2026-03-05T12:02:00Z", [1, 0]),
        ("from=2026-03-05%2012:01:00%20UTC&to=2026-03-05%2012:03:00%2000:00", [2, 1]),
        ("from=2026-03-05T12:01:00+00:00&to=2026-03-05T12:02:00%2B00:00", [1]),
        ("from=1772712120", [4, 3, 2]),
        ("from=1772712120000", [4, 3, 2]),
        ("from=0", [4, 3, 2, 1, 0]),
        ("to=978307200", []),
        ("relative=5000w", [4, 3, 2, 1, 0]),
        ("relative=100y&to=2026-03-05T12:02:00Z", [1, 0]),
        ("relative=1m", []),
        ("from=2026-03-05&to=2026-03-06", [4, 3, 2, 1, 0]),
        ("from=2026-03-06", []),
        ("sensor_id=21", [3, 1]),
        ("sensor_id=12", []),
        ("sensor_id=999999999", []),
        ("from=&to=&sensor_id=", [4, 3, 2, 1, 0]),
    ],
)
def test_the_list_is_narrowed_by_time_and_sensor(
    client: APIClient, device: Device, query: str, minutes: list[int]
) -> None:
    fill(device, 5)
    listed = client.get(f"/v0/devices/{device.pk}/readings?{query}").json()
    assert [int(reading["recorded_at"][14:16]) for reading in listed] == minutes
    if query == "sensor_id=21":
        assert [reading["data"] for reading in listed] == [{"21": 3}, {"21": 1}]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("from=yesterday", "from has to be a time"),
        ("to=2026-02-30", "to has to be a time"),
        ("from=2026-03-06&to=2026-03-05", "from has to be before to"),
        ("relative=soon", "relative has to be a length of time"),
        ("relative=0w", "relative has to be a length of time"),
        ("relative=999999999999y", "relative has to be a length of time"),
        ("relative=1w&from=2026-03-06", "relative and from exclude each other"),
        ("relative=1w&to=2026-01-01", "from has to be before to"),
        ("from=-99999999999999", "from has to be a time"),
        ("sensor_id=noise", "sensor_id has to be the number of a sensor"),
        ("sensor_id=-1", "sensor_id has to be the number of a sensor"),
        ("per_page=0", "per_page"),
        ("cursor=%00", "NUL"),
        ("cursor=x", "cursor"),
        ("rollup=1h&sensor_id=x", "sensor_id"),
    ],
)
def test_a_bad_parameter_is_named(
    client: APIClient, device: Device, query: str, named: str
) -> None:
    response = client.get(f"/v0/devices/{device.pk}/readings?{query}")
    assert response.status_code == 400
    assert response.json()["id"] == "bad_request"
    assert named in response.json()["message"]


def test_a_device_without_readings_has_an_empty_list(client: APIClient, device: Device) -> None:
    response = client.get(f"/devices/{device.pk}/readings/")
    assert (response.json(), response.get("Link")) == ([], None)
    assert response["Per-Page"] == "25"


def test_the_readings_of_a_private_device_are_its_owners(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    device.is_private = True
    device.save()
    fill(device, 1)
    url = f"/v0/devices/{device.pk}/readings"
    for stranger in (client, as_user(bob)):
        response = stranger.get(url)
        assert response.status_code == 404
        assert response.json()["message"] == f"Couldn't find Device with 'id'={device.pk}"
    for viewer in (alice, carol):
        assert len(as_user(viewer).get(url).json()) == 1


def test_what_a_client_holds_already_costs_one_query(
    client: APIClient, device: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(device, 3)
    url = f"/v0/devices/{device.pk}/readings"
    etag = client.get(url)["ETag"]
    with django_assert_num_queries(1):
        assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    ingest.store(device.pk, [Row(0, timezone.now(), {7: (1.0, None)})])
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200
