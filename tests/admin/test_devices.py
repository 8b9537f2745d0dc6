"""What administrators do with devices, kits, and what was refused."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.devices import world_map
from apps.devices.models import Device, Experiment, OrphanDevice, Tag
from apps.kits.models import Kit, KitSensor
from apps.readings import ingest
from apps.readings.admin_readings import READINGS_PER_PAGE
from apps.readings.keys import Row
from apps.sensors.models import Sensor
from apps.users.models import User
from tests.admin.conftest import NOON
from tests.admin.forms import change, complaints, filled_in

DEVICES = "/admin/devices/device/"


def test_a_device_is_changed(device: Device, browser: Client) -> None:
    answer = change(browser, f"{DEVICES}{device.pk}/change/", name="Roof", country_code="es")
    assert answer.status_code == 302
    device.refresh_from_db()
    assert (device.name, device.country_code) == ("Roof", "ES")
    assert device.description is None, "blank is null"


def test_a_new_position_moves_the_geohash(device: Device, browser: Client) -> None:
    former = device.geohash
    change(browser, f"{DEVICES}{device.pk}/change/", longitude="100.5")
    device.refresh_from_db()
    assert device.longitude == device.public_longitude == 100.5
    assert device.geohash != former


def test_a_device_is_added_with_the_sensors_of_its_kit(
    alice: User, sck_1_1: Kit, browser: Client
) -> None:
    answer = browser.post(
        f"{DEVICES}add/", inline() | {"name": "New", "owner": alice.pk, "kit": sck_1_1.pk}
    )
    assert answer.status_code == 302
    added = Device.objects.get(name="New")
    assert added.components.count() == sck_1_1.kit_sensors.count() > 0


def test_another_kit_brings_its_sensors(device: Device, browser: Client) -> None:
    kit = Kit.objects.create(slug="one", name="One sensor")
    KitSensor.objects.create(kit=kit, sensor_id=12, key="temp")
    change(browser, f"{DEVICES}{device.pk}/change/", kit=kit.pk)
    assert [component.sensor_id for component in device.components.all()] == [12]


def inline() -> dict[str, Any]:
    """What a page with components sends of them: nothing."""
    return {"components-TOTAL_FORMS": 0, "components-INITIAL_FORMS": 0}


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("mac_address", "00:06:66", "is invalid"),
        ("mac_address", "00-06-66-aa-bb-cc", "has already been taken"),
        ("latitude", None, "can't be blank where the other coordinate is given"),
        ("longitude", None, "can't be blank where the other coordinate is given"),
        ("latitude", "91", "Ensure this value is less than or equal to 90."),
        ("country_code", "QQ", "is not a country code of ISO 3166"),
        ("postprocessing", "[1]", "has to be an object"),
    ],
)
def test_a_device_that_is_not_in_order_is_not_saved(
    field: str, value: str | None, complaint: str, device: Device, bob: User, browser: Client
) -> None:
    Device.objects.register(owner=bob, name="Other", mac_address="00:06:66:AA:BB:CC")
    answer = change(browser, f"{DEVICES}{device.pk}/change/", **{field: value})
    assert complaints(answer) == {field: [complaint]}


def test_saving_a_page_keeps_the_readings_that_came_since_it_was_opened(
    device: Device, browser: Client
) -> None:
    sent = filled_in(browser.get(f"{DEVICES}{device.pk}/change/"))
    real = Device.objects.get_queryset

    def post_a_reading(*args: Any, **kwargs: Any) -> Any:
        ingest.store(device.pk, [Row(0, NOON, {12: (21.5, None)})])
        return mock.DEFAULT

    with mock.patch.object(Device, "full_clean", autospec=True, side_effect=post_a_reading):
        browser.post(f"{DEVICES}{device.pk}/change/", sent | {"name": "Saved later"})
    device = real().get(pk=device.pk)
    assert device.name == "Saved later"
    assert device.last_reading_at == NOON


def test_a_saved_device_reaches_the_world_map_at_once(
    device: Device, browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    assert str(device.pk).encode() in world_map.current().body
    with django_capture_on_commit_callbacks(execute=True):
        change(browser, f"{DEVICES}{device.pk}/change/", is_private="on")
    assert world_map.current().body == b"[]"


def test_devices_are_archived_and_restored_but_never_deleted(
    device: Device, carol: User, browser: Client, django_capture_on_commit_callbacks: Any
) -> None:
    assert browser.get(f"{DEVICES}{device.pk}/delete/").status_code == 403
    world_map.current()
    chosen = {"_selected_action": [device.pk]}
    with django_capture_on_commit_callbacks(execute=True):
        page = browser.post(DEVICES, {"action": "archive", **chosen}, follow=True)
    assert "Archived: 1." in page.content.decode()
    assert not Device.objects.active().exists()
    assert world_map.current().body == b"[]", "it has left the world map"
    browser.post(DEVICES, {"action": "archive", **chosen})
    browser.post(DEVICES, {"action": "restore", **chosen})
    assert Device.objects.active().get() == device
    entries = LogEntry.objects.order_by("pk").values_list("user_id", "change_message")
    assert list(entries) == [(carol.pk, "Archived."), (carol.pk, "Restored.")]


@pytest.mark.parametrize(
    "sought", ["00:06:66:2A:02:B3", "00-06-66-2a-02-b3", "2a-02", "alice", "smarthaar", "ID"]
)
def test_a_device_is_found(sought: str, device: Device, bob: User, browser: Client) -> None:
    Device.objects.register(owner=bob, name="Other", mac_address="11:22:33:44:55:66")
    page = browser.get(DEVICES, {"q": str(device.pk) if sought == "ID" else sought})
    assert list(page.context["cl"].queryset) == [device]


def test_devices_are_filtered_by_status(device: Device, alice: User, browser: Client) -> None:
    now = timezone.now()
    ages = {"online": timedelta(minutes=9), "offline": timedelta(minutes=11)}
    for name, age in ages.items():
        Device.objects.register(owner=alice, name=name, last_reading_at=now - age)
    for status, name in [("new", "SmartHaarlem"), ("online", "online"), ("offline", "offline")]:
        page = browser.get(DEVICES, {"status": status})
        assert [found.name for found in page.context["cl"].queryset] == [name]
        assert f'<td class="field-status">{status}</td>' in page.content.decode()


def test_the_page_of_a_device_leads_to_its_readings(device: Device, browser: Client) -> None:
    page = browser.get(f"{DEVICES}{device.pk}/change/").content.decode()
    address = reverse("admin:devices_device_readings", args=[device.pk])
    assert address == f"{DEVICES}{device.pk}/readings/"
    assert f'href="{address}"' in page


def test_the_newest_readings_are_shown_a_page_at_a_time(device: Device, browser: Client) -> None:
    raw = {12: (21.5, 1.0), 7: (50.25, None)}
    late = timedelta(milliseconds=500)
    rows = [Row(n, NOON + late + timedelta(minutes=n), raw) for n in range(READINGS_PER_PAGE + 3)]
    ingest.store(device.pk, rows)
    address = f"{DEVICES}{device.pk}/readings/"
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(address)
    assert len(queries) <= 7
    html = page.content.decode()
    assert len(page.context["rows"]) == READINGS_PER_PAGE
    assert "2026-03-05 15:22:00" in html
    assert '21.5 <span class="quiet" title="raw value">(1)</span>' in html
    assert "<td>50.25</td>" in html
    assert "(12)" in html
    older = browser.get(address, {"before": page.context["older"].isoformat()})
    assert [row["reading"].recorded_at for row in older.context["rows"]] == [
        NOON + late + timedelta(minutes=n) for n in (2, 1, 0)
    ]
    assert older.context["older"] is None


def test_a_device_without_readings_and_one_that_is_missing(device: Device, browser: Client) -> None:
    assert "No readings." in browser.get(f"{DEVICES}{device.pk}/readings/").content.decode()
    assert browser.get(f"{DEVICES}0/readings/").status_code == 404


@pytest.mark.parametrize("time", ["yesterday", "2026-03-05", "2026-13-05T00:00:00Z", "\0"])
def test_a_time_that_cannot_be_read_is_refused(time: str, device: Device, browser: Client) -> None:
    answer = browser.get(f"{DEVICES}{device.pk}/readings/", {"before": time})
    assert answer.status_code == 400


def test_a_formula_is_saved(sck_1_1: Kit, browser: Client) -> None:
    row = sck_1_1.kit_sensors.get(sensor_id=12)
    formula = {"kind": "linear", "multiply": 2, "add": -1.5}
    assert edit_formula(sck_1_1, row, json.dumps(formula), browser).status_code == 302
    row.refresh_from_db()
    assert row.calibration == formula
    assert edit_formula(sck_1_1, row, "", browser).status_code == 302
    row.refresh_from_db()
    assert row.calibration is None


@pytest.mark.parametrize(
    ("formula", "complaint"),
    [
        ('{"kind": "linear", "divide": 0}', "divides by zero"),
        ('{"kind": "cubic"}', "has to have the kind linear or table"),
        ('{"kind": "linear", "add": NaN}', "has a add that is not a number"),
        ("{", "Enter a valid JSON."),
    ],
)
def test_a_formula_that_cannot_be_used_is_not_saved(
    formula: str, complaint: str, sck_1_1: Kit, browser: Client
) -> None:
    row = sck_1_1.kit_sensors.get(sensor_id=12)
    before = row.calibration
    page = edit_formula(sck_1_1, row, formula, browser)
    assert page.status_code == 200
    assert complaint in page.content.decode()
    row.refresh_from_db()
    assert row.calibration == before


def edit_formula(kit: Kit, row: KitSensor, formula: str, browser: Client) -> Any:
    """Write a formula into the page of a kit."""
    position = list(kit.kit_sensors.all()).index(row)
    field = f"kit_sensors-{position}-calibration"
    return change(browser, f"/admin/kits/kit/{kit.pk}/change/", **{field: formula})


def test_what_devices_use_is_not_deleted(device: Device, sck_1_1: Kit, browser: Client) -> None:
    unused_kit = Kit.objects.create(slug="unused", name="Unused")
    unused = Sensor.objects.create(id=30000, name="Unused")
    used = sck_1_1.sensors.first()
    assert used is not None
    for address, status in [
        (f"/admin/kits/kit/{sck_1_1.pk}/delete/", 403),
        (f"/admin/kits/kit/{unused_kit.pk}/delete/", 200),
        (f"/admin/sensors/sensor/{used.pk}/delete/", 403),
        (f"/admin/sensors/sensor/{unused.pk}/delete/", 200),
    ]:
        assert browser.get(address).status_code == status, address
    assert (
        browser.post(f"/admin/sensors/sensor/{unused.pk}/delete/", {"post": "yes"}).status_code
        == 302
    )
    assert not Sensor.objects.filter(pk=unused.pk).exists()


def test_deleting_a_tag_says_how_many_devices_lose_it(device: Device, browser: Client) -> None:
    tag = Tag.objects.create(name="Short-lived")
    device.tags.add(tag)
    page = browser.get(f"/admin/devices/tag/{tag.pk}/delete/").content.decode()
    assert "devices that have them: 1" in page.lower()
    browser.post(f"/admin/devices/tag/{tag.pk}/delete/", {"post": "yes"})
    assert not Tag.objects.filter(pk=tag.pk).exists()
    assert Device.objects.filter(pk=device.pk).exists()


def test_the_tree_of_sensors_has_no_loop(db: None, browser: Client) -> None:
    child = Sensor.objects.exclude(parent=None).first()
    assert child is not None and child.parent is not None
    address = f"/admin/sensors/sensor/{child.parent.pk}/change/"
    answer = change(browser, address, parent=child.pk)
    assert complaints(answer) == {"parent": ["has this sensor above it"]}


def test_refused_readings_are_found_and_cannot_be_changed(
    everything: None, device: Device, browser: Client
) -> None:
    address = "/admin/readings/ingesterror/"
    for query, origin in [
        ("00:06:66:aa:bb:cc", "00-06-66-AA-BB-CC"),
        ("00-06-66", "00-06-66-AA-BB-CC"),
        (str(device.pk), ""),
    ]:
        page = browser.get(address, {"q": query})
        assert origin in [error.origin for error in page.context["cl"].queryset]
    found = browser.get(address, {"q": "00:06:66:2A:02:B3"}).context["cl"].queryset.get()
    assert found.device == device
    page = browser.get(f"{address}{found.pk}/change/")
    assert "{&quot;temp&quot;: &quot;abc&quot;}" in page.content.decode()
    assert browser.post(f"{address}{found.pk}/change/", {"reason": "none"}).status_code == 403


def test_an_experiment_is_edited_with_its_devices(device: Device, browser: Client) -> None:
    experiment = Experiment.objects.create(name="Quiet", owner=device.owner)
    address = f"/admin/devices/experiment/{experiment.pk}/change/"
    assert change(browser, address, devices=[device.pk]).status_code == 302
    assert list(experiment.devices.all()) == [device]


def test_an_orphan_does_not_tell_its_token(db: None) -> None:
    orphan = OrphanDevice.objects.create(device_token="ab12cd")
    assert "ab12cd" not in str(orphan)
