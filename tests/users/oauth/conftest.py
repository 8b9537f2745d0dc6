"""Applications, browsers that are signed in, and the steps of the code flow."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from oauth2_provider.models import Application

from apps.users.models import User
from apps.users.oauth import applications

BACK = "https://app.example/cb"
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0123456789"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}


class App:
    """An application with its secret, and what it does."""

    def __init__(self, application: Application, secret: str | None) -> None:
        self.application, self.secret = application, secret
        self.id: str = application.client_id
        self.client = Client()

    def asks(self, **parameters: Any) -> dict[str, str]:
        """The query of an authorization request; None leaves a parameter out."""
        usual = {"client_id": self.id, "response_type": "code", "redirect_uri": BACK, "state": "s1"}
        pkce = {} if self.secret else PKCE
        return {k: v for k, v in {**usual, **pkce, **parameters}.items() if v is not None}

    def post(self, endpoint: str, **parameters: Any) -> Any:
        """An answer of `/oauth/…` to the application, which says who it is in the body."""
        who = {"client_id": self.id} | ({"client_secret": self.secret} if self.secret else {})
        sent = {k: v for k, v in {**who, **parameters}.items() if v is not None}
        return self.client.post(f"/oauth/{endpoint}", sent)

    def exchange(self, code: str, **parameters: Any) -> Any:
        """The answer to a code."""
        verifier = {} if self.secret else {"code_verifier": VERIFIER}
        sent = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
        return self.post("token", **{**sent, **verifier, **parameters})

    def refresh(self, token: str, **parameters: Any) -> Any:
        """The answer to a refresh token."""
        return self.post("token", grant_type="refresh_token", refresh_token=token, **parameters)


Register = Callable[..., App]
Browser = Callable[[User], Client]


@pytest.fixture
def register(alice: User) -> Register:
    """`register(confidential=False)` is an application of alice's; `user` says another owner."""

    def make(
        confidential: bool = True,
        grant: str = "authorization_code",
        user: User | None = alice,
        back: str = BACK,
        **values: Any,
    ) -> App:
        kind = Application.CLIENT_CONFIDENTIAL if confidential else Application.CLIENT_PUBLIC
        fields = {"name": "Noise Map", "redirect_uris": back, "client_type": kind}
        fields |= {"authorization_grant_type": applications.GRANTS[grant], **values}
        return App(*applications.register(user, **fields))  # type: ignore[arg-type]

    return make


@pytest.fixture
def browser() -> Browser:
    """`browser(bob)` is a browser in which bob is signed in; forms need their CSRF token."""

    def sign_in(user: User) -> Client:
        client = Client(enforce_csrf_checks=True)
        client.force_login(user)
        return client

    return sign_in


def decide(browser: Client, asked: dict[str, str], decision: str = "allow") -> Any:
    """The answer to the decision of the person before `browser` on what an application asks."""
    shown = browser.get("/oauth/authorize", asked)
    assert shown.status_code == 200, shown.content
    token = shown.context["csrf_token"]
    return browser.post(
        shown.context["here"], {"csrfmiddlewaretoken": str(token), "decision": decision}
    )


def led_back(answer: Any) -> dict[str, str]:
    """What an answer leads back to the application with, in the query or the fragment."""
    assert answer.status_code == 302, answer.content
    parts = urlsplit(answer["Location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == BACK
    return dict(parse_qsl(parts.query)) | dict(parse_qsl(parts.fragment))


def code_for(app: App, browser: Client, **asked: Any) -> str:
    """A code that the person before `browser` allowed."""
    return led_back(decide(browser, app.asks(**asked)))["code"]


def me(token: str) -> Any:
    """The answer of `/v0/me` to a token."""
    return Client().get("/v0/me", headers={"Authorization": f"Bearer {token}"})
