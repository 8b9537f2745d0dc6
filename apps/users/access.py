"""The access tokens of people: given for a password, taken back, one or all."""

from __future__ import annotations

import secrets
from datetime import timedelta

from django.db import transaction
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
