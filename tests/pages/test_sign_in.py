"""`/ui/sign_in`, `/ui/sign_up` and `/ui/sign_out`, and what errors look like there."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.exceptions import Throttled
from rest_framework.settings import api_settings

from apps.pages import views
from apps.users import accounts
from apps.users.models import User

DORA = {"username": "dora", "email": "dora@example.org", "password": "doradora"}


@pytest.fixture
def browser(db: None) -> Client:
    """A browser, whose forms need their CSRF token."""
    return Client(enforce_csrf_checks=True)


def send(browser: Client, page: str, **fields: Any) -> Any:
    """Fill in and send the form of a page."""
    shown = browser.get(page)
    token = str(shown.context["csrf_token"])
    sent = {"csrfmiddlewaretoken": token, "next": shown.context["next"], **fields}
    return browser.post(page.partition("?")[0], sent)


def who(browser: Client) -> str | None:
    """Who is signed in."""
    key = browser.session.get("_auth_user_id")
    return User.objects.get(pk=key).username if key else None


@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org", " alice "])
def test_a_name_and_the_password_sign_in(name: str, alice: User, browser: Client) -> None:
    answer = send(browser, "/ui/sign_in", username=name, password="alicealice")
    assert (answer.status_code, answer["Location"]) == (302, "/ui/me")
    assert who(browser) == "alice"
    cookie = browser.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"


@pytest.mark.parametrize(
    ("name", "password"),
    [("alice", "wrong"), ("nobody", "alicealice"), ("alice", ""), ("", ""), ("a\0b", "x")],
)
def test_anything_else_does_not_and_does_not_tell_what_was_wrong(
    name: str, password: str, alice: User, browser: Client
) -> None:
    answer = send(browser, "/ui/sign_in", username=name, password=password)
    assert answer.status_code == 422
    assert b"The name or the password is incorrect." in answer.content
    assert who(browser) is None
    if password:
        assert f'value="{password}"'.encode() not in answer.content


def test_an_archived_account_is_not_signed_in_nor_stays_so(alice: User, browser: Client) -> None:
    send(browser, "/ui/sign_in", username="alice", password="alicealice")
    accounts.archive(alice)
    assert browser.get("/oauth/applications")["Location"].startswith("/ui/sign_in")
    answer = send(browser, "/ui/sign_in", username="alice", password="alicealice")
    assert answer.status_code == 422


def test_signing_in_gives_the_session_a_new_key(alice: User, browser: Client) -> None:
    session = browser.session
    session["foisted"] = "on the victim"
    session.save()
    foisted = session.session_key
    browser.cookies["sessionid"] = str(foisted)
    send(browser, "/ui/sign_in", username="alice", password="alicealice")
    assert browser.session.session_key != foisted
    assert Client(cookies={"sessionid": str(foisted)}).session.get("_auth_user_id") is None


NEXT = "/oauth/authorize?client_id=a&state=b%20c"


@pytest.mark.parametrize("page", ["/ui/sign_in", "/ui/sign_up"])
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (NEXT, NEXT),
        ("http://testserver/ui/x", "http://testserver/ui/x"),
        ("https://evil.example/", None),
        ("//evil.example/", None),
        ("///evil.example/", None),
        ("/\\evil.example", None),
        ("http:evil.example", None),
        ("javascript:alert(1)", None),
        ("https://testserver@evil.example/", None),
        ("", None),
    ],
)
def test_it_leads_on_to_this_site_alone(
    page: str, wanted: str, found: str | None, alice: User, browser: Client
) -> None:
    shown = browser.get(page, {"next": wanted})
    assert shown.context["next"] == (found or "")
    fields = DORA if page == "/ui/sign_up" else {"username": "alice", "password": "alicealice"}
    token = str(shown.context["csrf_token"])
    answer = browser.post(page, {**fields, "csrfmiddlewaretoken": token, "next": wanted})
    assert (answer.status_code, answer["Location"]) == (302, found or "/ui/me")
    again = browser.get(page, {"next": wanted})
    assert again["Location"] == (found or "/ui/me"), "signed in already"


def test_each_form_leads_to_the_other_with_where_one_is_going(browser: Client) -> None:
    for page, other in (("/ui/sign_in", "/ui/sign_up"), ("/ui/sign_up", "/ui/sign_in")):
        shown = browser.get(page, {"next": NEXT}).content.decode()
        assert (
            f'href="{other}?next=%2Foauth%2Fauthorize%3Fclient_id%3Da%26state%3Db%2520c"' in shown
        )


def test_anyone_signs_up_and_is_signed_in(browser: Client) -> None:
    answer = send(
        browser, f"/ui/sign_up?next={NEXT.replace('&', '%26').replace('%20', '%2520')}", **DORA
    )
    assert (answer.status_code, answer["Location"]) == (302, NEXT)
    assert who(browser) == "dora"
    user = User.objects.get(username="dora")
    assert (user.email, user.role) == ("dora@example.org", "citizen")
    assert user.check_password("doradora")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"username": "ALICE"}, "Username has already been taken"),
        ({"email": "Alice@Example.org"}, "E-mail address has already been taken"),
        ({"username": "12345"}, "Username is invalid"),
        ({"username": "ab"}, "Username is too short (minimum is 3 characters)"),
        ({"email": "nowhere"}, "E-mail address is invalid"),
        ({"password": "short"}, "Password is too short (minimum is 8 characters)"),
        ({"username": "", "email": ""}, "Username can&#x27;t be blank"),
    ],
)
def test_the_rules_are_those_of_the_api(
    fields: dict[str, str], words: str, alice: User, browser: Client
) -> None:
    answer = send(browser, "/ui/sign_up", **{**DORA, **fields})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert b"doradora" not in answer.content
    assert User.objects.count() == 1 and who(browser) is None


def test_a_name_that_is_taken_in_this_moment_is_said_too(
    alice: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views.AccountInput, "_free", lambda given, name: name)
    answer = send(browser, "/ui/sign_up", **{**DORA, "username": "alice"})
    assert answer.status_code == 422
    assert b"Username has already been taken" in answer.content


def test_nobody_signs_up_as_an_admin(browser: Client) -> None:
    send(browser, "/ui/sign_up", **DORA, role="admin", is_superuser="1")
    assert User.objects.get(username="dora").role == "citizen"


def test_signing_out_ends_the_session(alice: User, browser: Client) -> None:
    browser.force_login(alice)
    assert browser.get("/ui/sign_out").status_code == 405
    assert browser.post("/ui/sign_out").status_code == 403, "without the token"
    assert who(browser) == "alice"
    token = str(browser.get("/oauth/applications").context["csrf_token"])
    answer = browser.post("/ui/sign_out", {"csrfmiddlewaretoken": token, "next": NEXT})
    assert (answer.status_code, answer["Location"]) == (302, NEXT)
    assert who(browser) is None


def test_a_signed_in_cookie_never_opens_the_api(alice: User, browser: Client) -> None:
    browser.force_login(alice)
    assert browser.get("/v0/me").status_code == 401


@pytest.mark.parametrize("page", ["/ui/sign_in", "/ui/sign_up"])
def test_a_form_without_its_csrf_token_is_refused(page: str, alice: User, browser: Client) -> None:
    answer = browser.post(page, {**DORA, "username": "alice", "password": "alicealice"})
    assert answer.status_code == 403
    assert b"The form has expired" in answer.content
    assert who(browser) is None and User.objects.count() == 1


def test_too_many_wrong_passwords_are_told_to_wait(
    alice: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **credentials: Any) -> None:
        raise Throttled(70)

    monkeypatch.setattr(views, "authenticate", refuse)
    answer = send(browser, "/ui/sign_in", username="alice", password="x")
    assert (answer.status_code, answer["Retry-After"]) == (429, "70")
    assert b"Please wait 70 seconds" in answer.content and b'value="alice"' in answer.content


def test_too_many_forms_are_a_page_that_says_so(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_settings, "DEFAULT_THROTTLE_RATES", {"anon": "1/min", "user": ""})
    send(browser, "/ui/sign_in", username="a", password="b")
    answer = send(browser, "/ui/sign_in", username="a", password="b")
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert answer["Content-Type"].startswith("text/html")


def test_errors_of_pages_are_pages_and_those_of_the_api_are_not(
    browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/ui/nothing", "/oauth/applications/x"):
        answer = browser.get(path)
        assert answer.status_code == 404
        assert b"There is nothing here" in answer.content
        assert answer["Content-Type"].startswith("text/html")
    for path in ("/nothing", "/oauth/nothing", "/v0/nothing", "/uix"):
        assert browser.get(path).json()["id"] == "not_found"

    def broken(*args: Any) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(views.SignInView, "show", broken)
    browser.raise_request_exception = False
    answer = browser.get("/ui/sign_in")
    assert answer.status_code == 500
    assert b"Please try again later" in answer.content and b"secret" not in answer.content


@pytest.mark.parametrize("page", ["/ui/sign_in", "/ui/sign_up/"])
def test_pages_have_no_script_no_inline_style_and_nothing_from_elsewhere(
    page: str, browser: Client
) -> None:
    answer = browser.get(page)
    text = answer.content.decode()
    for forbidden in ("<script", "style=", "<style", "http://", "https://", "onclick"):
        assert forbidden not in text
    assert answer["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    assert "no-store" in answer["Cache-Control"]
