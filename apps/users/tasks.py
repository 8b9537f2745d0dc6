"""What the worker does for accounts."""

from __future__ import annotations

from apps.users import password_resets
from apps.users.browser_sessions import SessionStore


def mail_password_reset(name: str) -> None:
    """Mail the link that sets a new password to whoever has this name or address, if anyone."""
    password_resets.mail_to(name)


def forget_expired_sessions() -> None:
    """Every day: delete the sessions of browsers that have expired."""
    SessionStore.clear_expired()
