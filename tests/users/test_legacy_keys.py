"""Legacy API keys: each user has one, and the database alone gives none away."""

from __future__ import annotations

import re
from typing import Any

from django.db import connection

from apps.users import legacy_keys
from apps.users.models import User


def test_every_new_user_has_a_key(alice: User, bob: User, carol: User) -> None:
    keys = {legacy_keys.reveal(user) for user in (alice, bob, carol)}
    assert len(keys) == 3
    assert all(key and re.fullmatch("[0-9a-f]{32}", key) for key in keys)


def test_the_database_alone_does_not_give_a_key_away(alice: User, settings: Any) -> None:
    key = legacy_keys.reveal(alice)
    assert key
    with connection.cursor() as cursor:
        cursor.execute("SELECT users_user::text FROM users_user")
        row = cursor.fetchone()[0]
    assert key not in row
    assert key.encode().hex() not in row
    settings.ENCRYPTION_KEY = "another"
    alice.refresh_from_db()
    assert legacy_keys.reveal(alice) is None
    assert not legacy_keys.matches(alice, key)


def test_a_replaced_key_no_longer_matches(alice: User) -> None:
    former = legacy_keys.reveal(alice)
    assert former
    key = legacy_keys.rotate(alice)
    alice.refresh_from_db()
    assert key == legacy_keys.reveal(alice) != former
    assert legacy_keys.matches(alice, key)
    assert not legacy_keys.matches(alice, former)


def test_a_key_of_the_old_platform_is_kept(alice: User) -> None:
    old = "b32a8e54b11c4de5a4a351734c80a14a"  # reference: HTTP Token Authentication
    legacy_keys.assign(alice, old)
    alice.save()
    found = User.objects.get(legacy_api_key_hash=legacy_keys.lookup_hash(old))
    assert legacy_keys.reveal(found) == old


def test_a_user_without_a_key_has_none_to_show(db: None) -> None:
    user = User(username="nokey", email="nokey@example.org")
    assert legacy_keys.reveal(user) is None
    assert not legacy_keys.matches(user, "")
