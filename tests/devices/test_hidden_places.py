"""A device that hides its position: no number of answers, moves or switches gives it away."""

from __future__ import annotations

import random
import statistics
from typing import Any

from apps.devices.location import METRES_A_DEGREE
from apps.devices.models import Device
from apps.users.models import User
from tests.devices.test_location import metres

TRUE = (52.3781227, 4.6291324)


def hide(device: Device) -> None:
    """Hide where the device is."""
    device.change(precise_location=False)


def shown(client: Any, device: Device) -> tuple[float, float]:
    """Where a stranger is told that the device is."""
    place = client.get(f"/v0/devices/{device.pk}").json()["location"]
    return place["latitude"], place["longitude"]


def test_every_answer_shows_a_stranger_the_same_place(
    client: Any, as_user: Any, alice: User, device: Device
) -> None:
    hide(device)
    place = shown(client, device)
    assert 0 < metres(place, TRUE) < 500
    seen = {
        "detail": client.get(f"/v0/devices/{device.pk}").json()["location"],
        "list": client.get("/v0/devices").json()[0]["location"],
        "map": client.get("/v0/devices/world_map").json()[0],
    }
    assert {(each["latitude"], each["longitude"]) for each in seen.values()} == {place}
    geohashes = {seen[name]["geohash"] for name in ("detail", "list")}
    [searched] = geohashes
    assert [d["id"] for d in client.get(f"/v0/devices?q[geohash_eq]={searched}").json()] == [
        device.pk
    ]
    mine = as_user(alice).get(f"/v0/devices/{device.pk}").json()["location"]
    assert (mine["latitude"], mine["longitude"]) == TRUE


def test_no_search_tells_more_than_the_answers(client: Any, device: Device) -> None:
    hide(device)
    latitude, longitude = shown(client, device)
    true = f"{TRUE[0]},{TRUE[1]}"
    for search in (
        f"near={true}&within=0.001",
        f"bbox={TRUE[1] - 1e-6},{TRUE[0] - 1e-6},{TRUE[1] + 1e-6},{TRUE[0] + 1e-6}",
        f"q[latitude_eq]={TRUE[0]}",
        f"q[longitude_eq]={TRUE[1]}",
        f"q[geohash_eq]={device.geohash}",
    ):
        answer = client.get(f"/v0/devices?{search}")
        assert (answer.status_code, answer.json()) == (200, []), search
    for search in (
        f"near={latitude},{longitude}&within=0.001",
        f"q[latitude_eq]={latitude}",
        f"q[longitude_eq]={longitude}",
    ):
        found = client.get(f"/v0/devices?{search}").json()
        assert [each["id"] for each in found] == [device.pk], search


def test_switching_it_off_and_on_shows_the_same_place_again(client: Any, device: Device) -> None:
    hide(device)
    first = shown(client, device)
    for _ in range(5):
        device.change(precise_location=True)
        assert shown(client, device) == TRUE
        device.change(precise_location=False)
        assert shown(client, device) == first


def test_the_average_of_many_small_moves_is_no_nearer(client: Any, device: Device) -> None:
    """The attack: a position that is measured anew, some metres off, a hundred times."""
    hide(device)
    first = shown(client, device)
    rng = random.Random(8)
    seen = []
    for _ in range(100):
        north, east = (rng.gauss(0, 5) / METRES_A_DEGREE for _ in range(2))
        device.change(latitude=TRUE[0] + north, longitude=TRUE[1] + east)
        seen.append((device.public_latitude, device.public_longitude))
    assert set(seen) == {first}


def test_who_moves_across_the_edge_of_a_cell_is_shown_in_as_few_places_as_there_are_cells(
    device: Device,
) -> None:
    hide(device)
    rng = random.Random(9)
    seen: list[tuple[float, float]] = []
    for _ in range(200):
        north, east = (rng.uniform(-150, 150) / METRES_A_DEGREE for _ in range(2))
        device.change(latitude=TRUE[0] + north, longitude=TRUE[1] + east)
        assert device.public_latitude is not None
        assert device.public_longitude is not None
        seen.append((device.public_latitude, device.public_longitude))
    assert len(set(seen)) <= 9
    average = (statistics.mean(p[0] for p in set(seen)), statistics.mean(p[1] for p in set(seen)))
    assert metres(average, TRUE) > 20


def test_another_device_at_the_same_place_is_shown_elsewhere(
    client: Any, alice: User, device: Device
) -> None:
    hide(device)
    other = Device.objects.register(
        owner=alice, name="neighbour", latitude=TRUE[0], longitude=TRUE[1], precise_location=False
    )
    assert shown(client, other) != shown(client, device)


def test_what_the_owner_alone_sees_of_the_place_no_list_shows(client: Any, device: Device) -> None:
    device.change(precise_location=False, elevation=12)
    detail = client.get(f"/v0/devices/{device.pk}").json()["location"]
    listed = client.get("/v0/devices").json()[0]["location"]
    assert detail["elevation"] is listed["elevation"] is None
    # What cannot be searched cannot be guessed bit by bit.
    assert client.get("/v0/devices?q[elevation_gteq]=12").status_code == 400


def test_the_order_by_distance_is_that_of_the_public_place(
    client: Any, alice: User, device: Device
) -> None:
    hide(device)
    public = shown(client, device)
    mark = (52.3805, 4.6291)
    other = Device.objects.register(owner=alice, name="mark", latitude=mark[0], longitude=mark[1])
    chance = random.Random(5)
    for _ in range(20):
        point = (TRUE[0] + chance.uniform(-0.01, 0.01), TRUE[1] + chance.uniform(-0.01, 0.01))
        mine, others = metres(public, point), metres(mark, point)
        if abs(mine - others) < 5:
            continue
        listed = client.get(f"/v0/devices?near={point[0]},{point[1]}").json()
        nearest = device if mine < others else other
        assert listed[0]["id"] == nearest.pk
