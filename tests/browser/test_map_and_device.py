"""A passer-by, the map of all devices, and the page of one."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from urllib.parse import unquote

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
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

now = timezone.now().replace(second=0, microsecond=0)
alice = User.objects.create_user("alice", "alice@example.org", "alicealice")
kit = Kit.objects.get(slug="sck:1,1")
for name, lat, lng, silent_days, private in [
    ("Haarlem roof", 52.37, 4.62, 0, False), ("Haarlem cellar", 52.38, 4.63, 3, False),
    ("Lima garden", -12.04, -77.03, 0, False), ("Secret garden", 41.40, 2.21, 0, True),
]:
    device = Device.objects.register(
        owner=alice, kit=kit, name=name, latitude=lat, longitude=lng, is_private=private,
        exposure="indoor" if "cellar" in name else "outdoor", city=name.split()[0],
    )
    # Two days of a post each ten minutes, with half a day missing
    rows = [
        Row(n, now - timedelta(days=silent_days, minutes=10 * n), {
            12: (20 + n % 7, None), 7: (50.0 + n % 20, float(n)),
        })
        for n in range(288) if not 100 < n < 172
    ]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)
print({device.name: device.pk for device in Device.objects.all()})
"""


@pytest.fixture(scope="module")
def site(django_db_blocker: DjangoDbBlocker) -> Iterator[live.Platform]:
    """The platform with four devices, one of them private."""
    with django_db_blocker.unblock(), live.platform("map_browser") as running:
        running.python(FILL)
        yield running


def opened(window: Open, url: str, **options: str) -> Page:
    """The map, once all its devices are there."""
    page = window(**options)
    page.goto(url)
    page.wait_for_selector('html[data-map="ready"]')
    return page


