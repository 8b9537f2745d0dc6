"""Passwords: slow to guess, cheap for who has the right one, the same for unknown names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import Argon2PasswordHasher, PBKDF2PasswordHasher
from django.core.cache import cache
from django.utils import timezone

from apps.users import passwords
from apps.users.backends import AccountBackend
from apps.users.models import User


class Hashes:
    """Counts the password hashes that are computed."""

    def __init__(self) -> None:
        self.count = 0

    def counted(self, real: Any) -> Any:
        def counting(hasher: Any, *args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return real(hasher, *args, **kwargs)

        return counting


@pytest.fixture
def hashes(alice: User) -> Iterator[Hashes]:
    """How many hashes are computed from here on."""
    found = Hashes()
    with (
        mock.patch.object(
            Argon2PasswordHasher, "verify", found.counted(Argon2PasswordHasher.verify)
        ),
        mock.patch.object(
            Argon2PasswordHasher, "encode", found.counted(Argon2PasswordHasher.encode)
        ),
    ):
        yield found


def test_a_pair_that_was_right_costs_no_second_hash(alice: User, hashes: Hashes) -> None:
    for _ in range(3):
        assert passwords.verified_lately("alice", "alicealice", None) == alice
    assert passwords.verified_lately("Alice@example.org", "alicealice", None) == alice
    assert hashes.count == 1


def test_a_wrong_password_is_never_remembered(alice: User, hashes: Hashes) -> None:
    passwords.verified_lately("alice", "alicealice", None)
    for _ in range(2):
        assert passwords.verified_lately("alice", "wrong", None) is None
    assert hashes.count == 3


def test_a_changed_password_counts_at_once(alice: User) -> None:
    assert passwords.verified_lately("alice", "alicealice", None) == alice
    alice.set_password("another-one")
    alice.save()
    assert passwords.verified_lately("alice", "alicealice", None) is None
    assert passwords.verified_lately("alice", "another-one", None) == alice


def test_another_user_with_the_same_password_is_not_taken_for_her(alice: User) -> None:
    passwords.verified_lately("alice", "alicealice", None)
    User.objects.create_user("eve", "eve@example.org", "eveeveeve")
    assert passwords.verified_lately("eve", "alicealice", None) is None


def test_an_archived_account_is_refused_at_once(alice: User) -> None:
    passwords.verified_lately("alice", "alicealice", None)
    User.objects.update(archived_at=timezone.now())
    assert passwords.verified_lately("alice", "alicealice", None) is None


def test_the_record_gives_no_password_away_and_expires(alice: User) -> None:
    with mock.patch.object(cache, "set", wraps=cache.set) as kept:
        passwords.verified_lately("alice", "alicealice", None)
    (key, value, seconds), _ = kept.call_args
    assert "alice" not in key
    assert value is True
    assert seconds == passwords.REMEMBERED_SECONDS == 60


def test_without_redis_it_works_and_is_slower(alice: User, hashes: Hashes, settings: Any) -> None:
    settings.CACHES = {
        "default": {
            **settings.CACHES["default"],
            "LOCATION": "unix:///nowhere/redis.sock",
        }
    }
    for _ in range(2):
        assert passwords.verified_lately("alice", "alicealice", None) == alice
    assert hashes.count == 2


@pytest.mark.parametrize("check", [passwords.verified, passwords.verified_lately])
@pytest.mark.parametrize("name", ["alice", "nobody", "nobody@example.org", "archived", "a\0b"])
def test_the_same_work_is_done_for_every_name(check: Any, name: str, hashes: Hashes) -> None:
    archived = User.objects.create_user("archived", "archived@example.org", "archived1")
    User.objects.filter(pk=archived.pk).update(archived_at=timezone.now())
    hashes.count = 0
    assert check(name, "wrong password", None) is None
    assert hashes.count == 1


def test_an_account_without_a_password_is_refused_with_the_same_work(hashes: Hashes) -> None:
    User.objects.create_user("nopass", "nopass@example.org", None)
    hashes.count = 0
    assert passwords.verified("nopass", "anything", None) is None
    assert hashes.count == 1


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org", "ALICE@EXAMPLE.ORG"])
def test_people_sign_in_by_username_or_address(name: str, alice: User) -> None:
    assert authenticate(username=name, password="alicealice") == alice


def test_people_do_not_sign_in_otherwise(alice: User) -> None:
    assert authenticate(username="alice", password="wrong") is None
    assert authenticate(username="", password="alicealice") is None
    assert authenticate(username="alice", password=None) is None
    assert authenticate(email="alice@example.org", password="alicealice") is None


def test_archiving_signs_out(carol: User) -> None:
    backend = AccountBackend()
    assert backend.get_user(carol.pk) == carol
    User.objects.update(archived_at=timezone.now())
    assert backend.get_user(carol.pk) is None
    assert authenticate(username="carol", password="carolcarol") is None


def test_an_outdated_hash_is_replaced_when_the_password_is_right(
    alice: User, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.Argon2PasswordHasher",
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    ]
    alice.password = PBKDF2PasswordHasher().encode("alicealice", "salt", iterations=1)
    alice.save()
    assert passwords.verified_lately("alice", "wrong", None) is None
    assert User.objects.get().password == alice.password
    assert passwords.verified_lately("alice", "alicealice", None) == alice
    assert User.objects.get().password.startswith("argon2$argon2id$")
