"""`/ui/password_reset` and `/ui/email_change`: the pages that links in mails lead to."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone

from apps.users import accounts
from apps.users.models import User
from tests.users.worker import work

Mailbox = list[EmailMultiAlternatives]


@pytest.fixture
def browser(db: None) -> Client:
    """A browser, whose forms need their CSRF token."""
    return Client(enforce_csrf_checks=True)


def send(browser: Client, address: str, **fields: str) -> Any:
    """Fill in and send the form of a page."""
    token = str(browser.get(address).context["csrf_token"])
    return browser.post(address, {"csrfmiddlewaretoken": token, **fields})


def link(mailbox: Mailbox, recipient: str) -> str:
    """The path of the link in the newest mail to somebody."""
    mail = [mail for mail in mailbox if mail.to == [recipient]][-1]
    found = re.search(r"http://localhost:\d+(/ui/\S+)", str(mail.body))
    assert found, mail.body
    return found[1]


@pytest.fixture
def reset(alice: User, browser: Client, mailoutbox: Mailbox) -> str:
    """The page that a mail to alice leads to."""
    assert send(browser, "/ui/password_reset", name="alice").status_code == 200
    work()
    return link(mailoutbox, "alice@example.org")


def test_a_forgotten_password_is_replaced(reset: str, alice: User, browser: Client) -> None:
    shown = browser.get(reset)
    assert shown.status_code == 200 and b"alice" in shown.content
    assert shown["Cache-Control"] == "no-store, private"
    done = send(browser, reset, password="a new one")
    assert done.status_code == 200 and b"Your password is set" in done.content
    alice.refresh_from_db()
    assert alice.check_password("a new one")
    for again in (browser.get(reset), browser.post(reset, {"password": "another one"})):
        assert again.status_code in {403, 404}
    assert b"This link no longer works" in browser.get(reset).content


def test_fetching_the_link_changes_nothing(reset: str, alice: User, browser: Client) -> None:
    for _ in range(3):
        assert browser.get(reset).status_code == 200
    assert browser.head(reset).status_code == 200
    alice.refresh_from_db()
    assert alice.check_password("alicealice")


def test_a_short_password_is_refused_beside_the_field(
    reset: str, alice: User, browser: Client
) -> None:
    answer = send(browser, reset, password="short")
    assert answer.status_code == 422
    assert b"is too short (minimum is 8 characters)" in answer.content
    assert b'short"' not in answer.content, "a password is not shown"
    assert send(browser, reset, password="a new one").status_code == 200


def test_an_unknown_address_has_the_same_page_as_a_known_one(
    alice: User, browser: Client, mailoutbox: Mailbox
) -> None:
    pages = []
    for name in ("alice@example.org", "alibe@example.org"):
        answer = send(browser, "/ui/password_reset", name=name)
        assert answer.status_code == 200
        pages.append(answer.content.decode().replace(name, "NAME"))
    assert pages[0] == pages[1]
    work()
    assert len(mailoutbox) == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [("nobody", "Nobody has this username."), ("", "Enter your username"), (" ", "Enter your")],
)
def test_what_cannot_be_a_name_is_said(name: str, said: str, alice: User, browser: Client) -> None:
    answer = send(browser, "/ui/password_reset", name=name)
    assert answer.status_code == 422 and said in answer.content.decode()


def test_a_form_without_its_token_is_refused(reset: str, alice: User, browser: Client) -> None:
    assert browser.post(reset, {"password": "a new one"}).status_code == 403
    alice.refresh_from_db()
    assert alice.check_password("alicealice")


def test_who_is_signed_in_is_signed_out_by_the_reset(
    reset: str, alice: User, browser: Client
) -> None:
    browser.force_login(alice)
    done = send(browser, reset, password="a new one")
    assert b"Sign out" not in done.content
    assert browser.get("/oauth/applications").status_code == 302


@pytest.mark.parametrize("page", ["/ui/password_reset/{}", "/ui/email_change/{}"])
def test_a_link_that_never_was_is_a_page_that_says_so_and_guessing_is_slow(
    page: str, browser: Client, settings: Any
) -> None:
    settings.WRONG_PASSWORDS_PER_ADDRESS = 3
    for _ in range(3):
        answer = browser.get(page.format("x" * 43))
        assert answer.status_code == 404
        assert b"This link no longer works" in answer.content
    answer = browser.get(page.format("x" * 43))
    assert answer.status_code == 429 and "Retry-After" in answer
    assert b"Please wait" in answer.content


def test_a_new_address_is_confirmed_by_a_button(
    alice: User, browser: Client, mailoutbox: Mailbox
) -> None:
    accounts.change(alice, confirm_email=True, email="new@example.org")
    work()
    page = link(mailoutbox, "new@example.org")
    shown = browser.get(page)
    assert shown.status_code == 200
    assert b"alice" in shown.content and b"new@example.org" in shown.content
    alice.refresh_from_db()
    assert alice.email == "alice@example.org", "fetching changes nothing"
    done = send(browser, page)
    assert done.status_code == 200 and b"The address is confirmed" in done.content
    alice.refresh_from_db()
    assert alice.email == "new@example.org"
    assert browser.get(page).status_code == 404


def test_an_address_that_another_took_meanwhile_is_not_given(
    alice: User, browser: Client, mailoutbox: Mailbox, transactional_db: None
) -> None:
    accounts.change(alice, confirm_email=True, email="new@example.org")
    work()
    User.objects.create_user("dora", "NEW@example.org", "doradora")
    answer = send(browser, link(mailoutbox, "new@example.org"))
    assert answer.status_code == 422
    assert b"Another account has this address by now." in answer.content
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"


def test_an_archived_account_confirms_nothing(
    alice: User, browser: Client, mailoutbox: Mailbox
) -> None:
    accounts.change(alice, confirm_email=True, email="new@example.org")
    work()
    User.objects.update(archived_at=timezone.now())
    assert browser.get(link(mailoutbox, "new@example.org")).status_code == 404


def test_the_sign_in_page_leads_there(browser: Client) -> None:
    assert b'href="/ui/password_reset"' in browser.get("/ui/sign_in").content
