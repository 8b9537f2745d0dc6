"""The admin site in a real browser, under a policy that allows no script or style in a page."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from tests import live
from tests.browser.conftest import Open

pytestmark = pytest.mark.slow

FILL = """
from apps.devices.models import Device
from apps.kits.models import Kit
from apps.users.models import User

User.objects.create_user("carol", "carol@example.org", "carolcarol", role=User.Role.ADMIN)
owner = User.objects.create_user("alice", "alice@example.org", "alicealice")
kit = Kit.objects.get(slug="sck:1,1")
for name in ("Roof", "Yard"):
    Device.objects.register(owner=owner, kit=kit, name=name, latitude=41.4, longitude=2.2)
"""


@pytest.fixture(scope="module")
def site(django_db_blocker: DjangoDbBlocker) -> Iterator[live.Platform]:
    """The platform with an administrator and two devices."""
    with django_db_blocker.unblock(), live.platform("admin_browser") as running:
        running.python(FILL)
        yield running


@pytest.fixture(params=["desktop"])
def size(request: pytest.FixtureRequest) -> str:
    """Operators work at a desk."""
    return str(request.param)


def watched(window: Open) -> Page:
    """A window in which a page is told on that does what its policy forbids."""
    page = window()
    page.add_init_script(
        "addEventListener('securitypolicyviolation', event =>"
        " console.error('policy:', event.violatedDirective, event.blockedURI))"
    )
    return page


def test_operators_work_without_scripts_or_styles_in_a_page(
    window: Open, site: live.Platform
) -> None:
    page = watched(window)
    answer = page.goto(f"{site.web}/admin/")
    assert answer
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill("carolcarol")
    page.get_by_role("button", name=re.compile("(Log|Sign) in")).click()
    expect(page.get_by_role("heading", name="My actions")).to_be_visible()

    # A list: a filter, a search, a sort, and the act on what is selected
    page.goto(f"{site.web}/admin/devices/device/")
    assert page.locator("#result_list tbody tr").count() == 2
    page.locator("#changelist-filter a[href*='exposure__exact=indoor']").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(0)
    page.goto(f"{site.web}/admin/devices/device/?q=Roof")
    page.locator("#result_list tbody .action-select").check()
    expect(page.locator(".action-counter")).to_have_text("1 of 1 selected")
    page.get_by_role("combobox", name="Action").select_option("archive")
    page.locator(".actions button[name=index]").click()
    expect(page.locator(".messagelist")).to_be_visible()

    # A page: its acts, a field that looks names up, and the page's own script
    page.goto(f"{site.web}/admin/devices/device/?q=Yard")
    page.locator("#result_list tbody a").first.click()
    expect(page.locator("form.acts button").first).to_be_visible()
    page.locator(".field-kit .select2-selection").click()
    page.locator(".select2-search__field").last.fill("SCK 1.0")
    page.locator(".select2-results__option", has_text="SCK 1.0").first.click()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messagelist .success")).to_be_visible()

    # Dates by the calendar and the clock
    page.goto(f"{site.web}/admin/django_q/schedule/add/")
    page.locator(".datetimeshortcuts a", has_text="Now").first.click()
    assert re.fullmatch(r"[\d:]{8}", page.locator("#id_next_run_1").input_value())
    page.locator(".datetimeshortcuts .date-icon").first.click()
    page.locator(".calendarbox td a").first.click()
    assert re.fullmatch(r"[\d-]{10}", page.locator("#id_next_run_0").input_value())
