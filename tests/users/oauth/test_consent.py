"""The consent page: what it says, what it decides, and where it never leads."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import AccessToken, Grant

from apps.users.models import User
from tests.users.oauth.conftest import App, Browser, Register, decide, led_back


@pytest.fixture
def app(register: Register) -> App:
    """A confidential application of alice's."""
    return register()


def test_it_says_who_asks_for_what_and_where_it_leads(
    app: App, bob: User, browser: Browser
) -> None:
    shown = browser(bob).get("/oauth/authorize", app.asks(scope="public readings"))
    page = shown.content.decode()
    for words in ("Noise Map", "alice", "app.example", "<strong>bob</strong>"):
        assert words in page
    assert "Read your profile" in page and "Send readings" in page
    assert "delete your devices" not in page, "not asked for"
    assert "<script" not in page and "style=" not in page
    assert "no-store" in shown["Cache-Control"]
    assert "frame-ancestors 'none'" in shown["Content-Security-Policy"]


def test_a_name_is_text_whatever_is_in_it(register: Register, bob: User, browser: Browser) -> None:
    app = register(name="<script>alert(1)</script>")
    page = browser(bob).get("/oauth/authorize", app.asks()).content.decode()
    assert "<script>" not in page and "&lt;script&gt;" in page


def test_who_is_not_signed_in_signs_in_first_and_comes_back(app: App) -> None:
    answer = Client().get("/oauth/authorize", app.asks())
    assert answer.status_code == 302
    assert answer["Location"].startswith("/ui/sign_in?next=/oauth/authorize%3F")


def test_deny_leads_back_with_a_refusal(app: App, bob: User, browser: Browser) -> None:
    for decision in ("deny", "", "Allow"):
        back = led_back(decide(browser(bob), app.asks(), decision))
        assert back["error"] == "access_denied"
        assert (back["state"], back["iss"]) == ("s1", "http://localhost:8000")
    assert not Grant.objects.exists()


def test_a_decision_without_its_csrf_token_is_refused_by_a_page(
    app: App, bob: User, browser: Browser
) -> None:
    window = browser(bob)
    where = window.get("/oauth/authorize", app.asks()).context["here"]
    answer = window.post(where, {"decision": "allow"})
    assert answer.status_code == 403
    assert answer["Content-Type"].startswith("text/html")
    assert not Grant.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "asked",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/cb"},
        {"redirect_uri": "https://app.example/cb/other"},
        {"redirect_uri": "https://app.example.evil.example/cb"},
        {"redirect_uri": "https://app.example@evil.example/cb"},
        {"redirect_uri": "https://app.example/cb#x"},
        {"redirect_uri": "https://app.example/cb?a=b"},
        {"redirect_uri": "http://app.example/cb"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "//evil.example"},
        {"redirect_uri": "https://app.example\\@evil.example/cb"},
        {"redirect_uri": "https://evil.example/cb", "response_type": "nonsense"},
        {"redirect_uri": "https://evil.example/cb", "response_type": "token"},
    ],
)
def test_a_wrong_application_or_address_is_a_page_that_leads_nowhere(
    method: str, asked: dict[str, Any], app: App, bob: User
) -> None:
    signed_in = Client()
    signed_in.force_login(bob)
    for window in (signed_in, Client()):
        answer = (
            getattr(window, method)(
                "/oauth/authorize", query_params=app.asks(**asked), data={"decision": "deny"}
            )
            if method == "post"
            else window.get("/oauth/authorize", app.asks(**asked))
        )
        assert answer.status_code == 400, answer.content
        assert "Location" not in answer
        assert answer["Content-Type"].startswith("text/html")
        assert b"made a mistake" in answer.content


@pytest.mark.parametrize(
    "query", ["client_id=%zz", "client_id=a&client_id=b", "%FF=1", "client_id=é&state=%E9", ""]
)
def test_an_address_that_cannot_be_read_is_a_page_too(
    query: str, bob: User, browser: Browser
) -> None:
    answer = browser(bob).get(f"/oauth/authorize?{query}")
    assert answer.status_code == 400
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"scope": "public admin"}, "invalid_scope"),
        ({"response_type": "token"}, "unauthorized_client"),
        ({"response_type": "nonsense"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"resource": "no address"}, "invalid_target"),
    ],
)
def test_what_else_is_wrong_is_told_to_the_application(
    asked: dict[str, Any], error: str, app: App, bob: User, browser: Browser
) -> None:
    back = led_back(browser(bob).get("/oauth/authorize", app.asks(**asked)))
    assert (back["error"], back["state"]) == (error, "s1")


def test_an_application_asks_for_no_more_than_its_owner_chose(
    register: Register, bob: User, browser: Browser
) -> None:
    app = register(scopes=["public"])
    assert led_back(browser(bob).get("/oauth/authorize", app.asks(scope="write")))["error"] == (
        "invalid_scope"
    )
    code = led_back(decide(browser(bob), app.asks()))["code"]
    assert app.exchange(code).json()["scope"] == "public", "none asked for is all it may have"


def test_the_form_cannot_widen_what_was_shown(app: App, bob: User, browser: Browser) -> None:
    window = browser(bob)
    shown = window.get("/oauth/authorize", app.asks(scope="public"))
    sent = {
        "csrfmiddlewaretoken": str(shown.context["csrf_token"]),
        "decision": "allow",
        "scopes": "public write",
        "user": "1",
    }
    code = led_back(window.post(shown.context["here"], sent))["code"]
    assert app.exchange(code).json()["scope"] == "public"


def test_the_implicit_grant_gives_its_token_in_the_fragment(
    register: Register, bob: User, browser: Browser
) -> None:
    app = register(confidential=False, grant="implicit")
    asked = app.asks(response_type="token", code_challenge=None, code_challenge_method=None)
    answer = decide(browser(bob), asked)
    assert "#access_token=" in answer["Location"] and "?" not in answer["Location"]
    back = led_back(answer)
    assert back["state"] == "s1" and "refresh_token" not in back
    headers = {"Authorization": f"token {back['access_token']}"}
    assert Client().get("/v0/me", headers=headers).json()["username"] == "bob"
    assert Client().get(f"/v0/me?access_token={back['access_token']}").json()["username"] == "bob"
    denied = decide(browser(bob), asked, "deny")
    assert "#" in denied["Location"] and led_back(denied)["error"] == "access_denied"


def test_a_native_application_is_led_back_to_its_own_scheme_or_any_loopback_port(
    register: Register, bob: User, browser: Browser
) -> None:
    app = register(confidential=False, back="org.example.app:/cb http://127.0.0.1/cb")
    for back in ("org.example.app:/cb", "http://127.0.0.1:51234/cb"):
        answer = decide(browser(bob), app.asks(redirect_uri=back))
        assert answer["Location"].startswith(f"{back}?code=")


def test_only_what_an_admin_trusts_is_not_asked_about(
    app: App, bob: User, browser: Browser
) -> None:
    app.application.skip_authorization = True
    app.application.save()
    assert "code" in led_back(browser(bob).get("/oauth/authorize", app.asks()))


def test_nothing_is_asked_for_by_looking(app: App, bob: User, browser: Browser) -> None:
    browser(bob).get("/oauth/authorize", app.asks())
    browser(bob).head("/oauth/authorize", app.asks())
    assert not Grant.objects.exists() and not AccessToken.objects.exists()
