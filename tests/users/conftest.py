"""Access tokens, and a page that tells who the server took the caller for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.urls import path
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, set_token_value
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.permissions import SignedIn
from apps.api.views import ApiView
from apps.users.authentication import Credential
from apps.users.models import User

IssueToken = Callable[..., str]


class WhoAmI(ApiView):
    """Tells the user, the kind of credential and its scopes; anyone may ask."""

    def answer(self, request: Request) -> Response:
        """Who the server took the caller for."""
        credential: Credential | None = getattr(request, "auth", None)
        return Response(
            {
                "user": request.user.get_username() or None,
                "door": credential and credential.door.name,
                "scopes": sorted(credential.scopes) if credential else None,
                "data": request.data if request.method != "GET" else None,
            }
        )

    get = post = patch = delete = answer


class Me(WhoAmI):
    """The same for users alone."""

    permission_classes = [SignedIn]


class Readings(WhoAmI):
    """The same, as an endpoint that takes readings."""

    write_scope = "readings"


urlpatterns = [
    path("who", WhoAmI.as_view()),
    path("me", Me.as_view()),
    path("readings", Readings.as_view()),
]


@pytest.fixture
def pages(settings: Any) -> None:
    """The pages above are the whole server; nobody is held up for asking often."""
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def application(alice: User) -> Application:
    """An application of alice's."""
    return Application.objects.create(name="Map", user=alice)


@pytest.fixture
def issue_token(application: Application) -> IssueToken:
    """`issue_token(bob, "public")` is an access token of bob's, stored as the library stores it."""

    def issue(user: User | None, scope: str = "public write readings", **fields: Any) -> str:
        number = AccessToken.objects.count()
        raw = f"token-{number}-of-somebody"
        expires = timezone.now() + timedelta(hours=1)
        token = AccessToken(
            user=user, scope=scope, **{"application": application, "expires": expires, **fields}
        )
        set_token_value(token, raw)
        token.save()
        assert token.token == "", "the database keeps the checksum alone"
        return raw

    return issue
