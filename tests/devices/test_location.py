"""Geohashes, country names, and public positions that hide the true one."""

from __future__ import annotations

import math
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.devices.location import METRES_A_DEGREE, blurred, country_name, geohash, is_country

UUID_OF_ONE = UUID("5efd2376-6783-476b-bf85-57ead5f89654")
latitudes = st.floats(-90, 90)
longitudes = st.floats(-180, 180)


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        (39.1529768625514, -77.2663983320978, "dqcn9z86d7"),  # reference: Data Object
        (57.64911, 10.40744, "u4pruydqqv"),  # Wikipedia, Geohash
        (0, 0, "s000000000"),
        (90, 180, "zzzzzzzzzz"),
        (-90, -180, "0000000000"),
    ],
)
def test_a_geohash_is_the_known_one(latitude: float, longitude: float, expected: str) -> None:
    assert geohash(latitude, longitude) == expected


def metres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """The great-circle distance of two points, by the haversine formula."""
    (lat1, lon1), (lat2, lon2) = ([math.radians(x) for x in point] for point in (a, b))
    h = math.sin((lat2 - lat1) / 2) ** 2
    h += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(min(1, h)))


@given(st.floats(-80, 80), longitudes)
def test_a_public_position_is_a_few_hundred_metres_away(latitude: float, longitude: float) -> None:
    shown = blurred(latitude, longitude, UUID_OF_ONE)
    assert metres((latitude, longitude), shown) < 500
    assert shown == blurred(latitude, longitude, UUID_OF_ONE)


@given(latitudes, longitudes)
def test_a_public_position_is_a_position(latitude: float, longitude: float) -> None:
    north, east = blurred(latitude, longitude, UUID_OF_ONE)
    assert -90 <= north <= 90
    assert -180 <= east <= 180


def test_neighbours_in_one_cell_differ_by_device_and_not_by_where_they_are() -> None:
    step = 20 / METRES_A_DEGREE
    here = blurred(41.4, 2.2, UUID_OF_ONE)
    assert blurred(41.4 + step / 100, 2.2, UUID_OF_ONE) == here
    assert blurred(41.4, 2.2, uuid4()) != here


def test_countries_have_the_english_names_of_iso_3166() -> None:
    assert country_name("US") == "United States"
    assert country_name("NL") == "Netherlands"
    assert country_name("GB") == "United Kingdom"
    assert country_name("XX") is None
    assert country_name(None) is None
    assert is_country("ES")
    assert not is_country("es")
