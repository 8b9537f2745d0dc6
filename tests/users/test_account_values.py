"""`POST /v0/users`: values that an account cannot have.

PATCH reads the same input: `test_me.py` has a sample of each.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.users.inputs import AccountInput
from apps.users.models import User

DORA = {"username": "dora", "email": "dora@example.org", "password": "doradora"}
TOO_SHORT = "is too short (minimum is {} characters)"
TOO_LONG = "is too long (maximum is {} characters)"


def sign_up(client: APIClient, **fields: Any) -> Any:
    """The answer to Dora's sign-up with some fields changed."""
    return client.post("/v0/users", {**DORA, **fields}, format="json")


def assert_refused(response: Any, errors: dict[str, list[str]]) -> None:
    """A 422 with exactly these errors."""
    assert response.status_code == 422, response.content
    assert response.json()["id"] == "unprocessable_entity"
    assert response.json()["errors"] == errors


@pytest.mark.parametrize(
    ("username", "words"),
    [
        ("ab", TOO_SHORT.format(3)),
        ("a" * 31, TOO_LONG.format(30)),
        ("   ", "can't be blank"),
        ("a@b.org", "is invalid"),
        ("dora@", "is invalid"),
        ("@@dora", "is invalid"),
        ("do/ra", "is invalid"),
        ("/dora", "is invalid"),
        ("do\tra", "is invalid"),
        ("do\nra", "is invalid"),
        ("do\x7fra", "is invalid"),
        ("do\x85ra", "is invalid"),
        ("do\u2028ra", "is invalid"),
        ("123", "is invalid"),
        ("١٢٣", "is invalid"),
        (12345, "is invalid"),
        (True, "is invalid"),
        (["dora"], "is invalid"),
        ({"a": "dora"}, "is invalid"),
    ],
)
def test_usernames_that_cannot_be(username: Any, words: str, client: APIClient, db: None) -> None:
    assert_refused(sign_up(client, username=username), {"username": [words]})


@pytest.mark.parametrize(
    "username",
    ["abc", "a" * 30, "@dora", "j.r.r", "Ünï Cödé", "🦊🦊🦊", "1a2", "12.5", "a\\b", "a%_b"],
)
def test_usernames_that_can_be(username: str, client: APIClient, db: None) -> None:
    response = sign_up(client, username=username)
    assert response.status_code == 201, response.content
    assert response.json()["username"] == username


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("email", "dora", "is invalid"),
        ("email", "dora@", "is invalid"),
        ("email", "@dora.org", "is invalid"),
        ("email", "dora@example.org\nBcc: all@example.org", "is invalid"),
        ("email", {}, "is invalid"),
        ("password", "1234567", TOO_SHORT.format(8)),
        ("password", ["doradora"], "is invalid"),
        ("first_name", "x" * 151, TOO_LONG.format(150)),
        ("last_name", "x" * 151, TOO_LONG.format(150)),
        ("first_name", [], "is invalid"),
        ("city", "x" * 201, TOO_LONG.format(200)),
        ("country_code", "XX", "is invalid"),
        ("country_code", "ESP", "is invalid"),
        ("country_code", "E", "is invalid"),
        ("country_code", "ß", "is invalid"),
        ("country_code", "\ufb01", "is invalid"),
        ("country_code", ["ES"], "is invalid"),
        ("url", "dora.example.org", "is invalid"),
        ("url", "ftp://dora.example.org", "is invalid"),
        ("url", "javascript:alert(1)", "is invalid"),
        ("url", "https://", "is invalid"),
        ("url", "https://a.example.org/" + "x" * 2000, TOO_LONG.format(2000)),
        ("avatar", "data:image/png;base64,AA==", "is invalid"),
        ("avatar", {"src": "https://a.example.org"}, "is invalid"),
    ],
)
def test_values_that_cannot_be(
    field: str, value: Any, words: str, client: APIClient, db: None
) -> None:
    assert_refused(sign_up(client, **{field: value}), {field: [words]})


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", "do\0ra"), ("email", "\0"), ("password", "dora\0dora"), ("city", "\0")],
)
def test_a_nul_is_400(field: str, value: str, client: APIClient, db: None) -> None:
    assert sign_up(client, **{field: value}).status_code == 400


def test_half_a_surrogate_pair_is_400(client: APIClient, db: None) -> None:
    body = '{"username": "do\\ud800ra", "email": "dora@example.org", "password": "doradora"}'
    response = client.post("/v0/users", body, content_type="application/json")
    assert response.status_code == 400


def test_several_wrong_values_are_named_at_once(client: APIClient, db: None) -> None:
    response = sign_up(client, username="a@b", password="short", country_code="XX")
    assert_refused(
        response,
        {
            "username": ["is invalid"],
            "password": [TOO_SHORT.format(8)],
            "country_code": ["is invalid"],
        },
    )


@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "alice"),
        ("username", "ALICE"),
        ("username", " Alice "),
        ("email", "alice@example.org"),
        ("email", "Alice@EXAMPLE.org"),
    ],
)
def test_what_is_taken_stays_taken(
    field: str, value: str, archived: bool, client: APIClient, alice: User
) -> None:
    if archived:
        User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    assert_refused(sign_up(client, **{field: value}), {field: ["has already been taken"]})


@pytest.mark.parametrize(
    ("field", "value"), [("username", "ALICE"), ("email", "ALICE@example.org")]
)
def test_who_is_a_moment_later_is_refused_by_the_database(
    field: str,
    value: str,
    client: APIClient,
    alice: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(AccountInput, "_free", lambda self, name: name)
    assert_refused(sign_up(client, **{field: value}), {field: ["has already been taken"]})
    assert User.objects.count() == 1
