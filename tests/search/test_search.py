"""`GET /v0/search`: users and devices together, best first, the same for everyone."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.users.models import User


def test_the_reference_example(client: APIClient, person: Any, thing: Any) -> None:
    anastasia = person("anastasia")
    kit = thing(
        "nat kit",
        owner=anastasia,
        description="nat kit at home",
        city="Barcelona",
        country_code="ES",
    )
    response = client.get("/v0/search", {"q": "anastasia"})
    assert response.json() == [
        {
            "id": anastasia.pk,
            "type": "User",
            "username": "anastasia",
            "avatar": None,
            "profile_picture": "",
            "url": None,
            "city": None,
            "country_code": None,
            "country": None,
        },
        {
            "id": kit.pk,
            "type": "Device",
            "name": "nat kit",
            "description": "nat kit at home",
            "owner_id": anastasia.pk,
            "owner_username": "anastasia",
            "url": f"http://testserver/v0/devices/{kit.pk}",
            "city": "Barcelona",
            "country_code": "ES",
            "country": "Spain",
        },
    ]


def test_a_user_is_shown_with_picture_page_and_place(client: APIClient, person: Any) -> None:
    picture, page = "https://example.org/ada.png", "https://example.org"
    person("ada", avatar=picture, url=page, city="Lyon", country_code="FR")
    row = client.get("/v0/search", {"q": "ada"}).json()[0]
    assert (row["avatar"], row["profile_picture"], row["url"]) == (picture, picture, page)
    assert (row["city"], row["country_code"], row["country"]) == ("Lyon", "FR", "France")


@pytest.mark.parametrize(
    "path", ["/v0/search", "/v0/search?q=", "/search/?q=%20%09", "/v0/search/"]
)
def test_without_a_query_the_parameter_is_missing(client: APIClient, db: None, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 400
    assert response.json()["id"] == "parameter_missing"


@pytest.mark.parametrize(
    "query", ["ana", "ANA", "bra", "braga", "Brága", "evo", "év", "por", "PORTUG", "ana portugal"]
)
def test_a_user_is_found_by_the_beginning_of_a_word(found: Any, person: Any, query: str) -> None:
    person("anita", first_name="Ana", last_name="Bragança", city="Évora", country_code="PT")
    assert found(query) == ["anita"]


@pytest.mark.parametrize(
    "query",
    ["terr", "green-roof", "solar", "evora", "PORT", "alic", "ALICE evor", "roof portugal alice"],
)
def test_a_device_is_found_by_the_beginning_of_a_word(found: Any, thing: Any, query: str) -> None:
    thing(
        "Terraço (green roof)",
        description="On solar power;under glass",
        city="Évora",
        country_code="PT",
    )
    assert "Terraço (green roof)" in found(query)


def test_every_word_has_to_match(found: Any, thing: Any) -> None:
    thing("Roof", city="Lyon")
    thing("Garden", city="Lyon")
    assert found("lyon roof") == ["Roof"]
    assert found("lyon cellar") == []


@pytest.mark.parametrize("query", ["rcelona", "oof"])
def test_the_middle_of_a_word_is_not_its_beginning(found: Any, thing: Any, query: str) -> None:
    thing("Roofing", city="Barcelona")
    assert found(query) == []


@pytest.mark.parametrize(
    "query",
    ["barcelna", "barcellona", "bercelona", "Bacrelona", "Braga xenter", "braag", "cent3r"]
    + ["portugla", "Portogal", "aliec", "alise", "alcie center", "Борселона"],
)
def test_a_typo_is_tolerated(found: Any, thing: Any, query: str) -> None:
    thing("Center", city="Barcelona", country_code="ES", description="Барселона")
    thing("Center", city="Braga", country_code="PT")
    assert "Center" in found(query)


@pytest.mark.parametrize("query", ["ad", "adz", "bob"])
def test_a_typo_in_a_very_short_word_is_not_guessed_at_random(
    found: Any, person: Any, query: str
) -> None:
    person("eve", first_name="Eve")
    assert found(query) == []


def test_typos_are_looked_for_only_where_nothing_is_right(found: Any, thing: Any) -> None:
    thing("Paris")
    thing("Pars")
    assert found("pars") == ["Pars"]
    assert {*found("paros")} == {"Paris", "Pars"}


def test_the_name_counts_more_than_the_place_and_that_more_than_the_rest(
    found: Any, person: Any, thing: Any
) -> None:
    lyon = person("lyon")
    thing("By its owner", owner=lyon)
    thing("By its description", description="made in lyon")
    thing("By its city", city="Lyon")
    thing("Lyonnaise")
    thing("Lyon")
    person("pierre", last_name="Lyon")
    order = found("lyon")
    assert order[:2] == ["lyon", "Lyon"]
    assert order.index("Lyonnaise") < order.index("By its description")
    assert order.index("pierre") < order.index("By its city") < order.index("By its description")
    assert set(order[-2:]) == {"By its owner", "By its description"}


def test_among_equals_users_come_first_and_then_the_oldest(
    client: APIClient, person: Any, thing: Any
) -> None:
    second = person("lyon2", city="Oslo")
    devices = [thing("Box", city="Oslo"), thing("Box", city="Oslo")]
    rows = client.get("/v0/search", {"q": "oslo"}).json()
    assert [row["id"] for row in rows] == [second.pk, *[device.pk for device in devices]]


def test_private_and_archived_things_never_appear(
    as_user: Any, alice: User, carol: User, person: Any, thing: Any
) -> None:
    gone = person("oslogone")
    thing("Oslo of the gone", owner=gone)
    User.objects.filter(pk=gone.pk).update(archived_at=timezone.now())
    thing("Oslo private", is_private=True)
    thing("Oslo archived", archived_at=timezone.now())
    thing("Oslo public")
    for viewer in (alice, carol):
        response = as_user(viewer).get("/v0/search", {"q": "oslo"})
        assert [row["name"] for row in response.json()] == ["Oslo public"]
        assert response["Total"] == "1"


def test_mail_addresses_and_secrets_are_not_searched(found: Any, person: Any, thing: Any) -> None:
    person("ada", legacy_api_key_hash=None, forwarding_username="forwarder")
    thing("Box", mac_address="00:06:66:2a:02:b3", device_token="secrettoken")
    for query in ("example", "forwarder", "00:06:66:2a:02:b3", "secrettoken"):
        assert found(query) == []


def test_what_changes_is_found_as_it_is_now(found: Any, alice: User, thing: Any) -> None:
    device = thing("Before", city="Lyon")
    Device.objects.filter(pk=device.pk).update(name="After", city=None)
    User.objects.filter(pk=alice.pk).update(username="alicia")
    assert found("before lyon") == found("lyon") == []
    assert found("after") == ["After"]
    assert found("alicia") == ["alicia", "After"]


def test_the_total_is_exact_and_pages_neither_skip_nor_repeat(
    client: APIClient, thing: Any
) -> None:
    wanted = {thing(f"Oslo {number}").pk for number in range(23)}
    seen: list[int] = []
    for page in (1, 2, 3):
        response = client.get("/v0/search", {"q": "oslo", "per_page": 10, "page": page})
        assert response["Total"] == "23"
        assert response["Per-Page"] == "10"
        seen += [row["id"] for row in response.json()]
    assert sorted(seen) == sorted(wanted)
    assert 'rel="prev"' in response["Link"] and "q=oslo" in response["Link"]


@pytest.mark.parametrize("page", ["4", "99999999999999999999"])
def test_past_the_end_there_is_nothing_and_the_total_stays(
    client: APIClient, thing: Any, page: str
) -> None:
    thing("Oslo")
    response = client.get("/v0/search", {"q": "oslo", "page": page})
    assert (response.json(), response["Total"]) == ([], "1")


def test_one_query_finds_and_counts_however_many_there_are(client: APIClient, thing: Any) -> None:
    for number in range(30):
        thing(f"Oslo {number}")
    for per_page in (1, 25):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            client.get("/v0/search", {"q": "oslo", "per_page": per_page})
        searches = [query for query in asked if "search_words" in query["sql"]]
        assert len(searches) == 1
        # The others set the time that the search may take, in a transaction of its own.
        assert len([query for query in asked if "SAVEPOINT" not in query["sql"]]) == 3


def test_json_p_and_head_work_as_everywhere(client: APIClient, thing: Any) -> None:
    thing("Oslo")
    wrapped = client.get("/v0/search", {"q": "oslo", "callback": "show"})
    assert wrapped.content.startswith(b"/**/show([")
    assert client.head("/v0/search", {"q": "oslo"})["Total"] == "1"
    assert client.post("/v0/search").status_code == 405
