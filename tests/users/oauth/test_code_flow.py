"""The authorization code with PKCE, and everything that it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Grant, RefreshToken

from apps.users import accounts
from apps.users.models import SpentCode, User
from apps.users.oauth import tasks
from tests.users.oauth.conftest import (
    BACK,
    PKCE,
    VERIFIER,
    App,
    Browser,
    Register,
    code_for,
    decide,
    led_back,
    me,
)


@pytest.fixture
def app(register: Register) -> App:
    """A confidential application of alice's."""
    return register()


@pytest.fixture
def public_app(register: Register) -> App:
    """A public one."""
    return register(confidential=False)


def assert_refused(answer: Any, error: str, status: int = 400) -> None:
    """An error as OAuth clients read it and as clients of the API do, and no token."""
    assert answer.status_code == status, answer.content
    assert answer.json()["error"] == error
    assert {"id", "message", "errors", "url", "error_description"} <= set(answer.json())
    assert answer["Cache-Control"] == "no-store"
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("confidential", [True, False])
@pytest.mark.parametrize("slash", ["", "/"])
def test_a_code_becomes_a_token_that_acts_as_the_person(
    confidential: bool, slash: str, register: Register, bob: User, browser: Browser
) -> None:
    app = register(confidential=confidential)
    shown = browser(bob).get(f"/oauth/authorize{slash}", app.asks())
    assert shown.status_code == 200
    back = led_back(decide(browser(bob), app.asks()))
    assert (back["state"], back["iss"]) == ("s1", "http://localhost:8000")
    answer = app.exchange(back["code"])
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["token_type"] == "Bearer"
    assert body["scope"].split() == ["public", "write", "readings"], "none asked for is all"
    assert me(body["access_token"]).json()["username"] == "bob"
    stored = AccessToken.objects.get()
    assert (stored.token, RefreshToken.objects.get().token) == ("", "")


def test_a_token_has_the_scopes_that_were_asked_for_alone(
    app: App, bob: User, browser: Browser
) -> None:
    token = app.exchange(code_for(app, browser(bob), scope="public")).json()["access_token"]
    assert me(token).status_code == 200
    headers = {"Authorization": f"Bearer {token}"}
    answer = Client().patch("/v0/me", {"city": "Girona"}, "application/json", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["message"] == "The token lacks the scope 'write'"


def test_a_code_works_once_and_the_second_time_ends_what_it_gave(
    app: App, bob: User, browser: Browser
) -> None:
    code = code_for(app, browser(bob))
    first = app.exchange(code).json()
    newer = app.refresh(first["refresh_token"]).json()
    assert_refused(app.exchange(code), "invalid_grant")
    assert me(newer["access_token"]).status_code == 401
    assert app.refresh(newer["refresh_token"]).status_code == 400


def test_a_code_is_worthless_to_another_application(
    app: App, register: Register, bob: User, browser: Browser
) -> None:
    other = register(user=bob)
    code = code_for(app, browser(bob))
    assert_refused(other.exchange(code), "invalid_grant")
    token = app.exchange(code).json()["access_token"]
    other.exchange(code)
    assert me(token).status_code == 200, "another's second try revokes nothing"


def test_an_expired_code_is_refused(app: App, bob: User, browser: Browser) -> None:
    code = code_for(app, browser(bob))
    Grant.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert_refused(app.exchange(code), "invalid_grant")


@pytest.mark.parametrize(
    "verifier", ["another-verifier-of-forty-three-characters-or-more", "x", None]
)
def test_a_wrong_verifier_is_refused(
    verifier: str | None, public_app: App, bob: User, browser: Browser
) -> None:
    answer = public_app.exchange(code_for(public_app, browser(bob)), code_verifier=verifier)
    assert_refused(answer, "invalid_request" if verifier is None else "invalid_grant")


def test_a_confidential_application_may_use_pkce_and_is_held_to_it(
    app: App, bob: User, browser: Browser
) -> None:
    code = code_for(app, browser(bob), **PKCE)
    assert_refused(app.exchange(code, code_verifier="x" * 43), "invalid_grant")
    assert app.exchange(code, code_verifier=VERIFIER).status_code == 200


def test_a_verifier_whose_challenge_was_taken_away_is_refused(
    app: App, bob: User, browser: Browser
) -> None:
    code = code_for(app, browser(bob))
    assert_refused(app.exchange(code, code_verifier=VERIFIER), "invalid_grant")


@pytest.mark.parametrize(
    "asked",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
    ],
)
def test_a_public_application_needs_pkce_by_s256(
    asked: dict[str, None], public_app: App, bob: User, browser: Browser
) -> None:
    back = led_back(browser(bob).get("/oauth/authorize", public_app.asks(**asked)))
    assert (back["error"], back["state"]) == ("invalid_request", "s1")


