"""Finds who sends a request: the five ways in (contract: Who may do what, Credentials).

`Authorization: Bearer T`, `Authorization: token T` and the parameter `access_token=T` carry an
OAuth access token, `Authorization: Basic …` a username or e-mail address and a password, and
`Authorization: Token token=T` a legacy API key. No cookie ever opens the API.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from oauth2_provider.models import AccessToken
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ParseError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from apps.api.compiled import Compiled
from apps.api.exceptions import CHALLENGE
from apps.users import legacy_keys, passwords, scopes
from apps.users.models import User

PARAMETER = "access_token"

# Tokens and keys are visible ASCII; nothing else is worth a look into the database.
TOKEN = re.compile(r"[\x21-\x7e]+")
LEGACY_KEY = re.compile(r'token=(?:"(?P<quoted>[^"]+)"|(?P<bare>[^"\s]+))', re.IGNORECASE)

# A body is read for its access_token where it is of these types, not compressed, and so small
# that nobody without a credential makes the server work hard by it.
BODY_TYPES = ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")
BODY_LIMIT = 1024 * 1024


class Door(Enum):
    """The kind of a credential."""

    OAUTH = "OAuth access token"
    BASIC = "HTTP Basic"
    LEGACY_KEY = "legacy API key"


class Presented(NamedTuple):
    """A credential as it came, not yet checked."""

    door: Door
    value: str


@dataclass(frozen=True)
class Credential:
    """A credential that was found good: `request.auth` of an authenticated request.

    `token` is the OAuth access token with its user and application, None for the other kinds.
    """

    door: Door
    scopes: frozenset[str]
    token: AccessToken | None = None


Found = tuple[User | AnonymousUser, Credential]


class CredentialAuthentication(BaseAuthentication):
    """DRF authentication by any of the five ways in.

    Without a credential the request is anonymous. A credential that is wrong, expired, revoked or
    of an unknown scheme is 401 and never anonymous; two different ones at once are 400. A token of
    the client-credentials grant acts as no user: `request.user` is the anonymous user while
    `request.auth` is set, so that what needs a user answers 403. So does what needs a scope that
    the credential lacks, whatever the permissions of the view.
    """

    def authenticate(self, request: Request) -> Found | None:
        """The user and the `Credential` of a request, or None without a credential."""
        presented = {*in_header(request), *in_query(request)}
        if len(presented) > 1:
            raise conflict()
        # Before the body is read: who comes with a wrong credential hears that first.
        found = verify(next(iter(presented)), request) if presented else None
        if not (more := in_body(request) - presented):
            return found
        if presented or len(more) > 1:
            raise conflict()
        return verify(more.pop(), request)

    def authenticate_header(self, request: Request) -> str:
        """The `WWW-Authenticate` of every 401 (contract: Errors)."""
        return CHALLENGE


def refused() -> AuthenticationFailed:
    """The one answer to every credential that is no good: it does not say what was wrong."""
    return AuthenticationFailed("Invalid credentials")


def conflict() -> ParseError:
    """The answer to two different credentials in one request (contract: 400)."""
    return ParseError("Two different credentials at once")


def in_header(request: Request) -> set[Presented]:
    """The credential of the Authorization header; the names of schemes are in any case."""
    header = request.headers.get("Authorization", "").strip()
    if not header:
        return set()
    scheme, _, rest = header.partition(" ")
    rest = rest.strip()
    match scheme.lower():
        case "token" if key := LEGACY_KEY.fullmatch(rest):
            return {Presented(Door.LEGACY_KEY, key["quoted"] or key["bare"])}
        case "token" | "bearer":
            return {Presented(Door.OAUTH, rest)}
        case "basic":
            return {Presented(Door.BASIC, rest)}
    raise refused()


def in_query(request: Request) -> set[Presented]:
    """The access token of the query string; an empty one is none."""
    values = request.query_params.getlist(PARAMETER)
    return {Presented(Door.OAUTH, value) for value in values if value}


def in_body(request: Request) -> set[Presented]:
    """The access token of the body; an empty one is none.

    The body is parsed by the view's own parsers, which keep the result for the view; a broken one
    is their 400. It is left alone where the view could not parse it anyway, or is large.
    """
    if request.method in SAFE_METHODS or not _is_readable(request):
        return set()
    values: list[Any] = [*request.POST.getlist(PARAMETER)]
    if isinstance(request.data, Mapping):
        values.append(request.data.get(PARAMETER))
    return {Presented(Door.OAUTH, str(value)) for value in values if value not in (None, "")}


def _is_readable(request: Request) -> bool:
    """Whether a body is of a kind that is looked into."""
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    if not length.isdecimal() or not 0 < int(length) <= BODY_LIMIT:
        return False
    media_type = (request.content_type or "").lower()
    return (
        media_type.partition(";")[0].strip() in BODY_TYPES
        and "Content-Encoding" not in request.headers
        and any(
            media_type_matches(parser.media_type, media_type) for parser in request.parsers or ()
        )
    )


def verify(presented: Presented, request: Request) -> Found:
    """Who stands behind a credential.

    Raises 401 for one that is no good, 403 without the scope, 429 after too many wrong passwords.
    """
    found = CHECKS[presented.door](presented.value, request)
    if found is None or not _is_for_us(found[1], request):
        raise refused()
    scopes.require(found[1].scopes, request, (request.parser_context or {}).get("view"))
    return found


def _oauth(value: str, request: Request) -> Found | None:
    """The user and scopes of an access token that is neither expired nor revoked: one query."""
    if not TOKEN.fullmatch(value):
        return None
    checksum = hashlib.sha256(value.encode()).hexdigest()
    token = _tokens().one(checksum)
    if token is None or token.is_expired():
        return None
    # A client-credentials token has no user, but whoever made the application answers for it.
    owner = token.user or (token.application and token.application.user)
    if owner is not None and not owner.is_active:
        return None
    credential = Credential(Door.OAUTH, frozenset(token.scope.split()), token)
    return token.user or AnonymousUser(), credential


@functools.cache
def _tokens() -> Compiled[AccessToken]:
    """The query of access tokens: made once, since every request with a token asks it."""
    tokens = AccessToken.objects.select_related("user", "application__user")
    return Compiled(tokens, by="token_checksum")


def _basic(value: str, request: Request) -> Found | None:
    """The user of a base64 encoded `username:password`, where the password is right."""
    try:
        pair = base64.b64decode(value, validate=True).decode()
    except ValueError:  # not base64, or not UTF-8 in it
        return None
    name, colon, password = pair.partition(":")
    if not colon or not name or "\0" in pair:
        return None
    user = passwords.verified_lately(name, password, request)
    return (user, Credential(Door.BASIC, scopes.every_scope())) if user else None


def _legacy_key(value: str, request: Request) -> Found | None:
    """The user of a legacy API key."""
    if not TOKEN.fullmatch(value):
        return None
    hashed = legacy_keys.lookup_hash(value)
    user = User.objects.active().filter(legacy_api_key_hash=hashed).first()
    if user is None or not legacy_keys.matches(user, value):
        return None
    return user, Credential(Door.LEGACY_KEY, scopes.every_scope())


def _is_for_us(credential: Credential, request: Request) -> bool:
    """Whether a token may be used here: one may be bound to another server (RFC 8707)."""
    return credential.token is None or credential.token.allows_audience(
        settings.PUBLIC_URL + request.path
    )


CHECKS: dict[Door, Callable[[str, Request], Found | None]] = {
    Door.OAUTH: _oauth,
    Door.BASIC: _basic,
    Door.LEGACY_KEY: _legacy_key,
}
