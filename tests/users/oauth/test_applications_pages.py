"""`/oauth/applications`: the same in the browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from oauth2_provider.models import Application

from apps.users.models import User
from tests.users.oauth.conftest import Browser, Register

URL = "/oauth/applications"
FORM = {
    "name": "Noise Map",
    "redirect_uri": "https://app.example/cb",
    "confidential": "true",
    "grant_type": "authorization_code",
    "scopes": ["public", "readings"],
}


def send(browser: Client, page: str, to: str | None = None, **fields: Any) -> Any:
    """Send the form of a page, with its token."""
    token = str(browser.get(page).context["csrf_token"])
    return browser.post(to or page, {"csrfmiddlewaretoken": token, **fields})


def secret_in(answer: Any) -> str:
    """The secret that a page shows."""
    found = re.search(r'id="secret">([^<]+)<', answer.content.decode())
    assert found, answer.content
    return found[1]


def test_its_owner_makes_one_and_sees_the_secret_once(alice: User, browser: Browser) -> None:
    window = browser(alice)
    answer = send(window, f"{URL}/new", **FORM)
    assert answer.status_code == 200, answer.content
    assert "no-store" in answer["Cache-Control"]
    secret = secret_in(answer)
    stored = Application.objects.get()
    assert stored.user == alice and secret not in stored.client_secret
    sent = {"client_id": stored.client_id, "client_secret": secret, "token": "x"}
    assert Client().post("/oauth/introspect", sent).status_code == 200
    again = window.get(f"{URL}/{stored.pk}").content.decode()
    assert stored.client_id in again and secret not in again and 'id="secret"' not in again
    assert "Noise Map" in window.get(URL).content.decode()


def test_a_public_one_is_told_that_it_has_none(alice: User, browser: Browser) -> None:
    answer = send(browser(alice), f"{URL}/new", **{**FORM, "confidential": "false"})
    assert b'id="secret"' not in answer.content and b"PKCE" in answer.content
    stored = Application.objects.get()
    assert send(browser(alice), f"{URL}/new", f"{URL}/{stored.pk}/rotate_secret").status_code == 404


def test_what_is_wrong_is_said_and_what_was_typed_stays(alice: User, browser: Browser) -> None:
    answer = send(
        browser(alice),
        f"{URL}/new",
        **{**FORM, "redirect_uri": "http://app.example/", "scopes": ["public"]},
    )
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "An address must be an https address" in page and 'value="Noise Map"' in page
    assert ">http://app.example/</textarea>" in page
    assert page.count(" checked") == 3
    answer = send(browser(alice), f"{URL}/new", **{**FORM, "name": ""})
    assert "Name can&#x27;t be blank" in answer.content.decode()
    assert not Application.objects.exists()


def test_its_owner_edits_it(alice: User, browser: Browser, register: Register) -> None:
    pk = register().application.pk
    answer = send(browser(alice), f"{URL}/{pk}/edit", **{**FORM, "name": "Other"})
    assert (answer.status_code, answer["Location"]) == (302, f"{URL}/{pk}")
    assert Application.objects.get().name == "Other"
    assert Application.objects.get().chosen_scopes.scopes == "public readings"
    shown = browser(alice).get(f"{URL}/{pk}/edit").content.decode()
    assert 'value="Other"' in shown and shown.count(" checked") == 4


def test_a_form_sets_nothing_that_is_not_in_it(alice: User, bob: User, browser: Browser) -> None:
    extra = {"skip_authorization": "on", "user": bob.pk, "client_id": "x", "client_secret": "x"}
    secret = secret_in(send(browser(alice), f"{URL}/new", **FORM, **extra))
    stored = Application.objects.get()
    assert (stored.user, stored.skip_authorization) == (alice, False)
    assert stored.client_id != "x" and secret != "x"


def test_its_owner_gets_a_new_secret(alice: User, browser: Browser, register: Register) -> None:
    app = register()
    page = f"{URL}/{app.application.pk}"
    secret = secret_in(send(browser(alice), page, f"{page}/rotate_secret"))
    assert app.post("introspect", token="x").status_code == 401
    assert app.post("introspect", token="x", client_secret=secret).status_code == 200


def test_its_owner_deletes_it_after_a_question(
    alice: User, browser: Browser, register: Register
) -> None:
    page = f"{URL}/{register().application.pk}/delete"
    assert b"cannot be undone" in browser(alice).get(page).content
    assert Application.objects.exists()
    assert send(browser(alice), page)["Location"] == URL
    assert not Application.objects.exists()


PATHS = ["", "/edit", "/delete", "/rotate_secret"]


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_those_of_others_are_a_page_that_says_nothing(
    who: str, browser: Browser, register: Register, request: pytest.FixtureRequest
) -> None:
    page = f"{URL}/{register().application.pk}"
    before = Application.objects.values().get()
    window = browser(request.getfixturevalue(who))
    assert b"Noise Map" not in window.get(URL).content
    for path in PATHS:
        for answer in (window.get(page + path), send(window, f"{URL}/new", page + path, **FORM)):
            assert answer.status_code in {404, 405}, path
            assert answer["Content-Type"].startswith("text/html") or answer.status_code == 405
            assert b"Noise Map" not in answer.content
    assert Application.objects.values().get() == before


def test_nobody_signs_in_first(register: Register) -> None:
    page = f"{URL}/{register().application.pk}"
    for path in (URL, f"{URL}/new", *(page + path for path in PATHS)):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (302, f"/ui/sign_in?next={path}")


def test_every_form_needs_its_csrf_token(alice: User, browser: Browser, register: Register) -> None:
    page = f"{URL}/{register().application.pk}"
    before = Application.objects.values().get()
    for path in (f"{URL}/new", *(page + path for path in PATHS[1:])):
        answer = browser(alice).post(path, FORM)
        assert answer.status_code == 403
        assert b"The form has expired" in answer.content
    assert Application.objects.values().get() == before


def test_the_list_has_pages(alice: User, browser: Browser, register: Register) -> None:
    for number in range(26):
        register(name=f"Application {number}")
    window = browser(alice)
    assert b"Application 25" not in window.get(URL).content
    assert b"Application 25" in window.get(f"{URL}/?page=2").content


@pytest.mark.parametrize("path", ["", "/new", "/1"])
def test_a_trailing_slash_makes_no_difference(
    path: str, alice: User, browser: Browser, register: Register
) -> None:
    pk = register().application.pk
    path = path.replace("1", str(pk))
    assert browser(alice).get(f"{URL}{path}/").status_code == 200
