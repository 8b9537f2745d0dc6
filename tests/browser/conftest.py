"""A real browser, and what holds for every page: no error, no other host, nothing in the way."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "var" / "screenshots"
AXE = ROOT / "apps" / "pages" / "front" / "node_modules" / "axe-core" / "axe.min.js"
SIZES = {"desktop": (1280, 800), "phone": (320, 640)}
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def real_chromium() -> Iterator[Browser]:
    """Debian's Chromium; its tests are skipped by name where it is missing.

    One driver at a time, and none for longer than a module: it runs an event loop in this thread,
    in which Django refuses to connect to the database.
    """
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("needs chromium (make system-deps)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> str:
    """`desktop` and `phone`, in turn."""
    return str(request.param)


@pytest.fixture
def window(real_chromium: Browser, size: str) -> Iterator[Open]:
    """`window(scheme="dark")` opens a clean profile; whatever a page says or asks is watched.

    In the end there was no error on the console, and no request to another host.
    """
    troubles: list[str] = []
    contexts: list[Any] = []

    def open_window(scheme: Any = "light", **options: Any) -> Page:
        width, height = SIZES[size]
        context = real_chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            locale="en-GB",
            timezone_id="Europe/Madrid",
            **options,
        )
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: note(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: note(str(error)))
        page.on("request", lambda asked: look(asked.url))
        return page

    def note(trouble: str) -> None:
        troubles.append(trouble)

    def look(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.hostname not in {
            "127.0.0.1",
            "localhost",
        }:
            note(f"asked another host: {url}")

    yield open_window
    for context in contexts:
        context.close()
    assert troubles == []


def assert_accessible(page: Page) -> None:
    """axe finds no violation of WCAG 2.2 AA, and nothing is wider than the window."""
    page.evaluate(AXE.read_text())
    options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    found = page.evaluate("options => axe.run(document, options)", options)
    told = [
        (violation["id"], [node["html"] for node in violation["nodes"]][:3])
        for violation in found["violations"]
    ]
    assert told == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def keep(page: Page, size: str, name: str) -> None:
    """A picture of the page, for people to look at."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}-{size}.png", full_page=True)
