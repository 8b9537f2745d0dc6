"""`/v0/sessions`: an access token for a name and a password, and taking it back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken
from rest_framework.test import APIClient

from apps.users import access
from apps.users.models import User
from tests.users.conftest import IssueToken

WRONG = {
    "id": "unprocessable_entity",
    "message": "Validation failed: Password is incorrect",
    "errors": {"password": ["is incorrect"]},
    "url": None,
}


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org"])
def test_a_name_and_a_password_give_a_token_that_may_do_all(
    name: str, alice: User, client: APIClient
) -> None:
    answer = client.post("/v0/sessions", {"username": name, "password": "alicealice"})
    assert answer.status_code == 200
    assert list(answer.json()) == ["access_token"]
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    me = client.get("/v0/me", headers=bearer)
    assert (me.json()["email"], len(me.json()["legacy_api_key"])) == ("alice@example.org", 32)
    assert client.patch("/v0/me", {"city": "Girona"}, headers=bearer).status_code == 200


def test_parameters_may_be_in_the_query(alice: User, client: APIClient) -> None:
    answer = client.post("/sessions?username=alice&password=alicealice")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("alice", "wrong"),
        ("nobody", "alicealice"),
        ("nobody@example.org", "x"),
        ("alice", " alicealice"),
    ],
)
def test_whatever_is_wrong_has_the_same_answer(
    name: str, password: str, alice: User, client: APIClient
) -> None:
    answer = client.post("/v0/sessions", {"username": name, "password": password}, format="json")
    assert (answer.status_code, answer.json()) == (422, WRONG)
    assert not AccessToken.objects.exists()


def test_what_is_missing_is_named(client: APIClient, db: None) -> None:
    answer = client.post("/v0/sessions", {"username": ""}, format="json")
    assert answer.status_code == 422
    blank = ["can't be blank"]
    assert answer.json()["errors"] == {"username": blank, "password": blank}


def test_an_archived_account_is_refused(alice: User, client: APIClient) -> None:
    User.objects.update(archived_at=timezone.now())
    answer = client.post("/v0/sessions", {"username": "alice", "password": "alicealice"})
    assert (answer.status_code, answer.json()) == (422, WRONG)


def test_the_token_is_kept_as_a_checksum_and_lasts_a_year(alice: User) -> None:
    raw = access.open_session(alice)
    [row] = AccessToken.objects.all()
    assert row.token == "" and raw not in repr(row.__dict__)
    assert row.expires - timezone.now() > timedelta(days=364)


def test_the_oldest_of_too_many_tokens_end(
    alice: User, bob: User, issue_token: IssueToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "MOST_SESSIONS", 3)
    issue_token(alice)
    access.open_session(bob)
    mine = [access.open_session(alice) for _ in range(5)]
    client = APIClient()
    statuses = [
        client.get("/v0/me", headers={"Authorization": f"Bearer {raw}"}).status_code for raw in mine
    ]
    assert statuses == [401, 401, 200, 200, 200]
    assert AccessToken.objects.count() == 3 + 1 + 1, "those of others and of applications stay"


@pytest.mark.parametrize("scope", ["public", "public write readings"])
def test_a_token_takes_itself_back(
    scope: str, alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    raw, other = issue_token(alice, scope), issue_token(alice)
    bearer = {"Authorization": f"Bearer {raw}"}
    answer = client.delete("/v0/sessions", headers=bearer)
    assert (answer.status_code, answer.json()) == (200, {"message": "OK"})
    assert client.get("/v0/me", headers=bearer).status_code == 401
    assert client.get("/v0/me", headers={"Authorization": f"Bearer {other}"}).status_code == 200


def test_without_a_token_nothing_is_taken_back(
    alice: User, client: APIClient, as_user: Any
) -> None:
    assert client.delete("/v0/sessions").status_code == 401
    basic = {"Authorization": "Basic YWxpY2U6YWxpY2VhbGljZQ=="}
    answer = client.delete("/v0/sessions", headers=basic)
    assert (answer.status_code, answer.json()["id"]) == (400, "bad_request")


def test_other_methods_are_405(client: APIClient, db: None) -> None:
    assert client.get("/v0/sessions").status_code == 405
    assert client.patch("/v0/sessions").status_code == 405
