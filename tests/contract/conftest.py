"""The people of the contract's tests, cheaply: hashing their passwords would take most of the time.

alice owns, bob is a stranger, carol is an admin, as everywhere. Nobody here signs in by password.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.users.models import User

As = Callable[[str], APIClient]


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    """Passwords of new accounts are hashed without the work that makes guessing slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def alice(db: None) -> User:
    """Owns the devices of the tests."""
    return User.objects.create_user("alice", "alice@example.org", None)


@pytest.fixture
def bob(db: None) -> User:
    """Has an account and owns nothing that others ask for."""
    return User.objects.create_user("bob", "bob@example.org", None)


@pytest.fixture
def carol(db: None) -> User:
    """Is an admin."""
    return User.objects.create_superuser("carol", "carol@example.org", None)


@pytest.fixture
def as_(client: APIClient, alice: User, bob: User, carol: User, as_user: Any) -> As:
    """`as_("stranger")` is a client who acts as one of anonymous, stranger, owner and admin."""
    people = {"stranger": bob, "owner": alice, "admin": carol}

    def who(name: str) -> APIClient:
        found: APIClient = as_user(people[name]) if name in people else client
        return found

    return who
