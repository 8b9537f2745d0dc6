"""`/docs` in a real browser: it shows every endpoint, and tries one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from pytest_django import DjangoDbBlocker

from tests import live
from tests.browser.conftest import Open, keep

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def web(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """Where the platform answers, over a database of its own."""
    with django_db_blocker.unblock(), live.platform("docs_browser") as running:
        yield running.web


def test_the_documentation_is_browsed_and_tried_without_any_other_host(
    window: Open, web: str, size: str
) -> None:
    page = window()
    answer = page.goto(f"{web}/docs")
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "style-src 'self';" in policy

    schema = page.request.get(f"{web}/v0/schema").json()
    operations = [one for methods in schema["paths"].values() for one in methods.values()]
    expect(page.locator(".opblock")).to_have_count(len(operations))
    expect(page.locator(".info .title")).to_contain_text("Smart Citizen API")
    keep(page, size, "docs")

    block = page.locator("#operations-Search-get_search")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
