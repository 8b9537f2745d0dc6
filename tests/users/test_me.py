"""`/v0/me`: reading, changing and closing one's own account."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.users import legacy_keys
from apps.users.inputs import AccountInput
from apps.users.models import User
from tests.users.conftest import IssueToken

BASIC = {"Authorization": "Basic YWxpY2U6YWxpY2VhbGljZQ=="}
METHODS = ["get", "patch", "put", "delete"]


@pytest.mark.parametrize("method", METHODS)
def test_without_credentials_it_is_401(method: str, client: APIClient, db: None) -> None:
    response = getattr(client, method)("/v0/me")
    assert response.status_code == 401
    assert response.json()["message"] == "Authorization required"
    assert "WWW-Authenticate" in response.headers


@pytest.mark.parametrize("method", METHODS)
def test_for_an_application_that_acts_as_no_user_it_is_403(
    method: str, client: APIClient, alice: User, issue_token: IssueToken
) -> None:
    headers = {"Authorization": f"Bearer {issue_token(None)}"}
    response = getattr(client, method)("/v0/me", headers=headers)
    assert (response.status_code, response.json()["id"]) == (403, "forbidden")
    assert User.objects.active().count() == 1


def test_it_is_the_user_as_he_sees_himself(
    alice: User, device: Device, as_user: Any, client: APIClient
) -> None:
    hidden = Device.objects.register(owner=alice, name="hidden", is_private=True)
    body = as_user(alice).get("/v0/me").json()
    assert body == as_user(alice).get(f"/v0/users/{alice.pk}").json()
    assert body == client.get("/me/", headers=BASIC).json()
    assert (body["email"], body["username"]) == ("alice@example.org", "alice")
    assert body["legacy_api_key"] == legacy_keys.reveal(alice)
    assert (body["forwarding_token"], body["forwarding_username"]) == (None, None)
    assert [found["id"] for found in body["devices"]] == [device.pk, hidden.pk]


def test_other_methods_are_405(as_user: Any, alice: User) -> None:
    response = as_user(alice).post("/v0/me")
    assert response.status_code == 405
    allowed = {"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}
    assert set(response.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["patch", "put"])
def test_fields_that_are_left_out_stay(
    method: str, alice: User, device: Device, as_user: Any
) -> None:
    User.objects.filter(pk=alice.pk).update(city="Oxford", url="https://a.example.org")
    response = getattr(as_user(alice), method)("/v0/me", {"username": "Alicia", "city": "Girona"})
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["username"], body["location"]["city"]) == ("Alicia", "Girona")
    assert (body["url"], body["email"]) == ("https://a.example.org", "alice@example.org")
    assert body["devices"][0]["owner"] == "Alicia"
    assert body == as_user(alice).get("/v0/me").json()
    alice.refresh_from_db()
    assert alice.check_password("alicealice")


def test_every_field_changes(alice: User, as_user: Any) -> None:
    changes = {
        "username": "Alicia",
        "email": "ALICE@EXAMPLE.org",
        "first_name": "Alicia",
        "last_name": "Liddell",
        "city": "Girona",
        "country_code": "es",
        "url": "https://a.example.org",
        "avatar": "https://a.example.org/a.png",
    }
    assert as_user(alice).patch("/v0/me", changes, format="json").status_code == 200
    alice.refresh_from_db()
    expected = {**changes, "country_code": "ES", "email": "ALICE@example.org"}
    assert {name: getattr(alice, name) for name in changes} == expected


def test_blank_empties_a_field(alice: User, as_user: Any) -> None:
    User.objects.filter(pk=alice.pk).update(city="Oxford", country_code="GB", first_name="Al")
    blanks = {"city": "", "country_code": None, "first_name": "  "}
    body = as_user(alice).patch("/v0/me", blanks, format="json").json()
    assert body["location"] == {"city": None, "country_code": None, "country": None}
    assert body["first_name"] is None


def test_a_new_password_counts_at_once(client: APIClient, alice: User) -> None:
    response = client.patch("/v0/me", {"password": "a new one"}, headers=BASIC)
    assert response.status_code == 200
    assert client.get("/v0/me", headers=BASIC).status_code == 401
    alice.refresh_from_db()
    assert alice.check_password("a new one")


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"password": "short"}, {"password": ["is too short (minimum is 8 characters)"]}),
        ({"password": ""}, {"password": ["can't be blank"]}),
        ({"username": None}, {"username": ["can't be blank"]}),
        ({"username": "a/b"}, {"username": ["is invalid"]}),
        ({"username": "BOB"}, {"username": ["has already been taken"]}),
        ({"email": "Bob@example.org"}, {"email": ["has already been taken"]}),
        ({"email": ""}, {"email": ["can't be blank"]}),
        ({"country_code": "XX"}, {"country_code": ["is invalid"]}),
        ({"url": "ftp://a.example.org"}, {"url": ["is invalid"]}),
    ],
)
def test_what_is_wrong_changes_nothing(
    changes: dict[str, Any], errors: dict[str, list[str]], alice: User, bob: User, as_user: Any
) -> None:
    response = as_user(alice).patch("/v0/me", {"city": "Girona", **changes}, format="json")
    assert (response.status_code, response.json()["errors"]) == (422, errors)
    alice.refresh_from_db()
    assert (alice.city, alice.username) == (None, "alice")


def test_ones_own_name_and_address_are_not_taken(alice: User, as_user: Any) -> None:
    changes = {"username": "ALICE", "email": "ALICE@example.org"}
    body = as_user(alice).patch("/v0/me", changes).json()
    assert (body["username"], body["email"]) == ("ALICE", "ALICE@example.org")


def test_who_takes_a_name_a_moment_later_is_refused_by_the_database(
    alice: User, bob: User, as_user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AccountInput, "_free", lambda self, name: name)
    response = as_user(alice).patch("/v0/me", {"username": "BOB"})
    assert response.status_code == 422
    assert response.json()["errors"] == {"username": ["has already been taken"]}


def test_two_changes_at_once_do_not_undo_each_other(alice: User, as_user: Any) -> None:
    # The row changes after it was read for this request: here, while a name is looked up.
    def change_meanwhile(account: AccountInput, name: str) -> str:
        User.objects.filter(pk=alice.pk).update(city="Girona")
        return name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AccountInput, "_free", change_meanwhile)
        as_user(alice).patch("/v0/me", {"username": "Alicia"})
    alice.refresh_from_db()
    assert (alice.username, alice.city) == ("Alicia", "Girona")


def test_the_time_of_the_change_moves_with_a_change_alone(alice: User, as_user: Any) -> None:
    before = timezone.now() - timedelta(days=1)
    User.objects.filter(pk=alice.pk).update(updated_at=before)
    for changes, moved in (({}, False), ({"username": "alice"}, False), ({"city": "G"}, True)):
        assert as_user(alice).patch("/v0/me", changes, format="json").status_code == 200
        alice.refresh_from_db()
        assert (alice.updated_at > before) is moved


def test_roles_keys_and_dates_are_not_for_oneself_to_change(alice: User, as_user: Any) -> None:
    sent = {
        "id": 77,
        "role": "admin",
        "archived_at": "2015-01-01T00:00:00Z",
        "legacy_api_key": "0" * 32,
        "forwarding_token": "mine",
        "created_at": "2015-01-01T00:00:00Z",
        "is_superuser": True,
    }
    before = as_user(alice).get("/v0/me").json()
    response = as_user(alice).patch("/v0/me", sent, format="json")
    assert (response.status_code, response.json()) == (200, before)


def test_a_token_that_only_reads_changes_nothing(
    client: APIClient, alice: User, issue_token: IssueToken
) -> None:
    headers = {"Authorization": f"Bearer {issue_token(alice, 'public readings')}"}
    assert client.get("/v0/me", headers=headers).status_code == 200
    assert client.patch("/v0/me", {"city": "Girona"}, headers=headers).status_code == 403
    assert client.delete("/v0/me", headers=headers).status_code == 403


def test_a_closed_account_and_its_devices_leave_every_answer(
    client: APIClient,
    alice: User,
    bob: User,
    device: Device,
    issue_token: IssueToken,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    token, key = issue_token(alice), legacy_keys.reveal(alice)
    assert len(client.get("/v0/devices/world_map").json()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        response = client.delete("/v0/me", headers=BASIC)
    assert (response.status_code, response.json()) == (200, {"message": "OK"})
    for header in (BASIC["Authorization"], f"Bearer {token}", f"Token token={key}"):
        assert client.get("/v0/me", headers={"Authorization": header}).status_code == 401
    assert client.get("/v0/users/alice").status_code == 404
    assert client.get(f"/v0/devices/{device.pk}").status_code == 404
    assert client.get("/v0/devices").json() == []
    assert client.get("/v0/devices/world_map").json() == []
    assert [user["username"] for user in client.get("/v0/users").json()] == ["bob"]


def test_a_closed_account_is_whole_again_once_an_admin_restored_it(
    client: APIClient, alice: User, device: Device, as_user: Any
) -> None:
    before = as_user(alice).get("/v0/me").json()
    client.delete("/v0/me", headers=BASIC)
    User.objects.filter(pk=alice.pk).update(archived_at=None)
    after = client.get("/v0/me", headers=BASIC).json()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


def test_who_was_archived_a_moment_ago_is_404(alice: User, as_user: Any) -> None:
    signed_in = as_user(alice)
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    assert signed_in.get("/v0/me").status_code == 404
    assert signed_in.delete("/v0/me").status_code == 404
