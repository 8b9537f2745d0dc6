"""The mails about accounts; each is written in the transaction of what it tells of."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from apps.mail import outbox
from apps.mail.models import Mail
from apps.users.models import PasswordReset, User

FOLDER = "users/mail"
EMAIL_CONFIRMATION = "email_confirmation"


def welcome(user: User) -> None:
    """To a new account (contract: User, POST)."""
    _send("welcome", user, user.email)


def password_reset(reset: PasswordReset, token: str) -> None:
    """The link by which a new password is set (reference: Reset a Password)."""
    url = settings.PASSWORD_RESET_URL.replace("{token}", token)
    _send("password_reset", reset.user, reset.user.email, reset.expires_at, url=url, token=token)


def password_changed(user: User) -> None:
    """To the owner of an account whose password is another one now, lest it was not him."""
    _send("password_changed", user, user.email, again=_forgotten())


def email_confirmation(user: User, token: str) -> None:
    """To a new address: the link that makes it the account's."""
    url = f"{settings.PUBLIC_URL}/ui/email_change/{token}"
    new = str(user.unconfirmed_email)
    _send(EMAIL_CONFIRMATION, user, new, user.email_token_expires_at, url=url)


def email_change_asked(user: User) -> None:
    """To the address that an account is to leave, lest it was not its owner who asked."""
    new = user.unconfirmed_email
    _send("email_change_asked", user, user.email, new=new, again=_forgotten())


def email_changed(user: User, old: str) -> None:
    """To the address that an account has left."""
    _send("email_changed", user, old, new=user.email, again=_forgotten())


def sent_lately(user: User, name: str) -> int:
    """How many mails of a kind an account caused in the last hour."""
    hour = timezone.now() - timedelta(hours=1)
    return Mail.objects.filter(user=user, template=f"{FOLDER}/{name}", created_at__gt=hour).count()


def _forgotten() -> str:
    """Where a new password is asked for."""
    return f"{settings.PUBLIC_URL}/ui/password_reset"


def _send(
    name: str, user: User, recipient: str, expires_at: datetime | None = None, **context: object
) -> None:
    """Put a mail of this room's templates into the outbox."""
    outbox.send(
        f"{FOLDER}/{name}",
        recipient,
        {"username": user.username, **context},
        user=user,
        expires_at=expires_at,
    )
