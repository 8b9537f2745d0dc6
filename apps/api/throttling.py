"""How often one client may ask (contract: 429); the counters live in the cache."""

from __future__ import annotations

import functools
import ipaddress
import math
import time
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django_redis import get_redis_connection
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:  # the framework's views import this room: settings name it
    from rest_framework.views import APIView

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
# Roles that may ask as often as they like: those who work through the whole data set.
UNLIMITED_ROLES = {"researcher", "admin"}
# A household or a server has a whole /64 of IPv6 addresses to choose from.
IPV6_PREFIX = 64


class RequestThrottle(BaseThrottle):
    """Counts requests in fixed windows: of users by id, of others by the client's address.

    The rates are `THROTTLE_ANON` and `THROTTLE_USER`; an empty one is no limit. One round trip to
    the cache for a request, two for the first of a window. Without the cache all is let through.
    A view opts out by `throttle_classes = []`, as `/add` does: an old kit forgets what is refused.
    """

    _window = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether this request is within the limit; counts it."""
        user = request.user
        if user and user.is_authenticated:
            if getattr(user, "role", None) in UNLIMITED_ROLES:
                return True
            scope, client = "user", str(user.pk)
        else:
            scope, client = "anon", network(self.get_ident(request))
        rate = api_settings.DEFAULT_THROTTLE_RATES.get(scope)
        if not rate:
            return True
        limit, self._window = parsed_rate(rate)
        number = int(time.time()) // self._window
        counted = count(f"throttle:{scope}:{client}:{number}", self._window)
        return counted is None or counted <= limit

    def wait(self) -> float:
        """Seconds until the next window begins (Retry-After)."""
        return math.ceil(self._window - time.time() % self._window)


class FloodThrottle(BaseThrottle):
    """Counts the POSTs of one address, whoever is signed in, to a view that says `flood_rate`.

    A view that costs much to read says `flood_methods = ("GET",)`.
    For what anyone may ask and nobody needs often: beside `RequestThrottle`, never in its place.
    """

    _window = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Whether this POST is within the rate of the view; counts it."""
        if request.method not in getattr(view, "flood_methods", ("POST",)):
            return True
        limit, self._window = parsed_rate(view.flood_rate)  # type: ignore[attr-defined]
        client = network(self.get_ident(request))
        number = int(time.time()) // self._window
        counted = count(f"flood:{type(view).__name__}:{client}:{number}", self._window)
        return counted is None or counted <= limit

    def wait(self) -> float:
        """Seconds until the next window begins (Retry-After)."""
        return math.ceil(self._window - time.time() % self._window)


@functools.cache
def parsed_rate(rate: str) -> tuple[int, int]:
    """How many requests in how many seconds: `150/min` is `(150, 60)`; settings checked it."""
    limit, _, period = rate.partition("/")
    return int(limit), SECONDS[period[0]]


def network(address: str | None) -> str:
    """What counts as one client: an IPv4 address, an IPv6 /64, or whatever else was given."""
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return (address or "unknown")[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((int(ip), IPV6_PREFIX), strict=False))
    return str(ip)


def count(key: str, seconds: int) -> int | None:
    """Count one more under `key`, which is forgotten after `seconds`; None without the cache.

    Asked of Redis itself: the cache's `incr` sends a script, since it must not begin a count.
    """
    name = cache.make_key(key)
    try:
        redis: Any = get_redis_connection("default")
        counted: int = redis.incr(name)
        if counted == 1:
            redis.expire(name, seconds)
    except RedisError:
        return None
    return counted
