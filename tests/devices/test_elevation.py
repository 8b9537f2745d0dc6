"""Elevation follows from coordinates where the operator has SRTM tiles; sent values win."""

from __future__ import annotations

import array
import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.devices import elevation
from apps.devices.elevation import elevation_of, tile_name
from apps.devices.models import Device
from apps.users.models import User

VOID = -32768
Tiles = Callable[..., None]


def height(latitude: float, longitude: float) -> float:
    """A plane: between its samples a bilinear answer is exact."""
    return 100 + 40 * latitude + 3 * longitude


@pytest.fixture
def tiles(tmp_path: Path, settings: Any) -> Tiles:
    """`tiles(south, west)` writes a tile of the plane; `void=(row, column)` leaves one out."""
    settings.ELEVATION_TILES = str(tmp_path)
    elevation._complain.cache_clear()

    def write(south: int, west: int, side: int = 1201, void: tuple[int, int] | None = None) -> None:
        across = [3 * (west + column / (side - 1)) for column in range(side)]
        samples = array.array("h")
        for row in range(side):
            from_south = 100 + 40 * (south + 1 - row / (side - 1))
            samples.extend([round(from_south + more) for more in across])
        if void:
            samples[void[0] * side + void[1]] = VOID
        if sys.byteorder == "little":
            samples.byteswap()
        (tmp_path / tile_name(south, west)).write_bytes(samples.tobytes())

    return write


@pytest.mark.parametrize(
    ("south", "west", "name"),
    [
        (41, 2, "N41E002.hgt"),
        (0, 0, "N00E000.hgt"),
        (-1, -1, "S01W001.hgt"),
        (-56, -180, "S56W180.hgt"),
        (59, 179, "N59E179.hgt"),
    ],
)
def test_a_tile_is_named_by_its_south_western_corner(south: int, west: int, name: str) -> None:
    assert tile_name(south, west) == name


@pytest.mark.parametrize("side", [1201, 3601])
def test_heights_between_samples_follow_the_slope(tiles: Tiles, side: int) -> None:
    tiles(41, 2, side)
    for latitude, longitude in [(41.0, 2.0), (41.5, 2.5), (41.38741, 2.16864), (41.99999, 2.99999)]:
        found = elevation_of(latitude, longitude)
        assert found == pytest.approx(height(latitude, longitude), abs=1)


def test_tiles_meet_at_the_equator_and_at_greenwich(tiles: Tiles) -> None:
    for south in (-1, 0):
        for west in (-1, 0):
            tiles(south, west)
    for latitude in (-1.0, -0.3, -1e-12, 0.0, 0.3):
        for longitude in (-1.0, -0.3, -1e-12, 0.0, 0.3):
            found = elevation_of(latitude, longitude)
            assert found == pytest.approx(height(latitude, longitude), abs=1)


def test_a_void_is_unknown_and_does_not_reach_beyond_its_neighbours(tiles: Tiles) -> None:
    tiles(41, 2, void=(600, 600))  # the middle
    assert elevation_of(41.5, 2.5) is None
    assert elevation_of(41.5 + 0.5 / 1200, 2.5) is None
    assert elevation_of(41.5 + 1.01 / 1200, 2.5) is not None


def test_without_a_tile_or_a_folder_nothing_is_known(tiles: Tiles, settings: Any) -> None:
    assert elevation_of(10, 10) is None
    tiles(41, 2)
    settings.ELEVATION_TILES = ""
    assert elevation_of(41.5, 2.5) is None


def test_a_broken_tile_is_logged_once_and_is_as_none(
    tiles: Tiles, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "N41E002.hgt").write_bytes(b"not a tile")
    (tmp_path / "N42E002.hgt").mkdir()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert elevation_of(41.5, 2.5) is None
            assert elevation_of(42.5, 2.5) is None
    assert [record.getMessage().split(" is no")[0][-11:] for record in caplog.records] == [
        "N41E002.hgt",
        "N42E002.hgt",
    ]


@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180, exclude_max=True),
)
def test_no_point_on_earth_is_an_error(latitude: float, longitude: float) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.ELEVATION_TILES", "/nowhere")
        assert elevation_of(latitude, longitude) is None
    assert math.isfinite(latitude)


def test_a_device_stands_as_high_as_its_place_unless_its_owner_says_otherwise(
    tiles: Tiles, as_user: Any, alice: User, device: Device
) -> None:
    tiles(41, 2)
    place = {"latitude": 41.5, "longitude": 2.5}

    def send(**fields: Any) -> Any:
        answer = as_user(alice).patch(f"/v0/devices/{device.pk}", fields, format="json")
        assert answer.status_code == 200
        return answer.json()["data"]["location"]["elevation"]

    assert send(**place) == round(height(41.5, 2.5))
    assert send(elevation=12) == 12
    assert send(name="Moved nowhere", **place) == 12
    assert send(latitude=41.6, longitude=2.5) == round(height(41.6, 2.5))
    assert send(latitude=41.7, longitude=2.5, elevation=7) == 7
    assert send(latitude=10, longitude=10) is None
