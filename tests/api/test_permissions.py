"""Who may do what: 401 for strangers, 403 for the wrong user (contract, section 2)."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.devices.models import Device, Tag
from apps.users.models import User

ALICE = {"authorization": "User alice"}
BOB = {"authorization": "User bob"}
CAROL = {"authorization": "User carol"}


@pytest.fixture(autouse=True)
def people(alice: User, bob: User, carol: User) -> None:
    """alice owns, bob is a stranger, carol is an admin."""


@pytest.mark.parametrize(
    ("headers", "read", "write"), [({}, 200, 401), (BOB, 200, 201), (CAROL, 200, 201)]
)
def test_users_write_where_anyone_reads(
    client: Client, headers: dict[str, str], read: int, write: int
) -> None:
    assert client.get("/v0/created", headers=headers).status_code == read
    assert client.post("/v0/created", headers=headers).status_code == write


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (BOB, 200)])
def test_some_things_are_for_users_alone(
    client: Client, headers: dict[str, str], status: int
) -> None:
    assert client.get("/v0/me", headers=headers).status_code == status


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (BOB, 403), (CAROL, 200)])
def test_some_things_are_for_admins_alone(
    client: Client, headers: dict[str, str], status: int
) -> None:
    assert client.get("/v0/admins", headers=headers).status_code == status


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (BOB, 403), (ALICE, 200), (CAROL, 200)])
def test_owners_and_admins_change_a_record(
    client: Client, device: Device, headers: dict[str, str], status: int
) -> None:
    assert client.get(f"/v0/owned/{device.pk}", headers=headers).status_code == 200
    assert client.patch(f"/v0/owned/{device.pk}", headers=headers).status_code == status


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (BOB, 403), (ALICE, 200), (CAROL, 200)])
def test_users_and_admins_change_a_user(
    client: Client, headers: dict[str, str], status: int
) -> None:
    assert client.patch("/v0/own/alice", headers=headers).status_code == status


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (BOB, 403), (CAROL, 201)])
def test_admins_write_the_catalogue(client: Client, headers: dict[str, str], status: int) -> None:
    assert client.get("/v0/tags", headers=headers).status_code == 200
    answer = client.post("/v0/tags", {"name": "new"}, headers=headers)
    assert answer.status_code == status
    assert Tag.objects.filter(name="new").exists() == (status == 201)


def test_a_wrong_credential_is_401_even_where_none_is_needed(client: Client) -> None:
    answer = client.get("/v0/values", headers={"authorization": "User nobody"})
    assert answer.status_code == 401
    assert answer.json()["message"] == "Authorization required"
