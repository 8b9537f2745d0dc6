"""A person, a real browser, and an application that wants to read her devices."""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page
from pytest_django import DjangoDbBlocker

from tests import live
from tests.browser.conftest import assert_accessible

CHROMIUM = shutil.which("chromium")
VERIFIER = "a-verifier-of-forty-three-characters-or-more-0123456789"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium (make system-deps)"),
]


@pytest.fixture(scope="module")
def web(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Where the platform answers, over a database of its own."""
    with django_db_blocker.unblock(), live.platform("oauth_browser") as running:
        yield running.web


@pytest.fixture(scope="module")
def chromium(real_chromium: Browser) -> Browser:
    """Debian's Chromium."""
    return real_chromium


class Application(BaseHTTPRequestHandler):
    """The application that people are led back to."""

    def do_GET(self) -> None:
        """Say that this is it."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"The application")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def back_at() -> Iterator[str]:
    """Where the application answers, on another origin than the platform."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Application) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}/cb"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window with scripts switched off: nothing here needs them."""
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(20_000)
    window = context.new_page()
    troubles: list[str] = []
    window.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    yield window
    context.close()
    # Whatever the Content-Security-Policy refuses is said there. The 4xx that are asked for, too.
    assert [said for said in troubles if "Failed to load resource" not in said] == []


def test_a_person_signs_up_makes_an_application_and_allows_it(
    page: Page, web: str, back_at: str
) -> None:
    page.goto(f"{web}/oauth/applications")
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Username").fill("dora")
    page.get_by_label("E-mail address").fill("dora@example.org")
    page.get_by_label("Password").fill("doradora")
    page.get_by_role("button", name="Create the account").click()
    assert page.url == f"{web}/oauth/applications"

    page.get_by_role("link", name="New application").click()
    page.get_by_label("Name").fill("Noise Map")
    page.get_by_label("On the device of its user").check()
    page.get_by_label("Addresses it is led back to").fill(back_at)
    page.get_by_role("button", name="Register the application").click()
    uid = page.locator("#uid").inner_text()

    digest = hashlib.sha256(VERIFIER.encode()).digest()
    asked = {
        "client_id": uid,
        "response_type": "code",
        "redirect_uri": back_at,
        "state": "s 1",
        "scope": "public",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
    }
    where = f"{web}/oauth/authorize?{urlencode(asked)}"

    page.goto(where)
    page.get_by_role("button", name="Deny").click()
    page.wait_for_url(f"{back_at}**")
    back: dict[str, Any] = dict(parse_qsl(urlsplit(page.url).query))
    assert (back["error"], back["state"]) == ("access_denied", "s 1")

    page.goto(where)
    page.get_by_role("button", name="Use another account").click()
    page.get_by_label("Username or e-mail address").fill("dora")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").inner_text() == "The name or the password is incorrect."
    page.get_by_label("Password").fill("doradora")
    page.get_by_role("button", name="Sign in").click()
    assert page.url == where
    page.get_by_role("button", name="Allow").click()
    page.wait_for_url(f"{back_at}**")
    assert page.url.startswith(f"{back_at}?")
    back = dict(parse_qsl(urlsplit(page.url).query))

    sent = {
        "grant_type": "authorization_code",
        "code": back["code"],
        "client_id": uid,
        "redirect_uri": back_at,
        "code_verifier": VERIFIER,
    }
    token = requests.post(f"{web}/oauth/token", sent, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    me = requests.get(f"{web}/v0/me", headers=headers, timeout=30).json()
    assert (me["username"], me["email"]) == ("dora", "dora@example.org")


@pytest.mark.parametrize("path", ["/ui/sign_in", "/ui/sign_up", "/oauth/authorize", "/ui/nothing"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_a_small_screen_and_can_be_read(
    path: str, scheme: Any, chromium: Browser, web: str
) -> None:
    context = chromium.new_context(
        viewport={"width": 320, "height": 640}, color_scheme=scheme, reduced_motion="reduce"
    )
    page = context.new_page()
    page.goto(web + path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    for ratio, what in page.evaluate(CONTRASTS):
        assert ratio >= 4.5, what
    assert_accessible(page)
    context.close()


def test_the_keyboard_shows_where_it_is(chromium: Browser, web: str) -> None:
    page = chromium.new_page()
    page.goto(f"{web}/ui/sign_up")
    seen = []
    for _ in range(8):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                "(e => [e.tagName, getComputedStyle(e).outlineStyle,"
                " parseFloat(getComputedStyle(e).outlineWidth)])(document.activeElement)"
            )
        )
    page.close()
    fields = [entry for entry in seen if entry[0] != "BODY"]
    assert {"A", "INPUT", "BUTTON"} <= {entry[0] for entry in fields}
    assert all(style == "solid" and width >= 2 for _, style, width in fields), fields


# The contrast (WCAG 2.2, 1.4.3) of every text on the page with the nearest ground behind it.
CONTRASTS = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const read = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = rgb => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const c = rgb[i] / 255;
    return sum + weight * (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  }, 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const rgb = read(getComputedStyle(element).backgroundColor);
      if (rgb[3] === 255) return rgb;
    }
    return [255, 255, 255, 255];
  };
  return [...document.querySelectorAll("body *")]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const [a, b] = [light(read(getComputedStyle(e).color)), light(ground(e))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return [ratio, `${e.tagName} ${e.textContent.trim().slice(0, 40)}: ${ratio}`];
    });
}
"""