def test_the_map_shows_public_devices_and_leads_to_them(
    site: live.Platform, window: Open, size: str
) -> None:
    page = opened(window, site.web)
    expect(page.locator("#count")).to_have_text("3 devices in view")
    names = page.locator("#in-view strong").all_inner_texts()
    assert sorted(names) == ["Haarlem cellar", "Haarlem roof", "Lima garden"]
    assert "Secret garden" not in page.content()
    keep(page, size, "map")
    assert_accessible(page)
    page.get_by_role("link", name=re.compile("Lima garden")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Lima garden")


def test_filters_narrow_the_map(site: live.Platform, window: Open) -> None:
    page = opened(window, site.web)
    page.get_by_label("Status").select_option("online")
    expect(page.locator("#count")).to_have_text("2 devices in view")
    page.get_by_label("Exposure").select_option("indoor")
    expect(page.locator("#count")).to_have_text("0 devices in view")
    page.get_by_label("Status").select_option("")
    expect(page.locator("#in-view strong")).to_have_text(["Haarlem cellar"])
    page.get_by_label("Exposure").select_option("")
    page.get_by_label("Measures").select_option("noise")
    expect(page.locator("#count")).to_have_text("3 devices in view")
    page.get_by_label("Measures").select_option("co")
    expect(page.locator("#count")).to_have_text("0 devices in view")


def test_the_filters_and_the_list_are_walked_and_used_by_the_keyboard(
    site: live.Platform, window: Open
) -> None:
    page = opened(window, site.web)
    page.get_by_role("combobox", name="Search for devices and people").focus()
    for stop in ("Measures", "Status", "Exposure"):
        page.keyboard.press("Tab")
        expect(page.get_by_label(stop)).to_be_focused()
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Exposure")).to_have_value("outdoor")
    expect(page.locator("#count")).to_have_text("2 devices in view")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("o")  # a letter chooses, as in any list
    expect(page.get_by_label("Status")).to_have_value("online")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#in-view strong")).to_have_count(0)
    page.keyboard.press("ArrowUp")
    expect(page.locator("#in-view strong")).to_have_count(2)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Near me")).to_be_focused()
    page.keyboard.press("Tab")
    first = page.locator("#in-view a").first
    expect(first).to_be_focused()
    name = first.locator("strong").inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_a_place_on_the_map_has_an_address(site: live.Platform, window: Open) -> None:
    page = opened(window, f"{site.web}/#52.37,4.62,10")
    expect(page.locator("#count")).to_have_text("2 devices in view")
    assert re.search(r"#52\.37\d*,4\.62\d*,10$", unquote(page.url))


PIXEL = """token => {
  const canvas = document.querySelector(".leaflet-overlay-pane canvas");
  const box = canvas.getBoundingClientRect();
  const map = document.getElementById("map").getBoundingClientRect();
  const scale = canvas.width / box.width;
  const [x, y] = [map.x + map.width / 2 - box.x, map.y + map.height / 2 - box.y];
  const one = new OffscreenCanvas(1, 1).getContext("2d");
  one.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(token).trim();
  one.fillRect(0, 0, 1, 1);
  const at = [Math.round(x * scale), Math.round(y * scale), 1, 1];
  const found = canvas.getContext("2d").getImageData(...at);
  return [...found.data].join() === [...one.getImageData(0, 0, 1, 1).data].join();
}"""


def test_a_device_stays_on_top_of_land_that_comes_later(site: live.Platform, window: Open) -> None:
    page = opened(window, site.web)
    with page.expect_response("**/countries-50m*") as finer:
        page.evaluate("location.hash = '-12.04,-77.03,8'")
    finer.value.finished()
    page.wait_for_timeout(300)  # the land is painted
    assert page.evaluate(PIXEL, "--online")


def test_near_me_goes_where_the_browser_says(site: live.Platform, window: Open) -> None:
    here = {"latitude": -12.0, "longitude": -77.0}
    page = opened(window, site.web, geolocation=here, permissions=["geolocation"])  # type: ignore[arg-type]
    page.get_by_role("button", name="Near me").click()
    expect(page.locator("#in-view strong")).to_have_text(["Lima garden"])


def test_the_search_box_suggests_and_the_keyboard_chooses(
    site: live.Platform, window: Open
) -> None:
    page = opened(window, site.web)
    box = page.get_by_role("combobox", name="Search for devices and people")
    box.press_sequentially("lima")
    expect(page.locator("#suggestions [role=option]")).to_have_count(1)
    box.press("ArrowDown")
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Lima garden")


def test_without_scripts_there_is_a_list_and_a_search(site: live.Platform, window: Open) -> None:
    page = window(java_script_enabled=False)
    page.goto(site.web)
    assert len(page.locator("#in-view strong").all()) == 3
    page.get_by_role("searchbox").fill("cellar")
    page.get_by_role("searchbox").press("Enter")
    assert page.locator("#in-view strong").all_inner_texts() == ["Haarlem cellar"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_device_shows_its_values_and_charts(
    site: live.Platform, window: Open, size: str, scheme: str
) -> None:
    page = window(scheme=scheme)
    page.goto(f"{site.web}/ui/devices/1")
    expect(page.get_by_role("heading", level=1)).to_have_text("Haarlem roof")
    row = page.get_by_role("row", name=re.compile("air temperature"))
    expect(row).to_contain_text("20 ºC")
    noise = page.locator("#sensor-7")
    noise.scroll_into_view_if_needed()
    expect(noise.locator("canvas")).to_be_visible()
    # Which readings share a bucket goes by the minute of now.
    expect(noise.locator(".said")).to_contain_text(re.compile(r"lowest 5\d\S*, highest 6\d\S* dB"))
    keep(page, size, f"device-{scheme}")
    assert_accessible(page)


def test_a_zoom_asks_for_finer_buckets(site: live.Platform, window: Open) -> None:
    page = window()
    page.goto(f"{site.web}/ui/devices/1#sensor-7")
    noise = page.locator("#sensor-7")
    noise.scroll_into_view_if_needed()
    expect(noise.locator(".said")).to_contain_text("30m")
    plot = noise.locator(".u-over").bounding_box()
    assert plot
    page.mouse.move(plot["x"] + plot["width"] * 0.9, plot["y"] + 50)
    page.mouse.down()
    page.mouse.move(plot["x"] + plot["width"] * 0.98, plot["y"] + 50, steps=5)
    page.mouse.up()
    expect(noise.locator(".said")).not_to_contain_text("30m")
    page.get_by_role("button", name="Year").click()
    expect(noise.locator(".said")).to_contain_text("1d")


def test_the_call_behind_a_chart_works_when_pasted(site: live.Platform, window: Open) -> None:
    page = window()
    page.goto(f"{site.web}/ui/devices/1")
    noise = page.locator("#sensor-7")
    noise.scroll_into_view_if_needed()
    expect(noise.locator("canvas")).to_be_visible()
    call = noise.locator(".call").text_content() or ""
    found = re.fullmatch(rf"curl '{re.escape(site.web)}(/v0/devices/1/readings\?.*)'", call)
    assert found, call
    answer = site.get(found[1]).json()
    assert answer["function"] == "avg"
    assert len(answer["readings"]) > 10


def test_two_sensors_are_compared_in_one_chart(site: live.Platform, window: Open) -> None:
    page = window()
    page.goto(f"{site.web}/ui/devices/1")
    noise = page.locator("#sensor-7")
    noise.scroll_into_view_if_needed()
    noise.get_by_label("Compare with").select_option(label="air temperature")
    expect(noise.locator(".u-legend")).to_contain_text("air temperature, ºC")


def test_the_file_of_the_range_is_downloaded(site: live.Platform, window: Open) -> None:
    page = window()
    page.goto(f"{site.web}/ui/devices/1")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download as CSV").click()
    lines = waiting.value.path().read_text().splitlines()
    assert lines[0].startswith("recorded_at,POM-3044P-R (dB)")
    assert len(lines) > 200


def test_a_private_device_has_charts_for_its_owner_alone(site: live.Platform, window: Open) -> None:
    assert site.get("/ui/devices/4").status_code == 404
    assert site.get("/ui/devices/4/readings").status_code == 404
    page = window()
    page.goto(f"{site.web}/ui/sign_in?next=/ui/devices/4")
    page.get_by_label("Username or e-mail address").fill("alice")
    page.get_by_label("Password").fill("alicealice")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Secret garden")
    noise = page.locator("#sensor-7")
    noise.scroll_into_view_if_needed()
    expect(noise.locator("canvas")).to_be_visible()


def test_a_person_has_a_page(site: live.Platform, window: Open, size: str) -> None:
    page = window()
    page.goto(f"{site.web}/ui/users/alice")
    assert page.get_by_role("list").locator("strong").all_inner_texts() == [
        "Haarlem roof", "Haarlem cellar", "Lima garden",
    ]  # fmt: skip
    keep(page, size, "person")
    assert_accessible(page)
    assert json.dumps("Secret garden") not in page.content()
