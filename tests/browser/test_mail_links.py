"""A person who forgot her password, and one who moves to another address, in a real browser."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page
from pytest_django import DjangoDbBlocker

from tests import live
from tests.browser.conftest import assert_accessible
from tests.browser.test_oauth import CHROMIUM, CONTRASTS, chromium, page

__all__ = ["chromium", "page"]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (make system-deps)"),
]
DORA = {"username": "dora", "email": "dora@example.org", "password": "doradora"}


@pytest.fixture(scope="module")
def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that mails are written to."""
    return tmp_path_factory.mktemp("mails")


@pytest.fixture(scope="module")
def running(django_db_blocker: DjangoDbBlocker, mailbox: Path) -> Iterator[live.Platform]:
    """The platform, over a database of its own, with an account in it."""
    mails = {"EMAIL_URL": f"filemail:///{mailbox}"}
    with django_db_blocker.unblock(), live.platform("mail_links", **mails) as running:
        requests.post(f"{running.web}/v0/users", DORA, timeout=30).raise_for_status()
        yield running


def link(running: live.Platform, mailbox: Path, recipient: str) -> str:
    """The link in the newest mail to somebody, once the worker has done its work."""
    running.python("from tests.users.worker import work; work()")
    newest = sorted(mailbox.iterdir(), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    for file in newest:
        mail = file.read_text()
        if f"To: {recipient}\n" in mail:
            found = re.search(rf"{re.escape(running.web)}/ui/\S+/\S+", mail)
            assert found, mail
            return found[0]
    raise AssertionError(f"no mail to {recipient}")


def keep(page: Page, name: str) -> None:
    """A picture of the page, where SCREENSHOTS names a folder for them."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def fits(page: Page) -> None:
    """The page fits a small screen and can be read."""
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for ratio, what in page.evaluate(CONTRASTS):
        assert ratio >= 4.5, what


def test_a_forgotten_password_is_replaced_and_signs_in(
    page: Page, running: live.Platform, mailbox: Path
) -> None:
    page.goto(f"{running.web}/ui/sign_in")
    page.get_by_role("link", name="Forgotten password?").click()
    keep(page, "ask")
    page.get_by_label("Username or e-mail address").fill("nobody-of-this-name")
    page.get_by_role("button", name="Mail me a link").click()
    assert page.get_by_role("alert").inner_text() == "Nobody has this username."
    keep(page, "ask-wrong")
    page.get_by_label("Username or e-mail address").fill("dora@example.org")
    page.get_by_role("button", name="Mail me a link").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Look into your mailbox"
    keep(page, "ask-done")

    where = link(running, mailbox, "dora@example.org")
    page.goto(where)
    keep(page, "reset")
    page.get_by_label("New password").fill("a new password of dora's")
    page.get_by_role("button", name="Set the password").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Your password is set"
    keep(page, "reset-done")
    page.locator("#content").get_by_role("link", name="Sign in").click()
    page.get_by_label("Username or e-mail address").fill("dora")
    page.get_by_label("Password", exact=True).fill("a new password of dora's")
    page.get_by_role("button", name="Sign in").click()
    assert page.url == f"{running.web}/ui/me"

    page.goto(where)
    assert page.get_by_role("heading", level=1).inner_text() == "This link no longer works"
    keep(page, "reset-useless")
    page.get_by_role("link", name="Ask for a new link").click()
    assert page.url == f"{running.web}/ui/password_reset"


def test_a_new_address_is_confirmed(page: Page, running: live.Platform, mailbox: Path) -> None:
    eve = {"username": "eve", "email": "eve@example.org", "password": "eveeveeve"}
    requests.post(f"{running.web}/v0/users", eve, timeout=30).raise_for_status()
    who = ("eve", "eveeveeve")
    requests.patch(f"{running.web}/v0/me", {"email": "new@example.org"}, auth=who, timeout=30)
    page.goto(link(running, mailbox, "new@example.org"))
    keep(page, "email")
    page.get_by_role("button", name="Confirm the address").click()
    assert page.get_by_role("heading", level=1).inner_text() == "The address is confirmed"
    keep(page, "email-done")
    me = requests.get(f"{running.web}/v0/me", auth=who, timeout=30).json()
    assert (me["email"], me["unconfirmed_email"]) == ("new@example.org", None)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_small_screen_and_can_be_read(
    scheme: Any, chromium: Browser, running: live.Platform, mailbox: Path
) -> None:
    fay = {"username": f"fay-{scheme}", "email": f"{scheme}@example.org", "password": "fayfayfay"}
    requests.post(f"{running.web}/v0/users", fay, timeout=30).raise_for_status()
    requests.post(f"{running.web}/v0/password_resets", fay, timeout=30).raise_for_status()
    where = link(running, mailbox, fay["email"])
    context = chromium.new_context(
        viewport={"width": 320, "height": 640}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    for path in (
        f"{running.web}/ui/password_reset",
        where,
        f"{running.web}/ui/email_change/{'x' * 43}",
    ):
        page.goto(path)
        fits(page)
        assert_accessible(page)
        keep(page, f"small-{scheme}-{path.rsplit('/', 2)[1]}")
    context.close()
