"""`PATCH` and `DELETE /v0/users/<id|username>`: who may change or archive whom."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.users.models import User
from tests.users.conftest import IssueToken


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
@pytest.mark.parametrize("segment", ["alice", "{pk}", "nobody"])
def test_without_credentials_it_is_401(
    method: str, segment: str, client: APIClient, alice: User
) -> None:
    path = f"/v0/users/{segment.format(pk=alice.pk)}"
    assert getattr(client, method)(path, {"city": "Girona"}).status_code == 401


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_for_a_stranger_it_is_403(method: str, alice: User, bob: User, as_user: Any) -> None:
    response = getattr(as_user(bob), method)("/v0/users/alice", {"city": "Girona"})
    assert response.status_code == 403
    alice.refresh_from_db()
    assert (alice.city, alice.archived_at) == (None, None)


@pytest.mark.parametrize("method", ["patch", "put", "delete"])
def test_for_an_application_that_acts_as_no_user_it_is_403(
    method: str, client: APIClient, alice: User, issue_token: IssueToken
) -> None:
    headers = {"Authorization": f"Bearer {issue_token(None)}"}
    response = getattr(client, method)("/v0/users/alice", {"city": "Girona"}, headers=headers)
    assert response.status_code == 403


@pytest.mark.parametrize("method", ["patch", "put"])
@pytest.mark.parametrize("segment", ["ALICE", "{pk}"])
@pytest.mark.parametrize("by", ["alice", "carol"])
def test_the_user_himself_and_admins_change_him(
    method: str, segment: str, by: str, alice: User, carol: User, as_user: Any
) -> None:
    client = as_user({"alice": alice, "carol": carol}[by])
    path = f"/v0/users/{segment.format(pk=alice.pk)}"
    changes = {"city": "Girona", "email": "ALICE@example.org", "password": "a new one"}
    response = getattr(client, method)(path, changes)
    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["username"], body["email"]) == ("alice", "ALICE@example.org")
    assert body["location"]["city"] == "Girona"
    alice.refresh_from_db()
    assert alice.check_password("a new one")


def test_a_role_is_given_in_the_admin_site_alone(alice: User, carol: User, as_user: Any) -> None:
    response = as_user(carol).patch("/v0/users/alice", {"role": "admin"})
    assert (response.status_code, response.json()["role"]) == (200, "citizen")


def test_what_is_wrong_is_422_for_admins_too(
    alice: User, bob: User, carol: User, as_user: Any
) -> None:
    response = as_user(carol).patch("/v0/users/alice", {"username": "bob"})
    assert response.status_code == 422
    assert response.json()["errors"] == {"username": ["has already been taken"]}


def test_an_admin_archives_an_account(
    client: APIClient,
    alice: User,
    carol: User,
    device: Device,
    as_user: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    assert len(client.get("/v0/devices/world_map").json()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        response = as_user(carol).delete(f"/v0/users/{alice.pk}")
    assert (response.status_code, response.json()) == (200, {"message": "OK"})
    assert client.get("/v0/devices/world_map").json() == []
    assert as_user(carol).get("/v0/users/alice").status_code == 404
    assert as_user(carol).delete("/v0/users/alice").status_code == 404
    assert as_user(carol).patch("/v0/users/alice", {"city": "G"}).status_code == 404
    device.refresh_from_db()
    assert device.archived_at is None, "a restored account has its devices again"


def test_one_closes_ones_own_account_at_me_alone(alice: User, as_user: Any) -> None:
    assert as_user(alice).delete("/v0/users/alice").status_code == 403
    alice.refresh_from_db()
    assert alice.archived_at is None


def test_an_archived_account_cannot_be_changed_by_name_or_id(
    alice: User, carol: User, as_user: Any
) -> None:
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    for segment in ("alice", alice.pk):
        response = as_user(carol).patch(f"/v0/users/{segment}", {"city": "Girona"})
        assert response.status_code == 404
    alice.refresh_from_db()
    assert alice.city is None


def test_methods_of_the_two_paths(client: APIClient, db: None) -> None:
    for path, allowed in (
        ("/v0/users", {"GET", "POST", "HEAD", "OPTIONS"}),
        ("/v0/users/1", {"GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}),
    ):
        response = client.options(path)
        assert response.status_code == 200
        assert set(response.headers["Allow"].split(", ")) == allowed
