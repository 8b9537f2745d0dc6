"""A new e-mail address of an account counts once a link that was mailed there was followed.

Whoever gets at an open session cannot take the account over by it: the old address is told, and
stays where a forgotten password is mailed to.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from rest_framework.exceptions import Throttled

from apps.api.exceptions import RecordNotFound
from apps.users import mails, tokens
from apps.users.models import User

DAYS = 3
# Nobody has strangers' mailboxes filled.
MOST_AN_HOUR = 5
NONE_ASKED = {
    "unconfirmed_email": None,
    "email_token_hash": None,
    "email_token_expires_at": None,
}
FIELDS = [*NONE_ASKED, "updated_at"]


def ask(user: User, email: str) -> None:
    """Have `email`, validated and normalized, confirmed by a link that is mailed there.

    One that waits already is not mailed again. Raises Throttled after too many.
    """
    if email == user.unconfirmed_email and not _is_over(user):
        return
    if mails.sent_lately(user, mails.EMAIL_CONFIRMATION) >= MOST_AN_HOUR:
        raise Throttled(3600)
    token = tokens.generate()
    user.unconfirmed_email = email
    user.email_token_hash = tokens.hashed(token)
    user.email_token_expires_at = timezone.now() + timedelta(days=DAYS)
    user.save(update_fields=FIELDS)
    mails.email_confirmation(user, token)
    mails.email_change_asked(user)


def cancel(user: User) -> None:
    """Forget an address that waits, if any."""
    if user.unconfirmed_email is None:
        return
    for name, value in NONE_ASKED.items():
        setattr(user, name, value)
    user.save(update_fields=FIELDS)


def find(token: str, lock: bool = False) -> User:
    """Whose new address a token confirms; raises RecordNotFound for one that is unknown or old."""
    waiting = User.objects.active().filter(
        email_token_hash=tokens.hashed(token), email_token_expires_at__gt=timezone.now()
    )
    if lock:
        waiting = waiting.select_for_update()
    user: User | None = waiting.first()
    if user is None:
        raise RecordNotFound(User, "email token", "[FILTERED]")
    return user


@transaction.atomic
def confirm(token: str) -> User:
    """Give the account its new address, and tell the old one.

    What was mailed to the old address opens nothing any more. Raises RecordNotFound as `find` does,
    and IntegrityError where another account took the address meanwhile.
    """
    user = find(token, lock=True)
    old, user.email = user.email, str(user.unconfirmed_email)
    user.save(update_fields=["email", "updated_at"])
    cancel(user)
    user.password_resets.filter(used_at=None).update(used_at=timezone.now())
    mails.email_changed(user, old)
    return user


def _is_over(user: User) -> bool:
    """Whether the link that was mailed no longer works."""
    expires_at = user.email_token_expires_at
    return expires_at is None or expires_at <= timezone.now()
