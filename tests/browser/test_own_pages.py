"""A person, her devices and her account; a developer; and whoever asks how the platform is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from pytest_django import DjangoDbBlocker

from tests import live
from tests.browser.conftest import Open, assert_accessible, keep

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
kit = Kit.objects.get(slug="sck:1,1")
for size in ("desktop", "phone"):
    owner = User.objects.create_user(size, f"{size}@example.org", "alicealice")
    device = Device.objects.register(
        owner=owner, kit=kit, name="Silent roof", latitude=41.4, longitude=2.2,
        mac_address=f"02:00:00:00:00:{len(size):02}",
    )
    device.created_at = now - timedelta(days=30)
    device.hardware_info = {"hw_ver": "2.1", "sam_ver": "0.9.9"}
    device.save()
    # Eight days of a post an hour, with a hole, and silence since two days
    rows = [
        Row(n, now - timedelta(days=2, hours=n), {12: (20.0 + n % 7, None)})
        for n in range(192) if not 60 < n < 110
    ]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)
    ingest_errors.keep(
        device.pk, IngestError.Source.KIT,
        [Refusal(0, None, "recorded_at is more than a day ahead", '{"t":"2036-01-01"}')],
    )
"""


@pytest.fixture(scope="module")
def site(django_db_blocker: DjangoDbBlocker) -> Iterator[live.Platform]:
    """The platform with an account and a silent device for each size of window."""
    with django_db_blocker.unblock(), live.platform("own_browser") as running:
        running.python(FILL)
        yield running


def sign_in(page: Page, web: str, name: str) -> None:
    """Sign in on the way to one's devices."""
    page.goto(f"{web}/ui/me")
    page.get_by_label("Username or e-mail address").fill(name)
    page.get_by_label("Password", exact=True).fill("alicealice")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My devices")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_why_a_kit_is_silent(scheme: str, window: Open, site: live.Platform, size: str) -> None:
    page = window(scheme)
    sign_in(page, site.web, size)
    assert_accessible(page)
    keep(page, size, f"my-devices-{scheme}")
    page.get_by_role("link", name="Silent roof").click()
    expect(page.get_by_role("heading", name="Why is my kit silent?")).to_be_visible()
    assert "what it sends is refused" in page.locator(".findings").inner_text()
    expect(page.get_by_role("cell", name="recorded_at is more than a day ahead")).to_be_visible()
    assert page.locator(".calendar .none").count() > 1
    assert_accessible(page)
    keep(page, size, f"silent-{scheme}")
    page.goto(f"{site.web}/ui/me/account")
    assert_accessible(page)
    keep(page, size, f"account-{scheme}")


def test_a_device_is_added_on_the_map_changed_deleted_and_brought_back(
    window: Open, site: live.Platform, size: str
) -> None:
    page = window()
    sign_in(page, site.web, size)
    page.get_by_role("link", name="Add a device").click()
    page.get_by_label("Name", exact=True).fill("New balcony")
    page.locator("#place canvas, #place svg").first.wait_for()
    page.locator("#place").click(position={"x": 100, "y": 100})
    placed = page.get_by_label("Latitude").input_value()
    assert -90 < float(placed) < 90
    assert_accessible(page)
    keep(page, size, "device-form")
    page.get_by_label("MAC address").fill(f"02:00:00:00:01:{len(size):02}")
    page.get_by_role("button", name="Add the device").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("New balcony")
    assert "We never stored a reading of it" in page.locator(".findings").inner_text()
    keep(page, size, "device-new")

    page.get_by_role("link", name="Edit").click()
    assert page.get_by_label("Latitude").input_value() == str(float(placed))
    page.get_by_label("Name", exact=True).fill("Old balcony")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Old balcony")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Old balcony was deleted.")).to_be_visible()
    assert_accessible(page)
    keep(page, size, "device-deleted")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("link", name="Old balcony")).to_be_visible()


def test_the_pages_work_without_javascript_by_the_keyboard(
    window: Open, site: live.Platform, size: str
) -> None:
    page = window(java_script_enabled=False)
    sign_in(page, site.web, size)
    page.goto(f"{site.web}/ui/me/devices/new")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("By keys")
    page.get_by_label("MAC address").focus()
    page.keyboard.type(f"02:00:00:00:02:{len(size):02}")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("By keys")
    page.get_by_role("button", name="Delete").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("By keys was deleted.")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_signing_up_and_what_follows_can_be_read_by_everyone(
    scheme: str, window: Open, site: live.Platform, size: str
) -> None:
    page = window(scheme)
    for path in ("sign_in", "sign_up", "password_reset"):
        page.goto(f"{site.web}/ui/{path}")
        assert_accessible(page)
        keep(page, size, f"{path}-{scheme}")
    page.goto(f"{site.web}/ui/sign_up")
    page.get_by_label("Username").fill(f"new-{size}-{scheme}")
    page.get_by_label("E-mail address").fill(f"new-{size}-{scheme}@example.org")
    page.get_by_label("Password").fill("alicealice")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My devices")
    assert_accessible(page)
    for path in ("oauth/applications", "oauth/applications/new", "ui/me/devices/new"):
        page.goto(f"{site.web}/{path}")
        assert_accessible(page)
        keep(page, size, f"{path.replace('/', '-')}-{scheme}")


def test_a_developer_tries_a_call(window: Open, site: live.Platform, size: str) -> None:
    page = window()
    page.goto(f"{site.web}/ui/developers")
    assert_accessible(page)
    page.get_by_label("GET").fill("//example.org/v0")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#said")).to_have_text("A path of this server, which begins with a slash.")
    page.get_by_label("GET").fill("/v0/kits?per_page=1")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#said")).to_contain_text("200")
    expect(page.locator("#body")).to_contain_text('"slug"')
    assert page.locator("#command").inner_text() == f"curl -s '{site.web}/v0/kits?per_page=1'"
    assert_accessible(page)
    keep(page, size, "developers")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_how_the_platform_is(scheme: str, window: Open, site: live.Platform, size: str) -> None:
    page = window(scheme)
    page.goto(f"{site.web}/ui/status")
    expect(page.get_by_text("2 of", exact=False).or_(page.get_by_text("0 of"))).to_be_visible()
    assert_accessible(page)
    keep(page, size, f"status-{scheme}")


def test_the_pages_speak_the_language_that_was_chosen(
    window: Open, site: live.Platform, size: str
) -> None:
    page = window()
    page.goto(f"{site.web}/ui/developers?from=here")
    page.get_by_role("button", name="Español").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Desarrolladores")
    assert page.url == f"{site.web}/ui/developers?from=here"
    assert_accessible(page)
    page.goto(site.web)
    page.wait_for_selector('html[lang="es"][data-map="ready"]')
    expect(page.locator("#count")).to_contain_text("a la vista")
    assert_accessible(page)
    keep(page, size, "map-es")
    page.get_by_role("button", name="Català").click()
    page.goto(f"{site.web}/ui/me")
    page.get_by_label("Nom d'usuari o correu electrònic").fill(size)
    page.get_by_label("Contrasenya", exact=True).fill("alicealice")
    page.get_by_role("button", name="Inicia la sessió").click()
    page.get_by_role("link", name="Silent roof").click()
    expect(page.get_by_role("heading", name="Per què no diu res el meu kit?")).to_be_visible()
    assert_accessible(page)
    keep(page, size, "silent-ca")
