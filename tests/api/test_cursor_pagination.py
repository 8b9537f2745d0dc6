"""Pages by cursor (contract: Readings, without rollup)."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.api.exceptions import BadRequest
from apps.api.pagination import read_cursor, write_cursor
from apps.devices.models import Tag

START = datetime(2016, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def tags(db: None) -> None:
    """Ten tags, a microsecond apart."""
    Tag.objects.all().delete()
    for number in range(10):
        created_at = START + timedelta(microseconds=number)
        Tag.objects.create(name=f"{number}", created_at=created_at)


def links(answer: Any) -> dict[str, str]:
    """Relation → URL."""
    found = {}
    for link in answer.headers.get("Link", "").split(", "):
        url, _, name = link.partition(">; rel=")
        found[name.strip('"')] = url[1:]
    return found


@pytest.mark.parametrize("values", ["", "1"])
def test_following_next_reads_all_newest_first(client: Client, values: str) -> None:
    seen = []
    answer: Any = client.get(f"/v0/cursored?per_page=4&values={values}")
    assert list(links(answer)) == ["first", "next"]
    while True:
        seen += answer.json()
        assert answer["Per-Page"] == "4"
        assert "Total" not in answer
        if "next" not in links(answer):
            break
        answer = client.get(links(answer)["next"])
    assert seen == list("9876543210")
    assert list(links(answer)) == ["first"]
    assert client.get(links(answer)["first"]).json() == list("9876")


def test_new_rows_do_not_move_the_pages(client: Client) -> None:
    following = links(client.get("/v0/cursored?per_page=4"))["next"]
    Tag.objects.create(name="new", created_at=START + timedelta(days=1))
    assert client.get(following).json() == list("5432")


def test_one_page_has_no_links(client: Client) -> None:
    answer = client.get("/v0/cursored?page=1")
    assert len(answer.json()) == 10
    assert "Link" not in answer


def test_links_keep_other_parameters(client: Client) -> None:
    first = links(client.get("/v0/cursored?per_page=4&from=2016,1&cursor="))["first"]
    assert first == "http://testserver/v0/cursored?from=2016%2C1&per_page=4"


def test_a_page_by_number_is_refused_rather_than_answered_for_ever(client: Client) -> None:
    answer = client.get("/v0/cursored?page=2")
    assert answer.status_code == 400
    assert "Link" in answer.json()["message"]


@pytest.mark.parametrize(
    "cursor", ["x", "!!!", "ñ", "MTIz!", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "ZZZ"]
)
def test_a_cursor_that_was_never_given_is_400(client: Client, cursor: str) -> None:
    answer = client.get("/v0/cursored", {"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["message"] == "cursor is not one that this list gave out"


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_cursor_keeps_its_time_to_the_microsecond(time: datetime) -> None:
    assert read_cursor(write_cursor(time)) == time


@given(st.text())
def test_no_cursor_is_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(BadRequest):
        read_cursor(text)
