"""`/v0/users/<id|username>`: which segment of a path names whom."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.users.models import User


def get(client: APIClient, segment: object) -> Any:
    """The JSON of the user whom the segment names."""
    response = client.get(f"/v0/users/{quote(str(segment))}")
    assert response.status_code == 200, response.content
    return response.json()


def assert_missing(response: Any, key: str, value: object) -> None:
    """The exact 404 of the contract."""
    assert response.status_code == 404
    assert response.json() == {
        "id": "record_not_found",
        "message": f"Couldn't find User with '{key}'={value}",
        "errors": None,
        "url": None,
    }


@pytest.mark.parametrize("name", ["alice", "ALICE", "Alice"])
def test_a_username_names_a_user_in_any_case(name: str, client: APIClient, alice: User) -> None:
    assert get(client, name)["id"] == alice.pk


@pytest.mark.parametrize(
    "name", ["j.r.r", "@maker", "Ünï Cödé", "🦊🦊🦊", "12.5", "1234a", "%25%", "a+b c", "...."]
)
def test_any_username_is_a_segment_of_a_path(name: str, client: APIClient, db: None) -> None:
    user = User.objects.create_user(name, "odd@example.org", "oddoddodd")
    assert get(client, name)["id"] == user.pk
    assert client.get(f"/users/{quote(name)}/").json()["id"] == user.pk


def test_digits_alone_are_an_id(client: APIClient, alice: User) -> None:
    assert get(client, alice.pk)["username"] == "alice"
    assert get(client, f"00{alice.pk}")["username"] == "alice"


@pytest.mark.parametrize("number", ["0", "987654", "9" * 19, "9" * 30, "9" * 5000])
def test_an_unknown_id_is_404(number: str, client: APIClient, alice: User) -> None:
    assert_missing(client.get(f"/v0/users/{number}"), "id", number[:200])


@pytest.mark.parametrize(
    "name",
    ["nobody", "al", "alice@example.org", "ALICE@example.org", "alice\n", "x" * 300, "-1", "1e3"],
)
def test_an_unknown_name_is_404_and_an_address_is_none(
    name: str, client: APIClient, alice: User
) -> None:
    assert_missing(client.get(f"/v0/users/{quote(name)}"), "username", name[:200])


def test_digits_of_other_scripts_are_no_id(client: APIClient, alice: User) -> None:
    arabic = str(alice.pk).translate({48 + n: 0x660 + n for n in range(10)})
    assert_missing(client.get(f"/v0/users/{quote(arabic)}"), "username", arabic)


def test_a_nul_in_the_path_is_400_and_broken_utf8_is_404(client: APIClient, db: None) -> None:
    assert client.get("/v0/users/al%00ice").status_code == 400
    assert client.get("/v0/users/%ED%A0%80abc").status_code == 404


def test_an_archived_account_is_gone(client: APIClient, alice: User, bob: User) -> None:
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    assert_missing(client.get("/v0/users/alice"), "username", "alice")
    assert_missing(client.get(f"/v0/users/{alice.pk}"), "id", alice.pk)
    assert [user["username"] for user in client.get("/v0/users").json()] == ["bob"]