@pytest.mark.parametrize("secret", ["wrong", "", None])
def test_a_wrong_secret_is_refused(
    secret: str | None, app: App, bob: User, browser: Browser
) -> None:
    answer = app.exchange(code_for(app, browser(bob)), client_secret=secret)
    assert_refused(answer, "invalid_client", 401)
    assert answer["WWW-Authenticate"].startswith("Basic")


def test_another_redirect_uri_at_the_exchange_is_refused(
    register: Register, bob: User, browser: Browser
) -> None:
    app = register(back=f"{BACK} https://app.example/other")
    answer = app.exchange(code_for(app, browser(bob)), redirect_uri="https://app.example/other")
    assert_refused(answer, "invalid_request")


def test_no_token_is_given_for_an_archived_account(app: App, bob: User, browser: Browser) -> None:
    code = code_for(app, browser(bob))
    accounts.archive(bob)
    assert_refused(app.exchange(code), "invalid_grant")


def test_an_archived_account_is_not_refreshed_either(app: App, bob: User, browser: Browser) -> None:
    tokens = app.exchange(code_for(app, browser(bob))).json()
    accounts.archive(bob)
    assert me(tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    told = app.post("introspect", token=tokens["access_token"]).json()
    assert told == {"active": False}


def test_a_refresh_token_is_replaced_and_its_return_ends_the_family(
    public_app: App, bob: User, browser: Browser
) -> None:
    first = public_app.exchange(code_for(public_app, browser(bob))).json()
    second = public_app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]
    assert me(first["access_token"]).status_code == 401
    assert me(second["access_token"]).status_code == 200
    again = public_app.refresh(first["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert me(second["access_token"]).status_code == 401
    assert public_app.refresh(second["refresh_token"]).status_code == 400


def test_another_application_can_do_nothing_with_a_refresh_token(
    app: App, register: Register, bob: User, browser: Browser
) -> None:
    other = register(user=bob)
    tokens = app.exchange(code_for(app, browser(bob))).json()
    newer = app.refresh(tokens["refresh_token"]).json()
    for token in (tokens["refresh_token"], newer["refresh_token"]):
        assert other.refresh(token).json()["error"] == "invalid_grant"
    assert me(newer["access_token"]).status_code == 200


def test_a_refresh_may_ask_for_less_and_never_for_more(
    app: App, bob: User, browser: Browser
) -> None:
    tokens = app.exchange(code_for(app, browser(bob), scope="public readings")).json()
    more = app.refresh(tokens["refresh_token"], scope="public write")
    assert (more.status_code, more.json()["error"]) == (400, "invalid_scope")
    less = app.refresh(tokens["refresh_token"], scope="public")
    assert less.json()["scope"] == "public"


def test_what_is_expired_is_forgotten_and_what_works_stays(
    app: App, bob: User, browser: Browser
) -> None:
    code_for(app, browser(bob))
    old = timezone.now() - timedelta(days=400)
    Grant.objects.update(expires=old)
    tokens = app.exchange(code_for(app, browser(bob))).json()
    SpentCode.objects.create(
        checksum="old",
        application=app.application,
        token_family=SpentCode.objects.get().token_family,
        created_at=old,
    )
    tasks.forget_expired()
    assert not Grant.objects.exists()
    assert SpentCode.objects.exclude(checksum="old").count() == SpentCode.objects.count() == 1
    assert me(tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200
