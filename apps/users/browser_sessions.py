"""The sessions of browsers: kept in the database with whose they are, listed, and ended one by one.

Django's own table does not tell whose a session is; `SESSION_ENGINE` names this module instead.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.users.models import BrowserSession, User

SIGN_IN = "sign_in"
# The first that a browser's name for itself contains: many name others after themselves.
BROWSERS = {
    **{"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"},
    **{"Firefox": "Firefox", "FxiOS": "Firefox", "Chrome": "Chrome", "CriOS": "Chrome"},
    **{"Safari": "Safari"},
}
SYSTEMS = {
    **{"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows"},
    **{"CrOS": "ChromeOS", "Mac OS X": "macOS", "Linux": "Linux"},
}


class SessionStore(DatabaseStore):
    """Django's store of sessions, which keeps whose each one is."""

    @classmethod
    def get_model_class(cls) -> type[BrowserSession]:
        """The table."""
        return BrowserSession

    def create_model_instance(self, data: dict[str, Any]) -> BrowserSession:
        """The row of a session, about to be saved."""
        row = super().create_model_instance(data)
        assert isinstance(row, BrowserSession)
        row.user_id = data.get(SESSION_KEY)
        return row


@dataclass(frozen=True, slots=True)
class SignIn:
    """A browser that is signed in: `name` ends it, and tells nobody its key."""

    name: str
    browser: str
    since: datetime | None
    until: datetime
    is_this: bool


def note(request: HttpRequest) -> None:
    """Keep in a session that has just begun when that was, and of what browser."""
    agent = request.headers.get("User-Agent", "")
    request.session[SIGN_IN] = {"at": timezone.now().isoformat(), "browser": named(agent)}


def of(user: User, this: str | None) -> list[SignIn]:
    """The browsers in which a person is signed in, the newest first; `this` is a session's key."""
    found = [
        _sign_in(row, this)
        for row in BrowserSession.objects.filter(user=user, expire_date__gt=timezone.now())
    ]
    return sorted(found, key=lambda one: (one.is_this, one.since or one.until), reverse=True)


def end(user: User, name: str) -> bool:
    """Sign out one browser of a person; whether there was such a one."""
    for row in BrowserSession.objects.filter(user=user):
        if _name(row.session_key) == name:
            row.delete()
            return True
    return False


def named(agent: str) -> str:
    """A browser and its system in words, as `Firefox, Linux`; what it does not tell is left out."""
    words = (
        next((word for mark, word in table.items() if mark in agent), "")
        for table in (BROWSERS, SYSTEMS)
    )
    return ", ".join(filter(None, words))


def _sign_in(row: BrowserSession, this: str | None) -> SignIn:
    noted: Mapping[str, str] = SessionStore().decode(row.session_data).get(SIGN_IN, {})
    return SignIn(
        _name(row.session_key),
        noted.get("browser", ""),
        parse_datetime(noted.get("at", "")),
        row.expire_date,
        row.session_key == this,
    )


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:24]
