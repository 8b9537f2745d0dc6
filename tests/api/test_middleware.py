"""URLs that cannot be worked with are refused before any view."""

from __future__ import annotations

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    "path",
    ["/v0/values?a=%00", "/v0/values?%00=a", "/v0/tags/%00", "/nowhere/%00", "/v0/echo?a=\0"],
)
def test_a_nul_in_the_url_is_400(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert answer.json()["message"] == "The URL must not contain a NUL character"


def test_a_percent_sign_before_zeros_is_no_nul(client: Client) -> None:
    assert client.get("/v0/echo?a=%2500").json()["query"] == {"a": "%00"}


def test_too_many_parameters_are_400_wherever_they_lead(client: Client) -> None:
    query = "&".join(f"a{number}=1" for number in range(1001))
    for path in ("/v0/values", "/nowhere", "/v0/echo"):
        answer = client.get(f"{path}?callback=f&{query}")
        assert answer.status_code == 400
        assert answer.json()["message"] == "There are too many parameters in the URL"


@pytest.mark.parametrize(
    "query", ["a=%", "a=%zz", "%ff=%fe", "=&&=&?", "a=%ed%a0%80", "&" * 900, "a=" + "b" * 100_000]
)
def test_a_strange_query_is_read_as_well_as_it_can_be(client: Client, query: str) -> None:
    assert client.get("/v0/echo", QUERY_STRING=query).status_code == 200


@pytest.mark.parametrize("path", ["/%ff", "/v0/%zz", "/v0/tags/%ff%fe", "/v0//values", "/..%2f"])
@pytest.mark.django_db
def test_a_strange_path_is_not_found(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.json()["url"] is None


@given(st.binary(max_size=60))
def test_no_query_is_an_error_of_ours(query: bytes) -> None:
    answer = Client().get("/v0/echo", QUERY_STRING=query.decode("latin-1"))
    assert answer.status_code in {200, 400}
