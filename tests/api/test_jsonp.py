"""JSON-P (reference: JSON-P Callbacks; contract: JSON-P)."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.settings import api_settings

from apps.api.jsonp import is_callback, wrap
from apps.users.models import User


def test_a_get_with_a_callback_is_wrapped(client: Client) -> None:
    answer = client.get("/v0/echo?callback=jQuery.cb_1")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/javascript; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer.content == (
        b'/**/jQuery.cb_1({"query":{"callback":"jQuery.cb_1"},"user":"AnonymousUser"});'
    )


@pytest.mark.parametrize("accept", ["application/xml", "text/html", "*/*", "", "garbage"])
def test_the_callback_wins_over_accept(client: Client, accept: str) -> None:
    answer = client.get("/v0/values?callback=f", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.content.startswith(b"/**/f(")


def test_what_ends_a_line_in_javascript_is_escaped(client: Client) -> None:
    body = client.get("/v0/values?callback=f").content
    assert b"\\u2028\\u2029" in body
    assert "\u2028".encode() not in body
    assert "\u2028\u2029".encode() in client.get("/v0/values").content


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v0/raise/record", 404),
        ("/v0/raise/anonymous", 401),
        ("/v0/raise/boom", 500),
        ("/nowhere", 404),
    ],
)
def test_errors_are_wrapped_with_their_real_status(client: Client, path: str, status: int) -> None:
    answer = client.get(f"{path}?callback=f")
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/javascript; charset=utf-8"
    assert re.fullmatch(rb'/\*\*/f\(\{"id":.*\}\);', answer.content)


def test_an_unknown_version_is_406_and_wrapped(client: Client) -> None:
    answer = client.get(
        "/v0/values?callback=f", headers={"accept": "application/vnd.smartcitizen; version=9"}
    )
    assert answer.status_code == 406
    assert answer.content.startswith(b"/**/f(")


@pytest.mark.parametrize(
    "name", ["", "a b", "a(b", "1a", ".a", "a.", "a..b", "a[0]", "alert(1)//", "a" * 129, "a\n"]
)
def test_a_bad_name_is_400_as_plain_json(client: Client, name: str) -> None:
    answer = client.get("/v0/values", {"callback": name})
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/json"
    assert answer.json()["message"] == (
        "callback must be a dotted JavaScript identifier of at most 128 characters"
    )
    assert client.get("/nowhere", {"callback": name})["Content-Type"] == "application/json"


@pytest.mark.parametrize("name", ["f", "$", "_", "a.b.c", "jQuery1_2", "señal", "a" * 128])
def test_a_good_name_is_taken(name: str) -> None:
    assert is_callback(name)


@given(st.text(max_size=140))
def test_no_name_breaks_out_of_its_call(name: str) -> None:
    if is_callback(name):
        assert re.fullmatch(r"[\w$]+(\.[\w$]+)*", name)
        assert wrap(name, b"1") == f"/**/{name}(1);".encode()


def test_only_a_get_is_wrapped(client: Client) -> None:
    answer = client.post("/v0/echo?callback=f", {"a": "1"})
    assert answer["Content-Type"] == "application/json"
    assert client.head("/v0/echo?callback=f")["Content-Type"].startswith("application/javascript")


def test_a_view_can_opt_out(client: Client) -> None:
    assert client.get("/v0/unwrapped?callback=f").json() == {"wrapped": False}
    failed = client.get("/v0/unwrapped?callback=f&fail=1")
    assert failed.status_code == 500
    assert failed.json()["id"] == "internal_server_error"


@pytest.mark.django_db
def test_a_cookie_signs_nobody_in(client: Client, carol: User) -> None:
    client.force_login(carol)
    assert client.get("/v0/echo").json()["user"] == "AnonymousUser"
    assert b'"AnonymousUser"' in client.get("/v0/echo?callback=f").content
    doors = str(api_settings.DEFAULT_AUTHENTICATION_CLASSES)
    assert "SessionAuthentication" not in doors


def test_a_304_has_no_body_to_wrap(client: Client) -> None:
    etag = client.get("/v0/marked?callback=f")["ETag"]
    answer = client.get("/v0/marked?callback=f", headers={"if-none-match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
