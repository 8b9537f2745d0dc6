"""Accepts the password hashes of the old platform, until their owners sign in once.

An import stores what `from_old_platform` makes of a hash. At the first right password Django
replaces it by one of the preferred kind, Argon2id, since these hashers are not the preferred one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import bcrypt
from django.conf import settings
from django.contrib.auth.hashers import BasePasswordHasher, make_password
from django.utils.crypto import constant_time_compare

BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}")
SHA1 = re.compile(r"[0-9a-f]{40}")
BCRYPT_BYTES = 72  # bcrypt has never looked at more of a password


def from_old_platform(digest: str) -> str:
    """What to store as the password of a user whose hash on the old platform is `digest`.

    Takes bcrypt (`$2a$`, `$2b$`, `$2y$`) and the SHA-1 of salt and password in hexadecimal.
    Raises ValueError for anything else.
    """
    if BCRYPT.fullmatch(digest):
        return f"{OldBcrypt.algorithm}${digest}"
    if SHA1.fullmatch(digest.lower()):
        return f"{OldSha1.algorithm}${digest.lower()}"
    raise ValueError("not a password hash of the old platform")


class OldHasher(BasePasswordHasher):
    """What both kinds have in common: hashes are checked, and never made."""

    def encode(self, password: str, salt: str) -> str:
        """Not to be called: new hashes are of the preferred kind."""
        raise NotImplementedError("The hashes of the old platform are not made any more")

    def decode(self, encoded: str) -> dict[str, Any]:
        """The parts of a stored hash: `algorithm` and `hash`."""
        algorithm, digest = encoded.split("$", 1)
        return {"algorithm": algorithm, "hash": digest}

    def safe_summary(self, encoded: str) -> dict[Any, Any]:
        """What the admin site may show of a hash: its kind."""
        return {"algorithm": self.algorithm}

    def must_update(self, encoded: str) -> bool:
        """Always: the first right password replaces it."""
        return True

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing to do: `verify` sees to its own time."""


class OldBcrypt(OldHasher):
    """bcrypt, as the Rails application stored it."""

    algorithm = "old_bcrypt"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password is the one that was hashed."""
        digest = self.decode(encoded)["hash"].encode()
        return bcrypt.checkpw(password.encode()[:BCRYPT_BYTES], digest)


class OldSha1(OldHasher):
    """SHA-1 of a secret salt and the password, as the platform before that one stored it."""

    algorithm = "old_sha1"

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password is the one that was hashed; never without LEGACY_PASSWORD_SALT."""
        salted = (settings.LEGACY_PASSWORD_SALT + password).encode()
        digest = hashlib.sha1(salted, usedforsecurity=False).hexdigest()
        right = constant_time_compare(digest, self.decode(encoded)["hash"])
        if not right or not settings.LEGACY_PASSWORD_SALT:
            # As slow as for others: the time must not tell whose password is easy to guess.
            make_password(password)
            return False
        return True
