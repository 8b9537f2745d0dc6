"""A forgotten password: asked for, mailed, and set anew (reference: Reset a Password)."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from apps.api.exceptions import RecordNotFound
from apps.users import access, email_changes, mails, tokens
from apps.users.models import PasswordReset, User

TASK = "apps.users.tasks.mail_password_reset"

# Nobody can fill another's mailbox: more than these in an hour are not mailed.
MOST_AN_HOUR = 5
# No address is longer (RFC 5321); the queue is no place for more.
LONGEST_NAME = 254


def ask(name: str) -> None:
    """Have a link mailed to the account of a username or an e-mail address.

    Raises RecordNotFound for a username that nobody has: usernames are public. What is done for an
    address is the same whether anyone has it or not, and left to the worker: neither the answer
    nor its time tells (contract: Password reset).
    """
    users = User.objects.active()
    if len(name) > LONGEST_NAME:
        raise RecordNotFound(User, "username", name)
    if "@" not in name[1:] and not users.named(name).exists():
        raise RecordNotFound(User, "username", name)
    async_task(TASK, name, q_options={"task_name": "password reset", "save": False})


@transaction.atomic
def mail_to(name: str) -> None:
    """Make a token for the account of this name, if there is one, and mail it."""
    user = User.objects.active().named(name).select_for_update(of=("self",)).first()
    if user is None:
        return
    hour = timezone.now() - timedelta(hours=1)
    if user.password_resets.filter(created_at__gt=hour).count() >= MOST_AN_HOUR:
        return
    token = tokens.generate()
    reset = PasswordReset.objects.create(user=user, token_hash=tokens.hashed(token))
    mails.password_reset(reset, token)


def find(token: str, lock: bool = False) -> PasswordReset:
    """The reset that a token opens; raises RecordNotFound for one that is unknown, used or old."""
    open_ones = PasswordReset.objects.select_related("user").filter(
        token_hash=tokens.hashed(token),
        used_at=None,
        expires_at__gt=timezone.now(),
        user__archived_at=None,
    )
    if lock:
        open_ones = open_ones.select_for_update()
    reset = open_ones.first()
    if reset is None:
        raise unknown()
    return reset


def unknown() -> RecordNotFound:
    """The answer to a token that opens nothing; it does not repeat the token."""
    return RecordNotFound(PasswordReset, "token", "[FILTERED]")


@transaction.atomic
def finish(token: str, password: str) -> User:
    """Set the new password, which is validated already, and shut every door that was open.

    The token is used up, the user's other ones with it; his access tokens are revoked, his sessions
    end, since they hold the old password, and a change of address that waits is dropped. Raises
    RecordNotFound as `find` does; of two at once, one.
    """
    reset = find(token, lock=True)
    user: User = reset.user
    user.set_password(password)
    user.save(update_fields=["password", "updated_at"])
    email_changes.cancel(user)
    user.password_resets.filter(used_at=None).update(used_at=timezone.now())
    access.revoke_all(user)
    mails.password_changed(user)
    return user
