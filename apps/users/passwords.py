"""Checks a name and a password, for every door that takes them: sign-in, HTTP Basic, sessions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.utils.crypto import salted_hmac

from apps.users import guesses
from apps.users.models import User

# How long HTTP Basic takes a pair for right without computing the hash again.
REMEMBERED_SECONDS = 60


def verified(name: str, password: str, request: Any) -> User | None:
    """The active user of this username or e-mail address, if the password is his; else None.

    Takes the same time for an unknown name as for a wrong password (contract: POST /v0/sessions).
    A hash of an outdated kind is replaced by one of the preferred kind when the password is right.
    Wrong ones are counted, and too many raise Throttled (`apps/users/guesses.py`).
    """
    user: User | None = User.objects.active().named(name).first()
    return _checked(user, name, password, request)


def verified_lately(name: str, password: str, request: Any) -> User | None:
    """Like `verified`, but a pair that was right in the last minute costs no password hash.

    A client that sends HTTP Basic sends it with every request, and the hash is made to be slow.
    What is remembered is keyed by SECRET_KEY and by the stored hash: the cache gives no password
    away, and a changed password counts at once. The user's row is read every time, so that an
    archived account is refused at once. Without the cache every request computes the hash.
    """
    user: User | None = User.objects.active().named(name).first()
    if user is not None and cache.get(_record(user, password)):
        return user
    if _checked(user, name, password, request) is None or user is None:
        return None
    # The key is made after the check, since the check may have replaced an outdated hash.
    cache.set(_record(user, password), True, REMEMBERED_SECONDS)
    return user


def _checked(user: User | None, name: str, password: str, request: Any) -> User | None:
    """The user, if the password is his.

    For no user it computes one hash all the same: the time does not tell who has an account.
    """
    account = guesses.account_of(user, name)
    guesses.refuse(request, account)
    if user is None:
        make_password(password)
    elif user.check_password(password):
        return user
    guesses.count(request, account)
    return None


def _record(user: User, password: str) -> str:
    """The cache key that says that this pair was right."""
    pair = f"{user.pk}\0{user.password}\0{password}"
    return f"password:{salted_hmac(__name__, pair, algorithm='sha256').hexdigest()}"
