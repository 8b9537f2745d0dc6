"""What happens to accounts: they are found, signed up, changed and archived."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.api import records
from apps.api.exceptions import RecordNotFound
from apps.devices import world_map
from apps.users import email_changes, mails
from apps.users.models import User, UserQuerySet


def find(users: UserQuerySet, segment: str) -> User:
    """The one of `users` whom a segment of a path names; raises RecordNotFound.

    All digits are an id, anything else is a username in any case (contract: User). An e-mail
    address is no name here, or anyone could learn whose it is.
    """
    if segment.isascii() and segment.isdecimal():
        return records.find(users, id=segment)
    found = None if "@" in segment[1:] else users.named(segment).first()
    if found is None:
        raise RecordNotFound(User, "username", segment)
    return found


@transaction.atomic
def sign_up(username: str, email: str, password: str, **profile: Any) -> User:
    """Open an account (reference: Add a User); the values are validated already.

    `profile` are other fields of the model. Whoever takes the name or the address at the same
    moment makes this raise IntegrityError, which is a 422.
    """
    user: User = User.objects.create_user(username, email, password, **profile)
    mails.welcome(user)
    return user


@transaction.atomic
def change(user: User, confirm_email: bool, **changes: Any) -> None:
    """Change fields of an account (reference: Update Current User), a new `password` included.

    The values are validated already. Only what differs is written, so that two requests at once
    do not undo each other's changes, and `updated_at` is the time of a change. A new `email` waits
    until it is confirmed there, unless `confirm_email` says that it need not.
    """
    password = changes.pop("password", None)
    if "email" in changes:
        email = User.objects.normalize_email(changes.pop("email"))
        if confirm_email and email.lower() != user.email.lower():
            email_changes.ask(user, email)
        else:
            changes |= {"email": email, **email_changes.NONE_ASKED}
    changed = {name: value for name, value in changes.items() if getattr(user, name) != value}
    for name, value in changed.items():
        setattr(user, name, value)
    fields = [*changed]
    if password is not None:
        user.set_password(password)
        fields.append("password")
        mails.password_changed(user)
    if fields:
        user.save(update_fields=[*fields, "updated_at"])


@transaction.atomic
def archive(user: User) -> None:
    """Close an account: it and its devices leave every answer; an admin can restore it.

    Contract, User: DELETE. After ACCOUNT_GRACE_DAYS it is deleted for good
    (`apps/operations/purge.py`). Nothing else is touched: every credential asks for an account that
    is not archived, every list of devices for an owner who is not. The world map, which is kept
    apart, is dropped once this has committed.
    """
    user.archived_at = user.closed_at = timezone.now()
    user.save(update_fields=["archived_at", "closed_at", "updated_at"])
    transaction.on_commit(world_map.drop)
