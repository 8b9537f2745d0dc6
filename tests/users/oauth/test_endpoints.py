"""Client credentials, revoke, introspect, metadata, and what the endpoints have in common."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken
from rest_framework.settings import api_settings

from apps.users import accounts
from apps.users.models import User
from tests.users.oauth.conftest import App, Browser, Register, code_for, me


@pytest.fixture
def app(register: Register) -> App:
    """A confidential application of alice's."""
    return register()


@pytest.fixture
def robot(register: Register) -> App:
    """One that acts for nobody."""
    return register(grant="client_credentials", back="")


def test_client_credentials_act_as_no_user(robot: App) -> None:
    answer = robot.post("token", grant_type="client_credentials")
    assert answer.status_code == 200, answer.content
    token = answer.json()["access_token"]
    assert "refresh_token" not in answer.json()
    assert me(token).status_code == 403
    headers = {"Authorization": f"Bearer {token}"}
    assert Client().get("/v0/devices", headers=headers).status_code == 200
    assert Client().get("/v0/applications", headers=headers).status_code == 403


def test_client_credentials_come_by_basic_too(robot: App) -> None:
    pair = base64.b64encode(f"{robot.id}:{robot.secret}".encode()).decode()
    answer = Client().post(
        "/oauth/token/",
        {"grant_type": "client_credentials", "scope": "public"},
        headers={"Authorization": f"Basic {pair}"},
    )
    assert answer.json()["scope"] == "public"


def test_an_application_has_the_grant_that_its_owner_chose_alone(app: App, robot: App) -> None:
    for answer in (
        app.post("token", grant_type="client_credentials"),
        app.post("token", grant_type="password", username="alice", password="alicealice"),
        robot.post("token", grant_type="authorization_code", code="x"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    answer = app.post("token", grant_type="nonsense")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    assert not AccessToken.objects.exists()


def test_an_archived_owners_application_gets_no_token_of_its_own(robot: App, alice: User) -> None:
    token = robot.post("token", grant_type="client_credentials").json()["access_token"]
    accounts.archive(alice)
    answer = robot.post("token", grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")
    assert robot.post("introspect", token=token).json() == {"active": False}


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("confidential", [True, False])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token", "nonsense"])
def test_a_revoked_token_is_worthless_and_so_is_its_pair(
    which: str,
    hint: str | None,
    confidential: bool,
    register: Register,
    bob: User,
    browser: Browser,
) -> None:
    app = register(confidential=confidential)
    tokens = app.exchange(code_for(app, browser(bob))).json()
    answer = app.post("revoke", token=tokens[which], token_type_hint=hint)
    assert answer.status_code == 200, answer.content
    assert me(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 400


def test_a_token_of_another_application_stays(
    app: App, register: Register, bob: User, browser: Browser
) -> None:
    other = register(user=bob)
    tokens = app.exchange(code_for(app, browser(bob))).json()
    for token in (tokens["access_token"], tokens["refresh_token"], "unknown"):
        assert other.post("revoke", token=token).status_code == 200, "it is not told"
    assert me(tokens["access_token"]).status_code == 200
    wrong = app.post("revoke", token=tokens["access_token"], client_secret="wrong")
    assert wrong.status_code == 401
    assert me(tokens["access_token"]).status_code == 200


def test_introspection_tells_an_application_of_a_token(
    app: App, bob: User, browser: Browser
) -> None:
    tokens = app.exchange(code_for(app, browser(bob), scope="public")).json()
    told = app.post("introspect", token=tokens["access_token"]).json()
    assert told["active"] is True
    assert (told["scope"], told["username"], told["client_id"]) == ("public", "bob", app.id)
    assert app.post("introspect", token="unknown").json() == {"active": False}
    assert app.post("introspect").status_code == 400


def test_introspection_is_for_applications_with_a_secret(
    app: App, register: Register, bob: User, browser: Browser
) -> None:
    token = app.exchange(code_for(app, browser(bob))).json()["access_token"]
    public = register(confidential=False)
    answers = [
        app.post("introspect", token=token, client_secret="wrong"),
        public.post("introspect", token=token),
        public.post("introspect", token=token, client_secret=""),
        Client().post("/oauth/introspect", {"token": token}),
        Client().post(
            "/oauth/introspect", {"token": token}, headers={"Authorization": f"Bearer {token}"}
        ),
    ]
    for answer in answers:
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_metadata_names_what_there_is(slash: str, db: None, settings: Any) -> None:
    answer = Client().get(
        f"/.well-known/oauth-authorization-server{slash}",
        headers={"Origin": "https://map.example"},
    )
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = answer.json()
    here = settings.PUBLIC_URL
    assert told["issuer"] == here
    assert told["authorization_endpoint"] == f"{here}/oauth/authorize"
    assert told["token_endpoint"] == f"{here}/oauth/token"
    assert told["revocation_endpoint"] == f"{here}/oauth/revoke"
    assert told["introspection_endpoint"] == f"{here}/oauth/introspect"
    assert told["scopes_supported"] == ["public", "readings", "write"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code", "token"]
    assert told["grant_types_supported"] == [
        "authorization_code",
        "implicit",
        "client_credentials",
        "refresh_token",
    ]
    assert "none" in told["token_endpoint_auth_methods_supported"]
    assert "none" not in told["introspection_endpoint_auth_methods_supported"]


@pytest.mark.parametrize(
    ("path", "readable"),
    [
        ("/oauth/token", True),
        ("/oauth/token/", True),
        ("/oauth/revoke", True),
        ("/.well-known/oauth-authorization-server", True),
        ("/v0/applications", True),
        ("/oauth/introspect", False),
        ("/oauth/authorize", False),
        ("/oauth/applications", False),
        ("/oauth/applications/new", False),
        ("/ui/sign_in", False),
        ("/admin/login/", False),
    ],
)
def test_programs_in_browsers_reach_what_is_for_them(path: str, readable: bool, db: None) -> None:
    headers = {"Origin": "https://map.example", "Access-Control-Request-Method": "POST"}
    for answer in (Client().options(path, headers=headers), Client().get(path, headers=headers)):
        assert ("Access-Control-Allow-Origin" in answer.headers) is readable
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("endpoint", ["token", "revoke", "introspect"])
def test_the_endpoints_take_post_alone_and_no_text_with_nul(endpoint: str, app: App) -> None:
    answer = Client().get(f"/oauth/{endpoint}?token=x")
    assert (answer.status_code, answer.json()["id"]) == (405, "method_not_allowed")
    sent = {"token": "a\0b", "code": "a\0b", "grant_type": "authorization_code"}
    answer = app.post(endpoint, **sent)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_who_asks_for_tokens_too_often_waits(robot: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {"anon": "2/min", "user": ""})
    for _ in range(2):
        assert robot.post("token", grant_type="client_credentials").status_code == 200
    answer = robot.post("token", grant_type="client_credentials")
    assert (answer.status_code, answer.json()["id"]) == (429, "too_many_requests")
    assert int(answer["Retry-After"]) > 0


def test_the_secret_is_stored_as_a_hash_that_is_quick_to_check(app: App) -> None:
    stored = app.application.client_secret
    assert stored.startswith("client_secret$") and str(app.secret) not in stored


@pytest.mark.parametrize("resource", ["https://[", "no address", "https://a.example/#x"])
def test_a_token_is_bound_to_a_proper_address_or_not_given(resource: str, robot: App) -> None:
    answer = robot.post("token", grant_type="client_credentials", resource=resource)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_target")
    assert not AccessToken.objects.exists()
