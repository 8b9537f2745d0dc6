"""`/ui/me/account`: profile, address, password, key, what may act for one, and leaving."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, RefreshToken

from apps.users import access, browser_sessions, legacy_keys
from apps.users.models import BrowserSession, User


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's browser, signed in, whose forms need their CSRF token."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    return browser


def send(browser: Client, form: str, **fields: Any) -> Any:
    """Send a form of the page."""
    token = str(browser.get("/ui/me/account").context["csrf_token"])
    return browser.post(f"/ui/me/account/{form}", {"csrfmiddlewaretoken": token, **fields})


def token_of(user: User, name: str, **fields: Any) -> AccessToken:
    """An access token of an application that the user allowed."""
    application, _ = Application.objects.get_or_create(
        name=name, client_type="public", authorization_grant_type="authorization-code"
    )
    expires = timezone.now() + timedelta(hours=1)
    made: AccessToken = AccessToken.objects.create(
        **{"user": user, "application": application, "expires": expires, "scope": "public"}
        | {"token": f"{name}{user.pk}"}
        | fields
    )
    return made


def test_the_page_shows_the_account_and_no_secret(browser: Client, alice: User) -> None:
    shown = browser.get("/ui/me/account").content.decode()
    assert "alice@example.org" in shown and 'value="alice"' in shown
    assert str(legacy_keys.reveal(alice)) not in shown
    assert browser.get("/ui/me/account/profile").status_code == 405


def test_a_profile_is_changed_and_blank_fields_are_emptied(browser: Client, alice: User) -> None:
    fields = {"username": "alicia", "city": "Lyon", "country_code": "fr", "url": "HTTPS://a.org"}
    answer = send(browser, "profile", **fields)
    assert (answer.status_code, answer["Location"]) == (302, "/ui/me/account")
    alice.refresh_from_db()
    assert (alice.username, alice.city, alice.country_code) == ("alicia", "Lyon", "FR")
    assert "Your profile is saved." in browser.get("/ui/me/account").content.decode()
    assert "Your profile is saved." not in browser.get("/ui/me/account").content.decode(), "once"
    send(browser, "profile", username="alicia")
    alice.refresh_from_db()
    assert (alice.city, alice.url) == (None, None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"username": "al"}, "Username is too short (minimum is 3 characters)"),
        ({"username": "BOB"}, "Username has already been taken"),
        ({"country_code": "XX"}, "Country is invalid"),
        ({"url": "javascript:alert(1)"}, "Web page is invalid"),
    ],
)
def test_a_wrong_profile_is_said_and_changes_nothing(
    wrong: dict[str, str], said: str, browser: Client, alice: User, bob: User
) -> None:
    answer = send(browser, "profile", **{"username": "alice", "city": "Lyon", **wrong})
    shown = answer.content.decode()
    assert answer.status_code == 422 and said in shown and 'value="Lyon"' in shown
    alice.refresh_from_db()
    assert (alice.username, alice.city) == ("alice", None)
    assert ">alice</a>" in shown, "the bar says who is signed in as it is stored"


def test_a_new_address_waits_for_its_confirmation(browser: Client, alice: User) -> None:
    answer = send(browser, "email", email="new@example.org", current_password="alicealice")
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert (alice.email, alice.unconfirmed_email) == ("alice@example.org", "new@example.org")
    assert "We have mailed a link to new@example.org" in (
        browser.get("/ui/me/account").content.decode()
    )
    send(browser, "email", email="alice@example.org", current_password="alicealice")
    alice.refresh_from_db()
    assert alice.unconfirmed_email is None


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("email", {"email": "new@example.org"}),
        ("password", {"new_password": "a new password"}),
        ("close", {}),
    ],
)
def test_what_matters_needs_the_password_and_guessing_it_is_slow(
    form: str, fields: dict[str, str], browser: Client, alice: User, settings: Any
) -> None:
    settings.WRONG_PASSWORDS_PER_ACCOUNT = 1
    before = User.objects.filter(pk=alice.pk).values().get()
    answer = send(browser, form, current_password="wrong", **fields)
    assert answer.status_code == 422
    assert "Current password is incorrect" in answer.content.decode()
    answer = send(browser, form, current_password="alicealice", **fields)
    assert answer.status_code == 422
    assert "Too many wrong passwords" in answer.content.decode()
    assert User.objects.filter(pk=alice.pk).values().get() == before


def test_a_new_password_keeps_this_browser_and_ends_others(browser: Client, alice: User) -> None:
    other = Client()
    other.force_login(alice)
    answer = send(browser, "password", new_password="a new one", current_password="alicealice")
    assert answer.status_code == 302
    alice.refresh_from_db()
    assert alice.check_password("a new one")
    assert browser.get("/ui/me/account").status_code == 200
    assert other.get("/ui/me/account").status_code == 302


def test_a_short_password_is_refused_and_none_is_shown(browser: Client, alice: User) -> None:
    answer = send(browser, "password", new_password="shorty", current_password="alicealice")
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "New password is too short (minimum is 8 characters)" in shown
    assert "shorty" not in shown and "alicealice" not in shown
    alice.refresh_from_db()
    assert alice.check_password("alicealice")


def test_the_key_is_shown_on_demand_and_replaced(browser: Client, alice: User) -> None:
    key = legacy_keys.reveal(alice)
    answer = send(browser, "key")
    assert str(key) in answer.content.decode()
    assert answer["Cache-Control"] == "no-store, private"
    answer = send(browser, "key", rotate="1")
    alice.refresh_from_db()
    new = legacy_keys.reveal(alice)
    assert new != key and str(new) in answer.content.decode()


def test_what_may_act_is_listed_and_revoked(browser: Client, alice: User, bob: User) -> None:
    raw = access.open_session(alice)
    mine = token_of(alice, "Noise Map")
    RefreshToken.objects.create(
        user=alice, application=mine.application, access_token=mine, token="r"
    )
    token_of(alice, "Long over", expires=timezone.now() - timedelta(hours=1))
    theirs = token_of(bob, "Noise Map")
    shown = browser.get("/ui/me/account").content.decode()
    assert "Noise Map" in shown and "Signed in with your password" in shown
    assert "Long over" not in shown
    assert raw not in shown
    (session,) = access.sessions(alice)
    assert send(browser, "revoke", application=mine.application_id).status_code == 302
    assert send(browser, "revoke", session=session.pk).status_code == 302
    assert access.allowed(alice) == [] and access.sessions(alice) == []
    assert not RefreshToken.objects.exists()
    assert AccessToken.objects.filter(pk=theirs.pk).exists(), "what bob allowed is bob's"


@pytest.mark.parametrize("what", [{}, {"session": "x"}, {"session": "9" * 30}])
def test_what_is_not_there_is_404(what: dict[str, str], browser: Client, bob: User) -> None:
    access.open_session(bob)
    (theirs,) = access.sessions(bob)
    assert send(browser, "revoke", **(what or {"session": theirs.pk})).status_code == 404
    assert access.sessions(bob) == [theirs]


def test_an_expired_token_that_can_be_refreshed_still_counts(alice: User) -> None:
    old = token_of(alice, "Noise Map", expires=timezone.now() - timedelta(hours=1))
    assert access.allowed(alice) == []
    RefreshToken.objects.create(
        user=alice, application=old.application, access_token=old, token="r"
    )
    assert [one.application for one in access.allowed(alice)] == ["Noise Map"]


def test_the_export_is_had_by_the_session(browser: Client) -> None:
    answer = browser.get("/ui/me/export")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
    assert b"".join(answer.streaming_content)[:2] == b"PK"  # type: ignore[attr-defined]
    assert Client().get("/ui/me/export").status_code in (401, 403)


def test_a_closed_account_is_signed_out(browser: Client, alice: User) -> None:
    answer = send(browser, "close", current_password="alicealice")
    assert answer.status_code == 200 and b"Your account is closed" in answer.content
    alice.refresh_from_db()
    assert alice.archived_at is not None
    assert browser.get("/ui/me/account").status_code == 302


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def signed_in(name: str, agent: str, password: str = "alicealice") -> Client:
    """A browser in which somebody has signed in."""
    browser = Client(headers={"User-Agent": agent})
    answer = browser.post("/ui/sign_in", {"username": name, "password": password})
    assert answer.status_code == 302
    return browser


def test_browsers_are_listed_and_one_is_signed_out(alice: User, bob: User) -> None:
    here, phone = signed_in("alice", FIREFOX), signed_in("alice", SAFARI)
    stranger = signed_in("bob", FIREFOX, "bobbobbob")
    shown = here.get("/ui/me/account")
    this, other = shown.context["browsers"]
    assert (this.browser, this.is_this) == ("Firefox, Linux", True)
    assert (other.browser, other.is_this) == ("Safari, iPhone", False)
    for browser in (here, phone):
        assert str(browser.session.session_key) not in shown.content.decode()
    answer = stranger.post("/ui/me/account/revoke", {"browser": other.name})
    assert answer.status_code == 404
    assert phone.get("/ui/me").status_code == 200
    answer = here.post("/ui/me/account/revoke", {"browser": other.name}, follow=True)
    assert "That browser is signed out." in answer.content.decode()
    assert phone.get("/ui/me").status_code == 302
    assert [one.browser for one in answer.context["browsers"]] == ["Firefox, Linux"]
    assert here.get("/ui/me").status_code == stranger.get("/ui/me").status_code == 200


def test_a_session_goes_with_its_account_and_is_nobodys_after_signing_out(alice: User) -> None:
    here = signed_in("alice", FIREFOX)
    here.post("/ui/sign_out")
    assert not BrowserSession.objects.filter(user=alice).exists()
    signed_in("alice", FIREFOX)
    assert BrowserSession.objects.filter(user=alice).count() == 1
    alice.delete()
    assert not BrowserSession.objects.exists()


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (FIREFOX, "Firefox, Linux"),
        (SAFARI, "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36", "Chrome, Android"),
        ("curl/8.5.0", ""),
        ("<script>", ""),
    ],
)
def test_a_browser_is_told_in_words(agent: str, said: str) -> None:
    assert browser_sessions.named(agent) == said
