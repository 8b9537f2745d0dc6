"""Accept (contract: version header, media)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import NotAcceptable
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from apps.api.negotiation import ContentNegotiation, media_ranges
from apps.api.renderers import JSONPRenderer, JSONRenderer
from apps.api.versioning import AcceptVersioning

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


class CSV(BaseRenderer):
    """Another form, as the readings offer one."""

    media_type = "text/csv"
    format = "csv"


def chosen(accept: str | None) -> str:
    """The media type that a view with JSON and CSV answers in."""
    headers: Any = {} if accept is None else {"HTTP_ACCEPT": accept}
    request = Request(APIRequestFactory().get("/", **headers))
    forms: list[BaseRenderer] = [JSONRenderer(), JSONPRenderer(), CSV()]
    return ContentNegotiation().select_renderer(request, forms)[1]


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        "*",
        BROWSER,
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        "application/*",
        "application/vnd.smartcitizen; version=0,application/json",
        "application/vnd.smartcitizen; version=0",
        'application/vnd.smartcitizen; version="0"',
        "application/vnd.smartcitizen",
        "application/vnd.smartcitizen+json; version=0",
        "application/xml, application/json;q=0.1",
        "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2",
        "garbage",
        "garbage, ;;;, /, a/, /b, */json",
        "application/json;q=high",
        "text/csv;q=0.5, application/json",
    ],
)
def test_json_is_what_these_accept(accept: str | None) -> None:
    assert chosen(accept) == "application/json"


@pytest.mark.parametrize(
    "accept", ["text/csv", "text/*", "text/csv, */*;q=0.1", "application/json;q=0.5, text/csv"]
)
def test_the_form_that_is_liked_best_is_chosen(accept: str) -> None:
    assert chosen(accept) == "text/csv"


@pytest.mark.parametrize(
    "accept",
    [
        "application/xml",
        "application/xml, text/plain",
        "application/javascript",
        "application/json;q=0",
        "application/json;q=0.0, text/csv;q=0",
        "application/json;q=0, */json",
        "*/*;q=0",
    ],
)
def test_none_of_these_accept_json_or_csv(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        chosen(accept)


def test_a_closer_range_outweighs_a_wider_one() -> None:
    assert chosen("*/*, application/json;q=0") == "text/csv"
    assert chosen("application/*;q=0, application/json") == "application/json"


def test_only_xml_is_406_in_the_envelope(client: Client) -> None:
    answer = client.get("/v0/values", headers={"accept": "application/xml"})
    assert answer.status_code == 406
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["id"] == "not_acceptable"


@pytest.mark.parametrize("version", ["1", "v0", "00", "-1", "", "0.1"])
def test_an_unknown_version_is_406(client: Client, version: str) -> None:
    accept = f"application/vnd.smartcitizen; version={version},application/json"
    answer = client.get("/v0/values", headers={"accept": accept})
    assert answer.status_code == 406
    assert answer.json()["message"] == "There is no such version of the API; there is 0"


def test_a_known_version_among_unknown_ones_is_served() -> None:
    accept = "application/vnd.smartcitizen; version=1, application/vnd.smartcitizen; version=0"
    request = Request(APIRequestFactory().get("/", HTTP_ACCEPT=accept))
    assert AcceptVersioning().determine_version(request) == "0"


def test_answers_say_that_they_depend_on_accept(client: Client) -> None:
    assert "Accept" in client.get("/v0/values")["Vary"]


headers = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
pieces = st.lists(
    st.sampled_from(
        [
            "application/json",
            "*/*",
            "text/csv",
            ";q=",
            "0.5",
            "nan",
            "inf",
            "1e9",
            ",",
            ";",
            '"',
            "=",
        ]
    )
).map("".join)


@given(headers | pieces)
def test_no_accept_header_is_ever_an_error_of_ours(accept: str) -> None:
    answer = Client().get("/v0/values", headers={"accept": accept})
    assert answer.status_code in {200, 406}


def test_a_very_long_accept_header_is_cut() -> None:
    request = Request(APIRequestFactory().get("/", HTTP_ACCEPT="text/x," * 100_000))
    assert len(media_ranges(request)) <= 8192
    element = "application/json;" + "x" * 2_000_000
    assert chosen(element) == "application/json"
