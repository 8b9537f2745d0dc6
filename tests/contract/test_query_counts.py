"""What every list costs in queries: recorded in one table, the same for any length and any page.

A page after which there is another one costs one query more than the last, since only then has
the whole list to be counted for `Total`. When a number changes on purpose, change it in QUERIES.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.devices.models import Component, Device, Experiment, Tag
from apps.kits.models import Kit, KitSensor
from apps.readings import ingest
from apps.readings.keys import Row
from apps.sensors.models import Measurement, Sensor, SensorTag
from apps.users.models import User
from tests.contract.conftest import As

ROWS = 120

# What a page costs that is not the last one.
QUERIES = {
    "/v0/users": 3,
    "/v0/devices": 3,
    "/v0/components": 3,
    "/v0/kits": 2,
    "/v0/sensors": 1,
    "/v0/measurements": 2,
    "/v0/tags": 2,
    "/v0/tag_sensors": 2,
    "/v0/experiments": 2,
    "/v0/search?q=common": 5,
    # The search by `q` has a time limit, which is set before and after it.
    "/v0/users?q[username_cont]=common&q[s]=username desc": 7,
    "/v0/users?q[devices_name_cont]=common": 7,
    "/v0/users?q[sensors_id_in][]=7&q[sensors_id_in][]=12": 7,
    "/v0/devices?q[name_cont]=common&q[s]=owner_username,id desc": 7,
    "/v0/devices?q[tags_name_eq]=common": 7,
    "/v0/devices?q[sensors_measurement_name_present]=1": 7,
    "/v0/devices?near=41.4,2.2": 3,
    "/v0/devices?near=41.4,2.2&within=20000&with_tags=common": 3,
    "/v0/devices?bbox=-180,-90,180,90": 3,
    "/v0/kits?q[sensors_id_eq]=7": 6,
    "/v0/sensors?q[measurement_name_cont]=common": 6,
    "/v0/components?q[sensor_id_gt]=0": 7,
}
# The history follows a cursor and is never counted.
# The device twice, who may see it and where its readings end; readings; their sensors.
HISTORY = 4
HISTORY_TO_THE_END = 12
# One array, whatever its length: computed at each request, computed, and from the copy.
WORLD_MAP = [
    ("/v0/devices/fresh_world_map", 1),
    ("/v0/devices/world_map", 1),
    ("/v0/devices/world_map", 0),
]
# Lists that cost the same on their last page: counted there as well, or kept with their count.
ALWAYS_COUNTED = {"/v0/search?q=common", "/v0/sensors"}


@pytest.fixture
def many(alice: User, sck_1_1: Kit) -> list[Device]:
    """120 of everything, each whole: with a tag, a kit, an owner, a measurement, an experiment."""
    numbers = range(ROWS)
    measurement = Measurement.objects.create(name="common", description="common")
    Measurement.objects.bulk_create(
        Measurement(name=f"common {n}", description="common") for n in numbers
    )
    tag = Tag.objects.create(name="common")
    Tag.objects.bulk_create(Tag(name=f"common {n}") for n in numbers)
    SensorTag.objects.bulk_create(SensorTag(name=f"common {n}") for n in numbers)
    sensors = Sensor.objects.bulk_create(
        Sensor(name=f"common {n}", measurement=measurement) for n in numbers
    )
    sensor_tag = SensorTag.objects.all()[0]
    sensor_tag.sensors.set(Sensor.objects.all())
    kits = Kit.objects.bulk_create(Kit(name=f"common {n}", slug=f"common:{n}") for n in numbers)
    KitSensor.objects.bulk_create(
        KitSensor(kit=kit, sensor_id=id_, key=f"k{id_}")
        for kit, sensor in zip(kits, sensors, strict=True)
        for id_ in (7, 12, sensor.pk)
    )
    users = User.objects.bulk_create(
        User(username=f"common {n}", email=f"{n}@example.org") for n in numbers
    )
    devices = [
        Device(owner=user, kit=kit, name=f"common {n}", latitude=n / 2, longitude=n)
        for n, (user, kit) in enumerate(zip(users, kits, strict=True))
    ]
    for device in devices:
        device.place()
    Device.objects.bulk_create(devices)
    Device.objects.all().refit()
    tag.devices.set(devices)
    Experiment.objects.create(name="common", owner=alice).devices.set(devices)
    Experiment.objects.bulk_create(Experiment(name=f"common {n}", owner=alice) for n in numbers)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the database does by itself once this has committed
    return devices


def cost(client: Any, path: str, **parameters: int) -> tuple[int, int]:
    """How many queries a page costs, and how many rows it has."""
    pairs = "&".join(f"{name}={value}" for name, value in parameters.items())
    with CaptureQueriesContext(connection) as queries:
        response = client.get(f"{path}{'&' if '?' in path else '?'}{pairs}")
    assert response.status_code == 200, response.content
    return len(queries), len(response.json())


@pytest.mark.parametrize("path", QUERIES)
def test_a_page_costs_the_same_however_long_wherever_it_is_and_whoever_asks(
    path: str, many: list[Device], as_: As
) -> None:
    cost(as_("anonymous"), path, per_page=100)  # what a process keeps once read is kept
    total = int(as_("anonymous").get(path)["Total"])
    assert total >= ROWS
    uncounted = QUERIES[path] - (path not in ALWAYS_COUNTED)
    for viewer in ("anonymous", "owner", "admin"):
        client = as_(viewer)
        for per_page in (5, 50):
            last = -(-total // per_page)
            rest = total - (last - 1) * per_page
            for page in (1, 2, last - 1):
                found = cost(client, path, per_page=per_page, page=page)
                assert found == (QUERIES[path], per_page), (viewer, page)
            assert cost(client, path, per_page=per_page, page=last) == (uncounted, rest), viewer
    for page in (last + 1, 10**6, 10**40):
        queries, length = cost(client, path, per_page=50, page=page)
        assert (queries <= QUERIES[path], length) == (True, 0)


@pytest.mark.parametrize("per_page", [5, 50])
def test_a_page_of_history_costs_the_same_wherever_it_is(
    per_page: int, device: Device, as_: As
) -> None:
    client = as_("anonymous")
    noon = timezone.now().replace(microsecond=0) - timedelta(days=1)
    ingest.store(
        device.pk,
        [Row(n, noon + timedelta(minutes=n), {7: (50.0 + n, 0.0)}) for n in range(ROWS)],
    )
    url: str | None = f"/v0/devices/{device.pk}/readings?per_page={per_page}"
    client.get(url)
    seen = []
    while url:
        with CaptureQueriesContext(connection) as queries:
            response = client.get(url)
        # The last page has looked through all the time before it, in windows that double.
        last = 'rel="next"' not in response.headers.get("Link", "")
        assert len(queries) == HISTORY or (last and len(queries) <= HISTORY_TO_THE_END)
        seen += [reading["recorded_at"] for reading in response.json()]
        links = response.headers.get("Link", "").split(", ")
        following = [link for link in links if link.endswith('rel="next"')]
        url = following[0].partition(">")[0].lstrip("<") if following else None
    assert len(seen) == len(set(seen)) == ROWS
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("rows", [5, 50, ROWS])
def test_the_world_map_costs_the_same_however_long(rows: int, many: list[Device], as_: As) -> None:
    keep = [device.pk for device in many[:rows]]
    Component.objects.exclude(device_id__in=keep).delete()
    Device.objects.exclude(pk__in=keep).delete()
    client = as_("owner")
    entries = client.get("/v0/devices/fresh_world_map").json()
    assert [entry["id"] for entry in entries] == keep
    for path, queries in WORLD_MAP:
        with CaptureQueriesContext(connection) as found:
            assert client.get(path).json() == entries
        assert len(found) == queries, path
