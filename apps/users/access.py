"""The access tokens of people: given for a password, listed, taken back, one or all."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from oauth2_provider.models import (
    AccessToken,
    Grant,
    RefreshToken,
    set_token_value,
)

from apps.users import scopes
from apps.users.models import User

# A client that signs in by a form keeps its token for as long as people keep a phone.
SESSION_DAYS = 365
# A script that asks for a token at each run leaves no more than these.
MOST_SESSIONS = 100


@transaction.atomic
def open_session(user: User) -> str:
    """A new access token of every scope, as if the user had sent his password (contract: 2).

    Beyond `MOST_SESSIONS` the oldest end.
    """
    raw = secrets.token_hex(32)
    token = AccessToken(
        user=user,
        expires=timezone.now() + timedelta(days=SESSION_DAYS),
        scope=" ".join(sorted(scopes.every_scope())),
    )
    set_token_value(token, raw)
    token.save()
    sessions = AccessToken.objects.filter(user=user, application=None).order_by("-pk")
    oldest = sessions.values("pk")[MOST_SESSIONS:]
    AccessToken.objects.filter(pk__in=list(oldest.values_list("pk", flat=True))).delete()
    return raw


def revoke_all(user: User) -> None:
    """Take back every access token, refresh token and code by which anything acts as the user."""
    for model in (RefreshToken, AccessToken, Grant):
        model.objects.filter(user=user).delete()


@dataclass(frozen=True, slots=True)
class Access:
    """What acts for a person: an application, or (None) whatever holds the token of a sign-in."""

    pk: int
    application: str | None
    scopes: list[str]
    since: datetime
    until: datetime | None


def sessions(user: User) -> list[Access]:
    """The sign-ins of programs over the API that still count, newest first."""
    found = AccessToken.objects.filter(
        user=user, application=None, expires__gt=timezone.now()
    ).order_by("-pk")
    return [
        Access(token.pk, None, token.scope.split(), token.created, token.expires) for token in found
    ]


def allowed(user: User) -> list[Access]:
    """The applications that may act for the user, by name, with all that they may."""
    now = timezone.now()
    scopes_of: dict[int, set[str]] = {}
    since_of: dict[int, datetime] = {}
    names: dict[int, str] = {}
    refreshable = RefreshToken.objects.filter(user=user, revoked=None)
    living = AccessToken.objects.filter(user=user).exclude(application=None)
    living = living.filter(Q(expires__gt=now) | Q(pk__in=refreshable.values("access_token")))
    for token in living.select_related("application").order_by("pk"):
        application = token.application
        names[application.pk] = application.name
        scopes_of.setdefault(application.pk, set()).update(token.scope.split())
        since_of.setdefault(application.pk, token.created)
    return [
        Access(pk, names[pk], sorted(scopes_of[pk]), since_of[pk], None)
        for pk in sorted(names, key=lambda pk: (names[pk].lower(), pk))
    ]


def end_session(user: User, pk: int) -> bool:
    """End one sign-in over the API; whether there was such a one."""
    deleted, _ = AccessToken.objects.filter(user=user, application=None, pk=pk).delete()
    return bool(deleted)


@transaction.atomic
def disallow(user: User, application_id: int) -> bool:
    """Take back all by which an application acts for the user; whether there was anything."""
    taken = 0
    for model in (RefreshToken, AccessToken, Grant):
        deleted, _ = model.objects.filter(user=user, application_id=application_id).delete()
        taken += deleted
    return taken > 0
