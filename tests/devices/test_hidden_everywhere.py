"""What every answer tells a stranger of a device that hides its position: one point, no more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.location import GRID, METRES_A_DEGREE, blurred
from apps.devices.models import Device, Experiment
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User
from tests.devices.test_location import metres

TRUE = (52.3781227, 4.6291324)
# The true place to a few metres, and the heights that only the owner knows
TELLING = re.compile(r"52\.37812|4\.62913|\b4321\b|8765\.5")
GPS = {125: (52.3781227, None), 126: (4.6291324, None), 127: (8765.5, None), 55: (21.0, None)}


@pytest.fixture
def hidden(device: Device, alice: User) -> Device:
    """Alice's device, which hides its position, has an elevation, and posted from its GPS."""
    # What is shown follows from the UUID too: with this one it never looks like the true place.
    device.change(uuid=UUID(int=8), precise_location=False, elevation=4321)
    now = timezone.now().replace(second=0, microsecond=0)
    ingest.store(device.pk, [Row(0, now, dict(GPS))])  # type: ignore[arg-type]
    experiment = Experiment.objects.create(owner=alice, name="Noise in the old town")
    experiment.devices.add(device)
    return device


def answers(device: Device) -> list[str]:
    """Where a device is told of."""
    path = f"/v0/devices/{device.pk}"
    place = f"{device.public_latitude},{device.public_longitude}"
    readings = [
        *("", "?sensor_id=125", "?format=csv", "?format=csv&raw=true", "?format=ndjson"),
        *(f"?rollup=1h&sensor_id={each}" for each in (125, 126, 127)),
        *(f"?rollup=1h&sensor_id=125&function={each}" for each in ("min", "first", "sum")),
    ]
    experiment = Experiment.objects.get()
    return [
        *(path, "/v0/devices", "/v0/devices?sort=id", f"/v0/devices?near={place}"),
        *(f"/v0/devices?near={TRUE[0]},{TRUE[1]}", "/v0/devices?q[name_cont]=haarlem"),
        *(f"/v0/devices?q[geohash_start]={device.public_geohash}", "/v0/devices/world_map"),
        *("/v0/devices/fresh_world_map", "/v0/search?q=SmartHaarlem", "/v0/users/alice"),
        *("/v0/users", "/v0/experiments", f"/v0/experiments/{experiment.pk}"),
        *(f"{path}/readings{each}" for each in readings),
        *(f"/ui/devices/{device.pk}", "/ui/users/alice", "/ui/map_marks", "/"),
    ]


def points(found: Any) -> Iterator[tuple[float, float]]:
    """Each pair of a latitude and a longitude, however deep, in a column too."""
    if isinstance(found, dict):
        latitude, longitude = found.get("latitude"), found.get("longitude")
        if isinstance(latitude, list):
            yield from zip(latitude, longitude or (), strict=True)
        elif latitude is not None:
            yield latitude, longitude
        for each in found.values():
            yield from points(each)
    elif isinstance(found, list):
        for each in found:
            yield from points(each)


def text_of(client: Any, path: str) -> tuple[str, Any]:
    """An answer as text, whatever it is, and with what it came."""
    answer = client.get(path)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode(), answer


@pytest.mark.parametrize("who", ["anyone", "bob", "bob in a browser"])
def test_no_answer_tells_a_stranger_the_place_or_the_height(
    who: str, hidden: Device, client: APIClient, as_user: Any, bob: User
) -> None:
    browser = Client()
    browser.force_login(bob)
    viewer = {"anyone": client, "bob": as_user(bob), "bob in a browser": browser}[who]
    told = set()
    for path in answers(hidden):
        body, answer = text_of(viewer, path)
        # The map that is never cached is for those who are signed in.
        asks = "fresh" in path and who != "bob"
        assert answer.status_code == (401 if asks else 200), (path, body)
        assert not TELLING.search(body + str(answer.headers)), path
        if answer["Content-Type"].startswith("application/json"):
            told |= set(points(json.loads(body)))
    assert told == {(hidden.public_latitude, hidden.public_longitude)}


def test_its_owner_reads_all_of_it(hidden: Device, as_user: Any, alice: User) -> None:
    """So the search above would find it."""
    told = "".join(text_of(as_user(alice), path)[0] for path in answers(hidden))
    assert set(TELLING.findall(told)) == {"52.37812", "4.62913", "4321", "8765.5"}


@pytest.mark.parametrize(
    "search",
    [
        "sort=elevation",
        "order=elevation",
        "q[s]=elevation+asc",
        "q[elevation_eq]=4321",
        "q[latitude_gteq]=52.3781226&q[latitude_lteq]=52.3781228",
        f"near={TRUE[0]},{TRUE[1]}&within=0.02",
    ],
)
def test_no_search_or_order_goes_by_what_is_hidden(
    search: str, hidden: Device, client: APIClient
) -> None:
    answer = client.get(f"/v0/devices?{search}")
    if answer.status_code == 200 and "elevation" not in search:
        assert answer.json() == []
    elif answer.status_code == 200:  # a parameter that means nothing: the list as ever
        assert answer.json() == client.get("/v0/devices").json()
    else:
        assert answer.status_code == 400


def test_the_average_of_many_answers_is_the_one_point(hidden: Device, client: APIClient) -> None:
    told = []
    for n in range(1, 6):
        hidden.change(precise_location=True)
        hidden.change(precise_location=False)
        for path in (
            *(f"/v0/devices/{hidden.pk}?n={n}", "/v0/devices", "/ui/map_marks"),
            *(f"/v0/devices?near={TRUE[0]},{TRUE[1] + n}", "/v0/devices/world_map"),
        ):
            told += points(client.get(path).json())
    assert len(told) >= 25
    assert set(told) == {(hidden.public_latitude, hidden.public_longitude)}
    assert 0 < metres(told[0], TRUE) < 500


def test_any_number_of_devices_at_a_place_tell_the_cell_and_nothing_more() -> None:
    """As of somebody who owns many, or deletes his device and adds it again, each with an UUID."""
    uuids = [UUID(int=n) for n in range(200)]
    row = int(TRUE[0] * METRES_A_DEGREE // GRID)
    south = row * GRID / METRES_A_DEGREE
    north = (row + 1) * GRID / METRES_A_DEGREE
    told = [blurred(*TRUE, uuid) for uuid in uuids]
    assert len(set(told)) == len(uuids)
    for latitude in (south + 1e-7, TRUE[0], north - 1e-7):
        assert [blurred(latitude, TRUE[1], uuid) for uuid in uuids] == told


def test_without_the_key_of_the_server_nobody_can_undo_it(settings: Any) -> None:
    uuid = UUID(int=8)
    before = blurred(*TRUE, uuid)
    settings.ENCRYPTION_KEY = "the key of another server"
    assert blurred(*TRUE, uuid) != before
