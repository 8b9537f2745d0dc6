"""Pages by number (reference: Pagination; contract: Pagination)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.db.models import F, OrderBy
from django.db.models.functions import Lower
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIRequestFactory

from apps.api.pagination import PageNumberPagination, totally_ordered
from apps.devices.models import Device, Tag

HERE = "http://testserver/v0/names"


def test_the_first_page_has_25_rows_and_says_where_the_others_are(client: Client) -> None:
    answer = client.get("/v0/names")
    assert answer.json() == list(range(25))
    assert answer["Total"] == "60"
    assert answer["Per-Page"] == "25"
    assert answer["Link"] == (
        f'<{HERE}?page=1&per_page=25>; rel="first", '
        f'<{HERE}?page=3&per_page=25>; rel="last", '
        f'<{HERE}?page=2&per_page=25>; rel="next"'
    )


def test_a_page_in_the_middle_has_all_four_links_in_order(client: Client) -> None:
    answer = client.get("/v0/names?page=2&per_page=20")
    assert answer.json() == list(range(20, 40))
    assert answer["Link"] == (
        f'<{HERE}?page=1&per_page=20>; rel="first", '
        f'<{HERE}?page=3&per_page=20>; rel="last", '
        f'<{HERE}?page=3&per_page=20>; rel="next", '
        f'<{HERE}?page=1&per_page=20>; rel="prev"'
    )


def test_the_last_page_has_no_next(client: Client) -> None:
    answer = client.get("/v0/names?page=3")
    assert answer.json() == list(range(50, 60))
    assert answer["Link"] == (
        f'<{HERE}?page=1&per_page=25>; rel="first", '
        f'<{HERE}?page=3&per_page=25>; rel="last", '
        f'<{HERE}?page=2&per_page=25>; rel="prev"'
    )


def test_one_page_has_no_links(client: Client) -> None:
    answer = client.get("/v0/names?per_page=60")
    assert answer["Total"] == "60"
    assert "Link" not in answer


@pytest.mark.parametrize("page", ["4", "1000000", "1" + "0" * 30, "9" * 5000])
def test_a_page_past_the_end_is_empty_and_leads_back(client: Client, page: str) -> None:
    answer = client.get(f"/v0/names?page={page}")
    assert answer.status_code == 200
    assert answer.json() == []
    assert answer["Total"] == "60"
    assert answer["Link"] == (
        f'<{HERE}?page=1&per_page=25>; rel="first", '
        f'<{HERE}?page=3&per_page=25>; rel="last", '
        f'<{HERE}?page=3&per_page=25>; rel="prev"'
    )


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "abc", "１", "1e30", "0x10", "1,2"])
def test_what_is_no_positive_integer_is_400_and_named(
    client: Client, name: str, value: str
) -> None:
    answer = client.get("/v0/names", {name: value})
    assert answer.status_code == 400
    assert answer.json()["message"] == f"{name} must be a positive integer"


def test_blank_is_the_default(client: Client) -> None:
    answer = client.get("/v0/names?page=&per_page=%20")
    assert answer.json() == list(range(25))


def test_more_than_the_most_is_the_most(client: Client) -> None:
    answer = client.get("/v0/names?per_page=5000")
    assert len(answer.json()) == 60
    assert answer["Per-Page"] == "100"


def test_links_keep_all_other_parameters_encoded_for_clients_that_split_at_commas(
    client: Client,
) -> None:
    answer = client.get(
        "/names", {"near": "41.4,2.2", "q[name_cont]": "a b", "t[]": ["1", "2"], "page": "2"}
    )
    kept = "near=41.4%2C2.2&q%5Bname_cont%5D=a%20b&t%5B%5D=1&t%5B%5D=2"
    first = f'<http://testserver/names?{kept}&page=1&per_page=25>; rel="first"'
    assert answer["Link"].split(", ")[0] == first


def test_links_go_to_the_host_and_scheme_that_were_asked(client: Client) -> None:
    answer = client.get("/names", secure=True, headers={"host": "localhost:8000"})
    assert answer["Link"].startswith("<https://localhost:8000/names?page=1&")


@given(st.text(), st.text())
def test_no_page_is_an_error_of_ours(page: str, per_page: str) -> None:
    query = f"page={quote(page)}&per_page={quote(per_page)}"
    assert Client().get(f"/v0/names?{query}").status_code in {200, 400}


@given(st.text(min_size=1, max_size=20), st.text(max_size=20))
def test_a_link_header_can_always_be_split(name: str, value: str) -> None:
    if "\0" in name + value or name in {"page", "per_page", "cursor", "callback", "pretty"}:
        return
    answer = Client().get("/v0/names", {name: value})
    links = answer["Link"].split(", ")
    assert len(links) == 3
    assert all(" " not in link.split("; ")[0] and "," not in link for link in links)
    assert Client().get(links[2].split(">")[0][1:]).json() == list(range(25, 50))


@pytest.fixture
def tags(db: None) -> list[Tag]:
    """30 tags, and no others."""
    Tag.objects.all().delete()
    return Tag.objects.bulk_create(Tag(name=f"tag {number:02}") for number in range(30))


def test_a_catalogue_gives_up_to_1000_in_one_page(client: Client, tags: list[Tag]) -> None:
    answer = client.get("/v0/tags?per_page=9999")
    assert len(answer.json()) == 30
    assert answer["Per-Page"] == "1000"
    assert client.get("/v0/tags")["Per-Page"] == "25"


def test_the_last_page_needs_no_count(
    client: Client, tags: list[Tag], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert client.get("/v0/tags?page=2")["Total"] == "30"
    with django_assert_num_queries(1):
        assert client.get("/v0/tags?per_page=100")["Total"] == "30"
    with django_assert_num_queries(2):
        assert client.get("/v0/tags")["Total"] == "30"
    with django_assert_num_queries(2):
        assert client.get("/v0/tags?page=3")["Total"] == "30"


def test_a_page_beyond_all_reason_asks_for_no_rows(
    client: Client, tags: list[Tag], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        answer = client.get(f"/v0/tags?page={'9' * 30}")
    assert (answer.json(), answer["Total"]) == ([], "30")


def test_an_empty_list_has_a_total_of_0(
    client: Client, tags: list[Tag], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Tag.objects.all().delete()
    with django_assert_num_queries(1):
        answer = client.get("/v0/tags")
    assert (answer.json(), answer["Total"], "Link" in answer) == ([], "0", False)
    past = client.get("/v0/tags?page=7")
    assert past["Link"].endswith('/v0/tags?page=1&per_page=25>; rel="prev"')


def order_of(queryset: Any) -> list[str]:
    """The ORDER BY of a queryset, term by term."""
    return str(totally_ordered(queryset).query).partition("ORDER BY ")[2].split(", ")


@pytest.mark.django_db
def test_ties_are_broken_by_id() -> None:
    column = '"devices_tag"."id"'
    assert order_of(Tag.objects.order_by("name"))[-1] == f"{column} ASC"
    assert order_of(Tag.objects.order_by(F("name").desc()))[-1] == f"{column} ASC"
    assert order_of(Tag.objects.order_by()) == [f"{column} ASC"]
    assert order_of(Tag.objects.all()) == [f"{column} ASC"]
    assert order_of(Tag.objects.order_by("-id")) == [f"{column} DESC"]
    assert order_of(Tag.objects.order_by("pk", "name"))[0] == f"{column} ASC"
    assert order_of(Tag.objects.order_by(OrderBy(F("id")))) == [f"{column} ASC"]
    assert order_of(Tag.objects.order_by("?"))[-1] == f"{column} ASC"
    assert order_of(Tag.objects.order_by(Lower("name")))[-1] == f"{column} ASC"
    both = Tag.objects.filter(name="a").union(Tag.objects.filter(name="b"))
    assert totally_ordered(both) is both


def test_rows_that_tie_are_neither_skipped_nor_repeated(tags: list[Tag]) -> None:
    Tag.objects.update(description="the same")
    seen = []
    for page in range(1, 11):
        request: Any = APIRequestFactory().get("/", {"page": page, "per_page": 3})
        request.query_params = request.GET
        rows = Tag.objects.order_by("description")
        seen += [tag.pk for tag in PageNumberPagination().paginate_queryset(rows, request)]
    assert sorted(seen) == sorted(tag.pk for tag in tags)


@pytest.mark.django_db
def test_the_count_is_made_without_an_order(client: Client, tags: list[Tag]) -> None:
    with CaptureQueriesContext(connection) as queries:
        client.get("/v0/tags")
    counted = queries.captured_queries[-1]["sql"]
    assert "COUNT(*)" in counted
    assert "ORDER BY" not in counted
    assert Device.objects.count() == 0
