"""The users of the old platform, with the password hashes that they had."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower

from apps.operations.old_platform.cells import Bad, decimal, json_object, number, time, unique_id
from apps.operations.old_platform.dumps import Row
from apps.operations.old_platform.rules import Note, loose, times
from apps.users import legacy_keys
from apps.users.hashers import from_old_platform
from apps.users.models import User


def user(row: Row, note: Note) -> User:
    """An account, with the password hash that it had."""
    pk = number(row, "id")
    username, email = row["username"], row["email"]
    if "@" in username[1:] or _taken("username", username) or not _is_valid("username", username):
        note("username", f"{username!r} cannot be a username or is taken: user-{pk} now")
        username = f"user-{pk}"
    if _taken("email", email) or not _is_valid("email", email):
        note("email", f"{email!r} is no address or is taken: none that works now")
        email = f"user-{pk}@duplicate.invalid"
    new = User(
        id=pk,
        uuid=unique_id(row),
        username=username,
        email=email,
        role=_role(row, note),
        city=row["city"] or None,
        country_code=row["country_code"].upper() or None,
        url=row["url"] or None,
        avatar=row["avatar_url"] or None,
        forwarding_token=row["forwarding_token"] or None,
        forwarding_username=row["forwarding_username"] or None,
        archived_at=time(row, "updated_at") if row["workflow_state"] == "archived" else None,
        **times(row),
    )
    _give_password(row, new, note)
    legacy_keys.assign(new, row["legacy_api_key"] or legacy_keys.generate())
    if User.objects.filter(legacy_api_key_hash=new.legacy_api_key_hash).exists():
        raise Bad("legacy_api_key", "is another user's")
    return new


def _taken(field: str, value: str) -> bool:
    found: bool = (
        User.objects.alias(sought=Lower(field)).filter(sought=Lower(models.Value(value))).exists()
    )
    return found


def _is_valid(name: str, value: str) -> bool:
    """Whether a field of users may have this value."""
    field: Any = User._meta.get_field(name)
    try:
        field.clean(value, None)
    except ValidationError:
        return False
    return True


def _role(row: Row, note: Note) -> str:
    """The old platform's mask: from 2 a researcher, from 5 an admin."""
    mask = decimal(row, "role_mask") or 0
    return (
        User.Role.ADMIN if mask >= 5 else User.Role.RESEARCHER if mask >= 2 else User.Role.CITIZEN
    )


def _give_password(row: Row, new: User, note: Note) -> None:
    """bcrypt of `password_digest`, else the SHA-1 that `old_data` has kept from before it."""
    old = loose(json_object, row, "old_data", note) or {}
    for digest in (row["password_digest"], str(old.get("password") or "")):
        if digest:
            try:
                new.password = from_old_platform(digest)
            except ValueError:
                continue
            return
    new.set_unusable_password()
    note("password_digest", "is no hash that can be checked: the user has to reset the password")
