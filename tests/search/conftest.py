"""Who and what is found in the tests of the search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.users.models import User

Finder = Callable[[str], list[str]]


@pytest.fixture
def person(db: None) -> Callable[..., User]:
    """`person("ada", city="Lyon")` is a new account."""

    def make(username: str, **fields: Any) -> User:
        return User.objects.create_user(username, f"{username}@example.org", None, **fields)

    return make


@pytest.fixture
def thing(alice: User) -> Callable[..., Device]:
    """`thing("Roof", city="Lyon")` is a new device, of alice's unless it says otherwise."""

    def make(name: str, **fields: Any) -> Device:
        found: Device = Device.objects.create(**{"owner": alice, "name": name, **fields})
        return found

    return make


@pytest.fixture
def found(client: APIClient) -> Finder:
    """`found("lyon")` are the names of users and devices of the first page, best first."""

    def search(query: str) -> list[str]:
        response = client.get("/v0/search", {"q": query})
        assert response.status_code == 200, response.content
        return [row.get("name", row.get("username")) for row in response.json()]

    return search
