"""Readings on the admin site: taken back and put right, after a look, and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django_q.models import OrmQ

from apps.devices.models import Device
from apps.readings import asked_corrections, corrections, ingest
from apps.readings.keys import Row
from apps.readings.models import Reading
from apps.users.models import User
from tests.admin.acts import audit
from tests.admin.conftest import NOON, SignIn
from tests.contract.tools import rows as all_rows
from tests.users.worker import work

SPAN = {"start": "2026-03-05 12:00", "end": "2026-03-05 12:02"}


@pytest.fixture
def posted(device: Device) -> Device:
    """Three readings a minute apart; the last one is half a second late."""
    rows = [
        Row(n, NOON + timedelta(seconds=60 * n + n / 4), {7: (50.0 + n, None), 12: (20.0 + n, 1.0)})
        for n in range(3)
    ]
    ingest.store(device.pk, rows)
    return device


def page(device: Device, below: str = "") -> str:
    """The address of the readings of a device, or of a page below."""
    return f"/admin/devices/device/{device.pk}/readings/{below}"


def test_the_list_leads_to_the_correction_of_each_reading(posted: Device, browser: Client) -> None:
    html = browser.get(page(posted)).content.decode()
    links = [part.split('"')[0] for part in html.split('href="')[1:] if "correct/" in part[:80]]
    assert len(links) == 3
    shown = browser.get(links[0])
    assert "2026-03-05 12:02:00 UTC" in shown.content.decode()
    assert [(field.name, field.value()) for field in shown.context["form"]] == [
        ("7", 52.0),
        ("12", 22.0),
    ]


def test_a_value_is_put_right(posted: Device, browser: Client, client: Any) -> None:
    address = page(posted, "correct/?at=2026-03-05T12:00:00%2B00:00")
    answer = browser.post(address, {"7": "50.0", "12": "19.25"})
    assert (answer.status_code, answer["Location"]) == (302, page(posted))
    listed = client.get(f"/v0/devices/{posted.pk}/readings").json()
    assert [reading["data"]["12"] for reading in listed] == [22.0, 21.0, 19.25]
    told = "Corrected sensor 12 at 2026-03-05T12:00:00Z: 20.0 is 19.25."
    assert audit() == [("carol", str(posted), told)]


@pytest.mark.parametrize("value", ["", "warm", "nan", "inf", "1e999"])
def test_what_is_no_number_is_refused(value: str, posted: Device, browser: Client) -> None:
    before = all_rows()
    address = page(posted, "correct/?at=2026-03-05T12:00:00%2B00:00")
    answer = browser.post(address, {"7": "50.0", "12": value})
    assert answer.status_code == 200
    assert list(answer.context["form"].errors) == ["12"]
    assert all_rows() == before


@pytest.mark.parametrize("at", ["", "?at=2026-03-05T11:00:00%2B00:00"])
def test_a_reading_that_is_not_there_is_not_found(at: str, posted: Device, browser: Client) -> None:
    assert browser.get(page(posted, f"correct/{at}")).status_code == 404


def test_readings_are_deleted_once_their_number_was_seen(
    posted: Device, browser: Client, client: Any
) -> None:
    assert browser.get(page(posted, "delete/")).status_code == 200
    before = all_rows()
    asked = browser.post(page(posted, "delete/"), SPAN).content.decode()
    what = "readings from 2026-03-05T12:00:00Z to 2026-03-05T12:02:00Z"
    assert f"2 {what} are deleted for good." in asked
    assert all_rows() == before
    answer = browser.post(page(posted, "delete/"), {**SPAN, "confirmed": "yes"})
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["Deleted: 2."]
    listed = client.get(f"/v0/devices/{posted.pk}/readings").json()
    assert [reading["recorded_at"] for reading in listed] == ["2026-03-05T12:02:00Z"]
    assert audit() == [("carol", str(posted), f"Deleted 2 {what}.")]


def test_the_values_of_one_sensor_are_deleted(posted: Device, browser: Client) -> None:
    browser.post(page(posted, "delete/"), {**SPAN, "sensor_id": "12", "confirmed": "yes"})
    stored = ingest.values_at(posted.pk, [NOON])
    assert stored == {NOON: {7: (50.0, None)}}
    what = "values of sensor 12 from 2026-03-05T12:00:00Z to 2026-03-05T12:02:00Z"
    assert audit() == [("carol", str(posted), f"Deleted 2 {what}.")]


def test_many_are_deleted_by_the_worker(
    posted: Device, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corrections, "AT_ONCE", 1)
    monkeypatch.setattr(asked_corrections, "SECONDS", 0)
    sent = {**SPAN, "end": "2026-03-06"}
    assert "More than 1 readings" in browser.post(page(posted, "delete/"), sent).content.decode()
    browser.post(page(posted, "delete/"), {**sent, "confirmed": "yes"})
    assert (Reading.objects.count(), OrmQ.objects.count()) == (3, 1)
    work()
    assert not Reading.objects.exists()
    what = "readings from 2026-03-05T12:00:00Z to 2026-03-06T00:00:00Z"
    assert [done for _, _, done in audit()] == [
        f"Deletion asked for: {what}.",
        f"Deleted 3 {what}.",
    ]


def test_a_device_that_was_purged_meanwhile_is_no_fault(
    posted: Device, carol: User, browser: Client
) -> None:
    span = corrections.Span(posted.pk, NOON, NOON + timedelta(days=1))
    asked_corrections.ask(span, carol.pk)
    Device.objects.filter(pk=posted.pk).delete()
    work()
    assert audit() == []


@pytest.mark.parametrize(
    ("sent", "field", "complaint"),
    [
        ({"end": "2026-03-05 12:00"}, "end", "has to be after the start"),
        ({"start": "yesterday"}, "start", "Enter a valid date/time."),
        ({"start": ""}, "start", "This field is required."),
        ({"sensor_id": "55"}, "sensor_id", "Select a valid choice."),
    ],
)
def test_a_span_that_is_none_is_refused(
    sent: dict[str, str], field: str, complaint: str, posted: Device, browser: Client
) -> None:
    before = all_rows()
    answer = browser.post(page(posted, "delete/"), {**SPAN, **sent, "confirmed": "yes"})
    assert answer.status_code == 200
    assert complaint in str(answer.context["form"].errors[field])
    assert all_rows() == before


def test_a_span_without_readings_says_so(posted: Device, browser: Client) -> None:
    sent = {"start": "2020-01-01", "end": "2020-01-02"}
    html = browser.post(page(posted, "delete/"), sent).content.decode()
    assert "There are no readings from 2020-01-01T00:00:00Z to 2020-01-02T00:00:00Z." in html


def test_nobody_else_gets_there(posted: Device, alice: User, signed_in: SignIn) -> None:
    browsers = (signed_in(alice), Client())
    before = all_rows()
    for browser in browsers:
        for below in ("correct/?at=2026-03-05T12:00:00%2B00:00", "delete/"):
            answer = browser.post(page(posted, below), {**SPAN, "confirmed": "yes", "12": "1"})
            assert answer.status_code == 302
            assert answer["Location"].startswith("/admin/login/")
    assert all_rows() == before
