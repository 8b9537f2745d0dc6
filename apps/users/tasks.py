"""What the worker does for accounts."""

from __future__ import annotations

from apps.users import password_resets


def mail_password_reset(name: str) -> None:
    """Mail the link that sets a new password to whoever has this name or address, if anyone."""
    password_resets.mail_to(name)
