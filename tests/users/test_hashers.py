"""Password hashes of the old platform open until the first sign-in, and are Argon2id after it."""

from __future__ import annotations

import hashlib
from typing import Any
from unittest import mock

import bcrypt
import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, make_password

from apps.users import passwords
from apps.users.hashers import OldSha1, from_old_platform
from apps.users.models import User

SALT = "an-old-salt"
PASSWORD = "smartpass ñ"


def old_hash(kind: str, password: str = PASSWORD) -> str:
    """A hash as the old platform stored it."""
    if kind == "sha1":
        return hashlib.sha1((SALT + password).encode()).hexdigest()
    made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4, b"2a")).decode()
    return made.replace("$2a$", f"${kind}$")


@pytest.fixture
def old_user(alice: User, settings: Any) -> User:
    """A user brought along; his hash is set by each test."""
    settings.LEGACY_PASSWORD_SALT = SALT
    return alice


def keep(user: User, digest: str) -> None:
    """Store a hash as an import does."""
    user.password = from_old_platform(digest)
    user.save()


@pytest.mark.parametrize("kind", ["2a", "2b", "2y", "sha1"])
def test_an_old_password_opens_and_its_hash_is_replaced(kind: str, old_user: User) -> None:
    keep(old_user, old_hash(kind))
    before = old_user.password
    assert passwords.verified("alice", "wrong", None) is None
    assert User.objects.get().password == before, "a wrong one changes nothing"
    assert passwords.verified("alice", PASSWORD, None) == old_user
    assert User.objects.get().password.startswith("argon2$argon2id$")
    assert passwords.verified("alice", PASSWORD, None) == old_user


def test_a_hash_that_is_not_ours_is_known_by_its_vector(old_user: User) -> None:
    # From the test vectors of crypt_blowfish, as PHP made them.
    keep(old_user, "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
    assert passwords.verified("alice", "U*U", None) == old_user


def test_bcrypt_looks_at_the_first_72_bytes_as_it_always_did(old_user: User) -> None:
    keep(old_user, old_hash("2a", "x" * 72))
    assert passwords.verified("alice", "x" * 80, None) == old_user


def test_sha1_opens_nothing_without_the_salt_of_the_old_platform(
    old_user: User, settings: Any
) -> None:
    settings.LEGACY_PASSWORD_SALT = ""
    keep(old_user, hashlib.sha1(PASSWORD.encode()).hexdigest())
    assert passwords.verified("alice", PASSWORD, None) is None


def test_a_wrong_guess_at_a_fast_hash_is_as_slow_as_any(old_user: User) -> None:
    keep(old_user, old_hash("sha1"))
    real = Argon2PasswordHasher.encode
    with mock.patch.object(Argon2PasswordHasher, "encode", autospec=True, side_effect=real) as slow:
        assert passwords.verified("alice", "wrong", None) is None
    assert slow.call_count == 1


@pytest.mark.parametrize("digest", ["", "plain", "$2a$10$short", "f" * 39, make_password("x")])
def test_what_is_no_old_hash_is_not_kept(digest: str) -> None:
    with pytest.raises(ValueError, match="not a password hash"):
        from_old_platform(digest)


def test_old_hashes_are_never_made_and_never_shown() -> None:
    with pytest.raises(NotImplementedError):
        OldSha1().encode("x", "salt")
    assert OldSha1().safe_summary(from_old_platform(old_hash("sha1"))) == {"algorithm": "old_sha1"}
