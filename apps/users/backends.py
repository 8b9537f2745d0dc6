"""Signs people in on pages for browsers, by username or e-mail address."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.http import HttpRequest

from apps.users import passwords
from apps.users.models import User


class AccountBackend(BaseBackend):
    """Django's door to our accounts; archived ones stay outside, signed in or not."""

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **credentials: Any,
    ) -> User | None:
        """The active user of this username or e-mail address, if the password is his.

        Ignores the case of the name, and takes the same time for an unknown name. Raises Throttled
        after too many wrong passwords.
        """
        if not username or password is None:
            return None
        return passwords.verified(username, password, request)

    def get_user(self, user_id: int) -> User | None:
        """The user of a session: None, which signs out, once the account is archived."""
        user: User | None = User.objects.active().filter(pk=user_id).first()
        return user
