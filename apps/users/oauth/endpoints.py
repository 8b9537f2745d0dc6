"""The endpoints that applications speak to: token, revoke, introspect, and what the server can do.

They are the library's; here they get one transaction a request, the limit of requests, and errors
that speak both as RFC 6749 asks (`error`) and as every error of this server does (`id`, `message`).
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauth2_provider import views as library
from oauth2_provider.models import AccessToken
from oauth2_provider.settings import oauth2_settings
from rest_framework.exceptions import APIException, MethodNotAllowed, Throttled

from apps.api import errors
from apps.api.pages import refuse_too_many
from apps.api.renderers import to_json
from apps.users.oauth.validator import is_active


class Refused(APIException):
    """An error of RFC 6749 by its status, code (`invalid_grant`) and description."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status_code, self.error = status, error


def refuse(request: HttpRequest, error: Refused) -> HttpResponse:
    """An error as OAuth clients read it and as clients of the API do."""
    body = {"error": error.error, "error_description": str(error.detail), **errors.envelope(error)}
    answer = HttpResponse(to_json(body), status=error.status_code, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Pragma"] = "no-cache"
    if error.status_code == 401:
        answer.headers["WWW-Authenticate"] = 'Basic realm="OAuth clients"'
    return answer


@method_decorator(csrf_exempt, name="dispatch")
class Endpoint:
    """What the endpoints have in common; stands before the library's view."""

    http_method_names = ["post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer within the limit of requests and in one transaction.

        The transaction commits whatever the answer is: a refusal may revoke tokens.
        """
        if request.method not in {"POST", "OPTIONS"}:
            return errors.answer(request, MethodNotAllowed(str(request.method)))
        try:
            refuse_too_many(request, self)
        except Throttled as error:
            return errors.answer(request, error)
        if any("\0" in value for values in request.POST.lists() for value in values[1]):
            return refuse(request, Refused(400, "invalid_request", "A NUL character is no text"))
        following: Any = super()
        with transaction.atomic():
            answer: HttpResponseBase = following.dispatch(request, *args, **kwargs)
        if answer.status_code >= 400 and isinstance(answer, HttpResponse):
            return refuse(request, _told(answer))
        return answer


def _told(answer: HttpResponse) -> Refused:
    """What the library's answer says was wrong."""
    try:
        told = json.loads(answer.content or b"{}")
    except ValueError:
        told = {}
    status = answer.status_code
    error = told.get("error", "invalid_client" if status == 401 else "invalid_request")
    return Refused(status, error, told.get("error_description") or error.replace("_", " "))


class TokenView(Endpoint, library.TokenView):  # type: ignore[misc]
    """`POST /oauth/token` (RFC 6749, 3.2): codes, client credentials and refresh tokens."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The token, or what was wrong. The library's grant for devices without a screen is off."""
        grants = [*oauth2_settings.OAUTH2_GRANT_TYPES_SUPPORTED, "password"]
        if request.POST.get("grant_type") not in grants:
            return refuse(request, Refused(400, "unsupported_grant_type", "Unknown grant_type"))
        answer: HttpResponse = self.authorization_flow_token_response(request)
        return answer


class RevokeView(Endpoint, library.RevokeTokenView):  # type: ignore[misc]
    """`POST /oauth/revoke` (RFC 7009): 200 whether or not the token was one of the client's."""


class IntrospectView(Endpoint, library.IntrospectTokenView):  # type: ignore[misc]
    """`POST /oauth/introspect` (RFC 7662), for confidential applications that hold a token.

    The token is in the body alone: an address is written to logs.
    """

    def verify_request(self, request: HttpRequest) -> tuple[bool, None]:
        """No token opens this: there is no scope for it, and the library's check warns."""
        return False, None

    def unauthenticated_response(
        self, request: HttpRequest, oauthlib_request: Any = None
    ) -> HttpResponse:
        """401 without the credentials of an application (RFC 7662, 2.3)."""
        return JsonResponse(
            {"error": "invalid_client", "error_description": "Client credentials are required"},
            status=401,
        )

    @staticmethod
    def get_token_response(token_value: str | None = None) -> HttpResponse:
        """What the library says of a token; nothing works for an archived account."""
        answer: HttpResponse = library.IntrospectTokenView.get_token_response(token_value)
        told = json.loads(answer.content)
        if told.get("active") and not _works(token_value or ""):
            told = {"active": False}
        return JsonResponse(told, status=answer.status_code, headers={"Cache-Control": "no-store"})


def _works(value: str) -> bool:
    """Whether the account that answers for a token is not archived: its user's, or its owner's."""
    checksum = hashlib.sha256(value.encode()).hexdigest()
    token = AccessToken.objects.select_related("user", "application__user").get(
        token_checksum=checksum
    )
    return is_active(token.user or token.application.user)


class MetadataView(library.OAuthServerMetadataView):  # type: ignore[misc]
    """`GET /.well-known/oauth-authorization-server` (RFC 8414)."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The library's document, with what it does not know of this server."""
        told = json.loads(super().get(request, *args, **kwargs).content)
        told["response_modes_supported"] = ["query", "fragment"]
        told["service_documentation"] = f"{settings.PUBLIC_URL}/docs"
        # Who introspects has to say who he is; a public client has only its id.
        told["introspection_endpoint_auth_methods_supported"] = [
            method for method in told["token_endpoint_auth_methods_supported"] if method != "none"
        ]
        return JsonResponse(told)
