"""Guessing is slow: wrong passwords are counted, per account and per address, in PostgreSQL.

Whoever had too many wrong ones in a quarter of an hour is answered 429 before a password is looked
at, right or wrong, so that he learns nothing more. Open sessions and access tokens go on. The
counts are django-axes' table; what to count and when to refuse is said here, for every door alike,
since the package's own way knows one limit and keeps the whole form that was sent.
"""

from __future__ import annotations

import functools
import ipaddress
import math
import operator
from datetime import timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Q, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from rest_framework.exceptions import Throttled
from rest_framework.throttling import BaseThrottle

from apps.api.throttling import network
from apps.users.models import User

WINDOW: timedelta = settings.AXES_COOLOFF_TIME


class Handler(AxesDatabaseHandler):  # type: ignore[misc]
    """The package's way to store a wrong password, without its way of finding out about one.

    Django's signals come for some doors alone, so that they are not listened to: `count` is called
    by `apps/users/passwords.py`, through which every door goes.
    """

    def user_login_failed(self, *args: Any, **kwargs: Any) -> None:
        """Django's signal: not listened to."""

    def user_logged_in(self, *args: Any, **kwargs: Any) -> None:
        """Django's signal: a right password takes back no wrong one, or a guesser could use his."""

    def user_logged_out(self, *args: Any, **kwargs: Any) -> None:
        """Django's signal: nothing is kept of those who sign out."""

    def record(self, account: str | None, address: str | None) -> None:
        """Count one wrong password; nothing else of the request is kept."""
        bare = HttpRequest()
        bare.META = {"REMOTE_ADDR": address}
        AxesProxyHandler.update_request(bare)
        super().user_login_failed(__name__, {"username": account}, bare)


def account_of(user: User | None, name: str) -> str:
    """What the wrong passwords of an account are counted under, however it was named.

    A name that nobody has is counted like any other, or the 429 would tell who has an account. It
    is kept as a hash: people type passwords where names belong.
    """
    if user is not None:
        return user.username.lower()
    return f"nobody {salted_hmac(__name__, name.lower(), algorithm='sha256').hexdigest()}"


def refuse(request: Any, account: str | None) -> None:
    """Raise Throttled (429) where too many were wrong, for this account or from this address.

    `account` is None for what is guessed without naming one, such as the token of a reset.
    """
    now = timezone.now()
    limits = {
        "username": (account, settings.WRONG_PASSWORDS_PER_ACCOUNT),
        "ip_address": (address_of(request), settings.WRONG_PASSWORDS_PER_ADDRESS),
    }
    mine = {name: Q(**{name: value}) for name, (value, _) in limits.items() if value is not None}
    if not mine:
        return
    lately = AccessAttempt.objects.filter(
        functools.reduce(operator.or_, mine.values()), attempt_time__gt=now - WINDOW
    )
    found = lately.aggregate(
        **{
            f"{name}_wrong": Sum("failures_since_start", filter=rows) for name, rows in mine.items()
        },
        **{f"{name}_last": Max("attempt_time", filter=rows) for name, rows in mine.items()},
    )
    for name in mine:
        if (found[f"{name}_wrong"] or 0) >= limits[name][1]:
            wait = (found[f"{name}_last"] + WINDOW - now).total_seconds()
            raise Throttled(math.ceil(wait))


def count(request: Any, account: str | None) -> None:
    """Count one wrong password, or token, from the address of a request."""
    Handler().record(account, address_of(request))


def address_of(request: Any) -> str | None:
    """The address that a request came from; the /64 that it is in, where it is of IPv6.

    None where there is no request, such as in a shell, or it came over a socket of this machine.
    """
    if request is None:
        return None
    client = network(BaseThrottle().get_ident(request)).partition("/")[0]
    try:
        return str(ipaddress.ip_address(client))
    except ValueError:  # a socket of this machine has none
        return None
