"""Single-use tokens that go out by mail: random, and kept as hashes alone."""

from __future__ import annotations

import hashlib
import re
import secrets

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")


def generate() -> str:
    """A new token: 256 random bits as 43 characters that a URL takes as they are."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> bytes | None:
    """The hash by which a token's row is found; None for what was never a token.

    A look-up by the hash of a random text takes the same time for all that is wrong: whoever tries
    cannot choose what is compared.
    """
    if not TOKEN.fullmatch(token):
        return None
    return hashlib.sha256(token.encode()).digest()
