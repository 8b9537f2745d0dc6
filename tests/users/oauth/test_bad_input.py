"""Whatever is sent to the provider, the answer is never a fault of ours."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.users.models import User
from tests.users.oauth.conftest import Browser, Register

NASTY: list[Any] = [
    "",
    " ",
    "x" * 5000,
    "a\nb",
    "\x1b[31m",
    "é漢😀",
    "%zz",
    "%00",
    "a b",
    "{",
    '{"id_token": 1}',
    "[]",
    "-1",
    "https://[",
    "://",
    ["a", "b"],
]
NAMES = [
    *("client_id", "client_secret", "grant_type", "response_type", "redirect_uri", "scope"),
    *("state", "code", "code_verifier", "code_challenge", "code_challenge_method"),
    *("refresh_token", "token", "token_type_hint", "username", "password", "resource"),
    *("nonce", "claims", "prompt", "max_age", "ui_locales", "id_token_hint", "response_mode"),
    *("request", "approval_prompt", "device_code", "assertion", "display"),
]
GRANTS = [
    *("authorization_code", "client_credentials", "refresh_token", "password", "implicit"),
    *("urn:ietf:params:oauth:grant-type:device_code", "openid", "nonsense"),
]


@pytest.mark.parametrize("name", NAMES)
def test_the_endpoints_and_the_consent_page(
    name: str, register: Register, bob: User, browser: Browser, settings: Any
) -> None:
    framework = settings.REST_FRAMEWORK
    settings.REST_FRAMEWORK = {
        **framework,
        "DEFAULT_THROTTLE_RATES": {"anon": "", "user": ""},
    }
    app, public = register(), register(confidential=False)
    window = browser(bob)
    for value in NASTY:
        for asking in (app, public):
            asked = {**asking.asks(), name: value}
            assert window.get("/oauth/authorize", asked).status_code in {200, 302, 400}, value
            for endpoint in ("revoke", "introspect"):
                answer = asking.post(endpoint, **{"token": "x", name: value})
                assert answer.status_code in {200, 400, 401}, (endpoint, value)
            for grant in GRANTS:
                sent = {"grant_type": grant, "code": "x", "refresh_token": "x"}
                answer = asking.post("token", **{**sent, name: value})
                assert answer.status_code in {400, 401}, (grant, value)
                assert "error" in answer.json()


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
@pytest.mark.parametrize(
    "header", ["Basic", "Basic !", "Basic YQ==", "Basic /w==", "Bearer x", "x"]
)
def test_any_authorization_header(endpoint: str, header: str, db: None) -> None:
    sent = {"grant_type": "client_credentials", "token": "x"}
    answer = Client().post(f"/oauth/{endpoint}", sent, headers={"Authorization": header})
    assert answer.status_code in {400, 401}
    assert "error" in answer.json()


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain", "x"])
@pytest.mark.parametrize("body", [b"", b"{", b'{"grant_type": "client_credentials"}', b"\xff\xfe"])
def test_any_body(endpoint: str, kind: str, body: bytes, db: None) -> None:
    answer = Client().post(f"/oauth/{endpoint}?access_token=x", body, content_type=kind)
    assert answer.status_code in {400, 401, 415}
    assert answer.json()["id"]
