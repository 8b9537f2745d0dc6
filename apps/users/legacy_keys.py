"""Legacy API keys: how they are made, kept so that the database alone gives none away, and found.

A key is 32 hexadecimal characters (reference: HTTP Token Authentication). The user's row keeps a
keyed hash of it, by which a request finds its user, and an encrypted copy, which its owner sees.
Both need `settings.ENCRYPTION_KEY`, which is not in the database.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

if TYPE_CHECKING:
    from apps.users.models import User

FIELDS = ("legacy_api_key_hash", "legacy_api_key_encrypted")


def generate() -> str:
    """A new random key: 128 bits as 32 hexadecimal characters."""
    return secrets.token_hex(16)


def assign(user: User, key: str) -> None:
    """Give `user` this key, as a new account or an import does; the caller saves the row."""
    user.legacy_api_key_hash = lookup_hash(key)
    user.legacy_api_key_encrypted = _cipher().encrypt(key.encode())


def rotate(user: User) -> str:
    """Replace the key of a saved `user` by a new one and return it; the old one stops working."""
    key = generate()
    assign(user, key)
    user.save(update_fields=FIELDS)
    return key


def reveal(user: User) -> str | None:
    """The key of `user`, to be shown to nobody but him and admins.

    None where the user has no key, or where it was encrypted with another ENCRYPTION_KEY: such a
    key no longer opens anything, since its hash cannot be found either.
    """
    if user.legacy_api_key_encrypted is None:
        return None
    try:
        return _cipher().decrypt(bytes(user.legacy_api_key_encrypted)).decode()
    except InvalidToken:
        return None


def matches(user: User, key: str) -> bool:
    """Whether `key` is the user's, compared in constant time."""
    stored = user.legacy_api_key_hash
    return stored is not None and hmac.compare_digest(bytes(stored), lookup_hash(key))


def lookup_hash(key: str) -> bytes:
    """The keyed hash by which the row of a key is found.

    The time of the look-up tells nothing of a key, since who does not have ENCRYPTION_KEY cannot
    choose what is compared.
    """
    return hmac.digest(_secret("lookup"), key.encode(), hashlib.sha256)


def _cipher() -> Fernet:
    """What encrypts keys for display."""
    return Fernet(base64.urlsafe_b64encode(_secret("display")))


def _secret(purpose: str) -> bytes:
    """A secret of 32 bytes for one purpose alone, from ENCRYPTION_KEY of whatever length."""
    message = f"legacy API keys: {purpose}".encode()
    return hmac.digest(settings.ENCRYPTION_KEY.encode(), message, hashlib.sha256)
