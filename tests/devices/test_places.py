"""City and country follow from coordinates, offline and fast; a value the user sends wins."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.devices import places
from apps.devices.location import is_country
from apps.devices.places import NOWHERE, fill, place_of

KNOWN = [
    (41.3874, 2.1686, "Barcelona", "ES"),  # not Eixample or el Raval, which are listed nearer
    (41.4489, 2.2459, "Badalona", "ES"),  # a city beside it stays one
    (52.3781227, 4.6291324, "Haarlem", "NL"),  # reference: World Map of Devices
    (39.1732, -77.2717, "Germantown", "US"),
    (48.8566, 2.3522, "Paris", "FR"),
    (51.4996843, -0.0868834, "London", "GB"),
    (47.5596, 7.5886, "Basel", "CH"),  # three countries meet
    (47.5850, 7.5650, "Saint-Louis", "FR"),
    (47.6150, 7.6610, "Lörrach", "DE"),
    (31.7619, -106.4850, "El Paso", "US"),
    (31.7200, -106.4600, "Ciudad Juárez", "MX"),
    (41.9029, 12.4534, "Vatican City", "VA"),
    (43.7384, 7.4246, "Monaco", "MC"),
    (64.1466, -21.9426, "Reykjavík", "IS"),
    (78.2232, 15.6267, "Longyearbyen", "SJ"),
    (-18.1248, 178.4501, "Suva", "FJ"),
    (-33.8688, 151.2093, "Sydney", "AU"),
    (-33.9249, 18.4241, "Cape Town", "ZA"),
    (-34.6037, -58.3816, "Buenos Aires", "AR"),
    (-1.2921, 36.8219, "Nairobi", "KE"),
    (-41.2866, 174.7756, "Wellington", "NZ"),
    (-54.8019, -68.3030, "Ushuaia", "AR"),
    (35.6762, 139.6503, "Tokyo", "JP"),
    (40.7128, -74.0060, "New York City", "US"),
    (40.7282, -74.0776, "Jersey City", "US"),  # another state
]


@pytest.mark.parametrize(("latitude", "longitude", "city", "country_code"), KNOWN)
def test_known_cities_are_named(
    latitude: float, longitude: float, city: str, country_code: str
) -> None:
    assert place_of(latitude, longitude) == (city, country_code, None)


def test_a_longitude_may_go_round_the_globe() -> None:
    assert place_of(-18.1248, 178.4501 - 360) == place_of(-18.1248, 178.4501 + 720)
    assert place_of(-18.1248, 178.4501 - 360).city == "Suva"


def test_a_place_is_found_from_the_other_side_of_the_antimeridian() -> None:
    gazetteer = places.Gazetteer()
    gazetteer.add(-16.8, 179.9, 1000, "Edge", places.Region("FJ", "01"))
    assert gazetteer.place_of(-16.8, -179.9) == ("Edge", "FJ", None)
    assert gazetteer.place_of(-16.8, -179.0) == NOWHERE


def test_near_a_pole_all_longitudes_are_near() -> None:
    gazetteer = places.Gazetteer()
    gazetteer.add(89.9, 0.0, 1000, "Camp", places.Region("NO", "01"))
    assert gazetteer.place_of(89.9, 180.0 - 1e-9).city == "Camp"
    assert gazetteer.place_of(90.0, -77.0).city == "Camp"


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [(40.0, -30.0), (0.0, 0.0), (-48.9, -123.4), (-90.0, 0.0), (23.0, 12.0)],
)
def test_far_at_sea_and_in_the_wild_there_is_no_city(latitude: float, longitude: float) -> None:
    assert place_of(latitude, longitude) == NOWHERE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 91.0, 1e300])
def test_what_is_no_coordinate_is_nowhere(value: float) -> None:
    assert place_of(value, 2.0) == NOWHERE
    assert math.isfinite(value) or place_of(2.0, value) == NOWHERE


def test_a_country_without_an_agreed_code_has_none() -> None:
    assert place_of(42.6629, 21.1655) == ("Pristina", None, None)  # GeoNames says XK


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_every_point_has_an_answer_that_fits_its_columns(latitude: float, longitude: float) -> None:
    city, country_code, _ = place_of(latitude, longitude)
    assert city is None or 0 < len(city) <= 200
    assert country_code is None or is_country(country_code)


def test_the_list_is_loaded_once_however_many_ask_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[int] = []
    places._load.cache_clear()
    original = places.Gazetteer.__init__
    monkeypatch.setattr(
        places.Gazetteer, "__init__", lambda self: (loaded.append(1), original(self))[1]
    )
    places.warm_up()
    with ThreadPoolExecutor(8) as threads:
        answers = set(threads.map(lambda _: place_of(52.38, 4.63), range(16)))
    assert (len(loaded), len(answers)) == (1, 1)


def test_a_lookup_is_quick() -> None:
    place_of(0.0, 0.0)
    took = []
    for step in range(200):
        begun = time.perf_counter()
        place_of(51.4 + step / 1000, 7.0 + step / 1000)  # the Ruhr: as dense as places get
        took.append(time.perf_counter() - begun)
    assert sorted(took)[100] < 0.02  # twenty times what is measured


HAARLEM: dict[str, Any] = {"latitude": 52.3781227, "longitude": 4.6291324}


def test_fields_are_filled_from_the_coordinates() -> None:
    filled = fill({"name": "Box", **HAARLEM})
    told = {"city": "Haarlem", "country_code": "NL", "elevation": None}
    assert filled == {"name": "Box", **HAARLEM, **told}


def test_a_value_that_is_sent_wins_null_too() -> None:
    filled = fill({**HAARLEM, "city": "Here", "country_code": None, "elevation": 7})
    assert (filled["city"], filled["country_code"], filled["elevation"]) == ("Here", None, 7)


@pytest.mark.parametrize("fields", [{}, {"name": "Box"}, {"latitude": 1.0}, {"city": "Here"}])
def test_without_both_coordinates_nothing_is_added(fields: dict[str, Any]) -> None:
    assert fill(fields) == fields


def test_a_device_that_does_not_move_keeps_what_was_sent_of_it() -> None:
    assert fill(HAARLEM, before=(52.3781227, 4.6291324)) == HAARLEM
    assert fill(HAARLEM, before=(52.0, 4.0))["city"] == "Haarlem"
    assert fill(HAARLEM, before=(None, None))["city"] == "Haarlem"


def test_a_device_that_is_taken_off_the_map_is_in_no_city() -> None:
    gone = {"latitude": None, "longitude": None}
    assert fill(gone) == {**gone, "city": None, "country_code": None, "elevation": None}


def test_what_is_given_stays_as_it_was() -> None:
    given_fields = dict(HAARLEM)
    fill(given_fields)
    assert given_fields == HAARLEM
