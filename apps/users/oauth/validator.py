"""The rules of the provider beyond the library's: whom it trusts, and what it refuses."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from oauth2_provider.models import Application, Grant, RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator, is_valid_resource_uri
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error

from apps.users.models import SpentCode, User


def checksum(code: str) -> str:
    """What is kept of an authorization code that was exchanged."""
    return hashlib.sha256(code.encode()).hexdigest()


def is_active(user: User | None) -> bool:
    """Whether a user, where there is one, still has an account (contract: DELETE /v0/me)."""
    return user is None or user.is_active


def refuse_bad_resources(uris: Iterable[str], state: str | None = None) -> None:
    """Raise `invalid_target` where one is no absolute address (RFC 8707, 2).

    The library's own check raises ValueError for some that no address can be made of.
    """
    for uri in uris:
        try:
            good = is_valid_resource_uri(uri)
        except ValueError:
            good = False
        if not good:
            words = "resource must be an absolute address"
            raise CustomOAuth2Error("invalid_target", words, state=state)


class Validator(OAuth2Validator):  # type: ignore[misc]
    """What the library asks about a request for a code or a token.

    The endpoints run it in one transaction (`endpoints.TokenView`), so that the rows that it locks
    stay locked until the answer is decided: of two exchanges of one code, or two uses of one
    refresh token, at the same moment, the second sees what the first did.
    """

    def is_pkce_required(self, client_id: str, request: Request) -> bool:
        """Public clients have no secret, so the code is bound by PKCE (contract: OAuth 2.0)."""
        return bool(request.client.client_type == Application.CLIENT_PUBLIC)

    def _validate_implicit_response_type(self, client: Application) -> bool:
        """The implicit grant, for the applications that have it; the library's warns each time."""
        return bool(client.allows_grant_type(Application.GRANT_IMPLICIT))

    def _validate_resource_uris(self, request: Request, resources: list[str]) -> None:
        """See `refuse_bad_resources`."""
        refuse_bad_resources(resources)

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Request, *args: Any, **kw: Any
    ) -> bool:
        """Whether the client may use a grant; an archived owner's client gets no own token."""
        if grant_type == "client_credentials" and not is_active(request.client.user):
            return False
        return bool(
            super().validate_grant_type(client_id, grant_type, client, request, *args, **kw)
        )

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *args: Any, **kw: Any
    ) -> bool:
        """Whether a code may be exchanged, once, by the client it was made for.

        A second exchange revokes what the first one gave (RFC 6749, 4.1.2), since one of the two
        is a thief. A verifier without a challenge is refused (RFC 9700, 2.1.1): somebody took the
        challenge away on the way here.
        """
        grant = Grant.objects.select_for_update(of=("self",)).filter(code=code, application=client)
        found = grant.select_related("user").first()
        if found is None:
            revoke_what_came_of(code, client)
            return False
        if not is_active(found.user) or (request.code_verifier and not found.code_challenge):
            return False
        return bool(super().validate_code(client_id, code, client, request, *args, **kw))

    def invalidate_authorization_code(
        self, client_id: str, code: str, request: Request, *args: Any, **kw: Any
    ) -> None:
        """Delete a code that was exchanged, and note what came of it."""
        super().invalidate_authorization_code(client_id, code, request, *args, **kw)
        SpentCode.objects.create(
            checksum=checksum(code),
            application=request.client,
            token_family=request.token_family,
        )

    def _create_refresh_token(
        self, request: Request, code: str, access_token: Any, previous: Any
    ) -> Any:
        """The library's, whose family is noted for the code that it came of."""
        made = super()._create_refresh_token(request, code, access_token, previous)
        request.token_family = made.token_family
        return made

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Request, *args: Any, **kw: Any
    ) -> bool:
        """Whether a refresh token may be used: never one of an archived account's.

        Its rows are locked first. The library decides before it locks, and would answer two uses
        at the same moment with an empty token, since it keeps no token that it could give again.
        """
        digest = hashlib.sha256(refresh_token.encode()).hexdigest()
        rows = RefreshToken.objects.select_for_update(of=("self",)).filter(token_checksum=digest)
        # Of a token of another client nothing is said and nothing is revoked (RFC 6749, 6).
        if any(row.application_id != client.pk for row in rows):
            return False
        good = super().validate_refresh_token(refresh_token, client, request, *args, **kw)
        return bool(good) and is_active(request.user)


def revoke_what_came_of(code: str, application: Application) -> None:
    """Revoke every token that came of a code which this application had exchanged before."""
    spent = SpentCode.objects.filter(checksum=checksum(code), application=application).first()
    if spent:
        RefreshToken.revoke_family(spent.token_family)
