"""How the secret of an application is kept: as a hash that costs little to check."""

from __future__ import annotations

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class ClientSecretHasher(PBKDF2PasswordHasher):
    """Salted PBKDF2 with one round.

    A slow hash protects what people think up. A secret is 128 random characters, which nobody
    guesses at any speed; a slow hash would only let anyone make the server work hard by asking for
    tokens with wrong secrets. No password is ever stored by it, since it is not the preferred one.
    """

    algorithm = "client_secret"
    iterations = 1
