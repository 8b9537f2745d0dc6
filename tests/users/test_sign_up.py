"""`POST /v0/users`: a new account, what is refused, and what is ignored."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from rest_framework.test import APIClient

from apps.users import legacy_keys
from apps.users.models import User
from tests.users.conftest import IssueToken

DORA = {"username": "dora", "email": "dora@example.org", "password": "doradora"}


def sign_up(client: APIClient, **fields: Any) -> Any:
    """The answer to Dora's sign-up with some fields changed."""
    return client.post("/v0/users", {**DORA, **fields}, format="json")


def assert_refused(response: Any, errors: dict[str, list[str]]) -> None:
    """A 422 with exactly these errors."""
    assert response.status_code == 422, response.content
    assert response.json()["id"] == "unprocessable_entity"
    assert response.json()["errors"] == errors


def test_anyone_signs_up_and_sees_his_account_as_his_own(client: APIClient, db: None) -> None:
    profile = {
        "first_name": "Dora",
        "last_name": "Marquez",
        "city": "Girona",
        "country_code": "es",
        "url": "https://dora.example.org",
        "avatar": "http://dora.example.org/me.png",
    }
    response = sign_up(client, **profile)
    assert response.status_code == 201, response.content
    user = User.objects.get(username="dora")
    assert response.headers["Location"] == f"http://testserver/v0/users/{user.pk}"
    joined = f"{user.created_at:%Y-%m-%dT%H:%M:%SZ}"
    assert response.json() == {
        "id": user.pk,
        "uuid": str(user.uuid),
        "role": "citizen",
        "first_name": "Dora",
        "last_name": "Marquez",
        "email": "dora@example.org",
        "username": "dora",
        "location": {"city": "Girona", "country_code": "ES", "country": "Spain"},
        "url": "https://dora.example.org",
        "avatar": "http://dora.example.org/me.png",
        "profile_picture": "http://dora.example.org/me.png",
        "joined_at": joined,
        "created_at": joined,
        "updated_at": f"{user.updated_at:%Y-%m-%dT%H:%M:%SZ}",
        "legacy_api_key": legacy_keys.reveal(user),
        "forwarding_token": None,
        "forwarding_username": None,
        "unconfirmed_email": None,
        "devices": [],
    }
    assert len(response.json()["legacy_api_key"]) == 32


def test_who_signed_up_gets_in_by_password_and_by_key(client: APIClient, db: None) -> None:
    key = sign_up(client).json()["legacy_api_key"]
    for header in ("Basic ZG9yYTpkb3JhZG9yYQ==", f"Token token={key}"):
        me = client.get("/v0/me", headers={"Authorization": header})
        assert me.json()["username"] == "dora"


@pytest.mark.parametrize("form", ["json", "multipart", "urlencoded", "query"])
def test_parameters_come_in_any_form(form: str, client: APIClient, db: None) -> None:
    if form == "query":
        response = client.post("/v0/users?username=dora&email=dora@example.org&password=doradora")
    elif form == "urlencoded":
        response = client.post(
            "/users/",
            "username=dora&email=dora%40example.org&password=doradora",
            content_type="application/x-www-form-urlencoded",
        )
    else:
        response = client.post("/v0/users", DORA, format=form)
    assert response.status_code == 201, response.content
    assert User.objects.get(username="dora").check_password("doradora")


def test_the_password_is_hashed_once(
    client: APIClient, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    encode = Argon2PasswordHasher.encode

    def counted(hasher: Argon2PasswordHasher, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(hasher, password, salt)

    monkeypatch.setattr(Argon2PasswordHasher, "encode", counted)
    assert sign_up(client).status_code == 201
    assert hashed == ["doradora"]
    assert sign_up(client).status_code == 422
    assert hashed == ["doradora"], "what is refused costs nothing"


def test_a_signed_in_user_opens_an_account_for_another(
    client: APIClient, bob: User, as_user: Any
) -> None:
    body = sign_up(as_user(bob)).json()
    assert (body["username"], body["email"]) == ("dora", "dora@example.org")


def test_an_application_signs_people_up_if_it_may_write(
    client: APIClient, alice: User, issue_token: IssueToken
) -> None:
    for scope, status in (("public", 403), ("public write", 201)):
        token = issue_token(None, scope)
        response = client.post(
            "/v0/users", DORA, format="json", headers={"Authorization": f"Bearer {token}"}
        )
        assert response.status_code == status


def test_nothing_is_400_but_422_naming_each_field(client: APIClient, db: None) -> None:
    blank = ["can't be blank"]
    missing = {"username": blank, "email": blank, "password": blank}
    response = client.post("/v0/users")
    assert_refused(response, missing)
    assert response.json()["message"] == (
        "Validation failed: Username can't be blank, Email can't be blank, Password can't be blank"
    )
    for empty in ("", None):
        assert_refused(sign_up(client, username=empty, email=empty, password=empty), missing)
    assert not User.objects.exists()


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_what_is_blank_is_null(blank: str | None, client: APIClient, db: None) -> None:
    names = ("first_name", "last_name", "city", "country_code", "url", "avatar")
    response = sign_up(client, **dict.fromkeys(names, blank))
    assert response.status_code == 201, response.content
    user = User.objects.get(username="dora")
    assert [getattr(user, name) for name in names] == [None] * 6
    assert response.json()["location"] == {"city": None, "country_code": None, "country": None}


def test_what_is_around_a_text_is_cut_but_for_the_password(client: APIClient, db: None) -> None:
    response = sign_up(client, username=" dora ", city=" Girona ", password="  dora  ")
    assert response.json()["username"] == "dora"
    assert response.json()["location"]["city"] == "Girona"
    assert User.objects.get(username="dora").check_password("  dora  ")


def test_the_scheme_of_an_address_may_be_in_capitals(client: APIClient, db: None) -> None:
    response = sign_up(client, url="HTTPS://Dora.example.org/A", avatar="Http://dora.example.org")
    assert response.status_code == 201, response.content
    assert response.json()["url"] == "https://Dora.example.org/A"
    assert response.json()["avatar"] == "http://dora.example.org"


def test_what_is_not_for_clients_to_set_is_ignored(client: APIClient, db: None) -> None:
    sent = {
        "id": 77,
        "uuid": "00000000-0000-0000-0000-000000000000",
        "role": "admin",
        "is_admin": True,
        "is_superuser": True,
        "archived_at": "2015-01-01T00:00:00Z",
        "created_at": "2015-01-01T00:00:00Z",
        "joined_at": "2015-01-01T00:00:00Z",
        "legacy_api_key": "0" * 32,
        "legacy_api_key_hash": "0",
        "forwarding_token": "mine",
        "forwarding_username": "mine",
        "devices": [{"name": "mine"}],
    }
    body = sign_up(client, **sent).json()
    user = User.objects.get(username="dora")
    assert (user.role, user.archived_at, user.forwarding_token) == ("citizen", None, None)
    assert not any(body.get(name) == value for name, value in sent.items())
