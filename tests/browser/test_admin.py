"""An admin at work: how the platform is, a device and what was refused of it, an act, a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from tests import live
from tests.browser.conftest import Open, keep

pytestmark = pytest.mark.slow

FILL = """
from datetime import timedelta
from django.utils import timezone
from apps.devices.models import Device
from apps.kits.models import Kit
from apps.readings import ingest, ingest_errors
from apps.readings.keys import Row
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal
from apps.users.models import User

now = timezone.now().replace(second=0, microsecond=0)
User.objects.create_superuser("carol", "carol@example.org", "carolcarol")
alice = User.objects.create_user("alice", "alice@example.org", "alicealice")
for name in ("Roof desktop", "Roof phone"):
    device = Device.objects.register(
        owner=alice, kit=Kit.objects.get(slug="sck:1,1"), name=name, latitude=41.4, longitude=2.2
    )
    rows = [Row(n, now - timedelta(minutes=n), {12: (20.5, None)}) for n in range(3)]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)
    refused = [Refusal(0, None, "recorded_at is more than a day ahead", "{}")]
    ingest_errors.keep(device.pk, IngestError.Source.MQTT, refused)
"""


@pytest.fixture(scope="module")
def site(django_db_blocker: DjangoDbBlocker) -> Iterator[live.Platform]:
    """The platform with an admin, and a device for each size of window."""
    with django_db_blocker.unblock(), live.platform("admin_browser") as running:
        running.python(FILL)
        yield running


def fits(page: Page) -> None:
    """Nothing but a table that scrolls by itself is wider than the window."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_admin_looks_after_a_device(
    scheme: str, window: Open, site: live.Platform, size: str
) -> None:
    page = window(scheme)
    page.goto(f"{site.web}/admin/")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill("carolcarol")
    page.get_by_role("button", name="Log in").click()
    online = page.locator(".figures tr").filter(has_text="Online")
    expect(online).to_contain_text("of 2")
    expect(page.locator(".figures")).to_contain_text("recorded_at is more than a day ahead")
    fits(page)
    keep(page, size, f"admin-{scheme}")

    page.goto(f"{site.web}/admin/devices/device/?q={size}")
    keep(page, size, f"admin-devices-{scheme}")
    page.get_by_role("link", name=f"Roof {size}").click()
    expect(page.get_by_text("20.5").first).to_be_visible()
    expect(page.get_by_text("recorded_at is more than a day ahead").first).to_be_visible()
    fits(page)
    keep(page, size, f"admin-device-{scheme}")


def test_an_admin_archives_restores_and_exports(
    window: Open, site: live.Platform, size: str
) -> None:
    page = window()
    page.goto(f"{site.web}/admin/login/?next=/admin/devices/device/%3Fq={size}")
    page.get_by_label("Username").fill("carol")
    page.get_by_label("Password").fill("carolcarol")
    page.get_by_role("button", name="Log in").click()
    path = site.web + str(page.get_by_role("link", name=f"Roof {size}").get_attribute("href"))

    def act(name: str) -> None:
        page.locator("input.action-select").first.check()
        page.locator("select[name=action]").select_option(label=name)
        page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()

    act("Archive selected devices")
    expect(page.locator(".messagelist")).to_contain_text("1")
    keep(page, size, "admin-archived")
    number = path.split("/device/")[1].split("/")[0]
    assert site.get(f"/v0/devices/{number}").status_code == 404
    act("Restore selected devices")
    assert site.get(f"/v0/devices/{number}").status_code == 200
    with page.expect_download() as waiting:
        act("Export selected devices as CSV")
    lines = waiting.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2 and f"Roof {size}" in lines[1]
    page.goto(f"{site.web}/admin/admin/logentry/")
    expect(page.locator("#result_list")).to_contain_text(f"Roof {size}")
    keep(page, size, "admin-log")
