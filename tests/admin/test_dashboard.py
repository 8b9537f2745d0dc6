"""The first page of the admin site: the figures of this moment, cheap and with links that work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import Failure, OrmQ

from apps.devices.models import Device
from apps.mail.models import Mail
from apps.operations import dashboard, figures
from apps.readings import ingest
from apps.readings.keys import Row
from apps.readings.models import IngestError
from apps.users.models import User
from tests.admin.conftest import mail_row


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """No test sees the figures of another."""
    figures.forget()
    yield
    figures.forget()


def shown() -> dict[str, tuple[str, bool]]:
    """Each line by its name: what it says, and whether somebody should look."""
    figures.forget()
    panels = dashboard.read().panels
    return {line.name: (line.value, line.is_bad) for panel in panels for line in panel.lines}


def post(device: Device, *minutes_ago: int) -> None:
    """Readings of a device, so many minutes ago."""
    now = timezone.now()
    rows = [Row(n, now - timedelta(minutes=n), {12: (20.0, None)}) for n in minutes_ago]
    ingest.store(device.pk, rows)


def test_an_empty_platform_has_figures(db: None) -> None:
    told = shown()
    assert told["Online"] == ("0 of 0", False)
    assert told["Readings of the last hour"] == ("0", False)
    assert told["Newest reading"] == ("never", False)
    assert told["Tasks that wait"] == ("0", False)
    assert told["In use"] == ("0", False)


def test_devices_and_their_readings_are_counted(device: Device, bob: User) -> None:
    others = [Device.objects.register(owner=bob, name=f"Other {n}") for n in range(3)]
    post(device, 1, 2, 59, 61)
    post(others[0], 30)
    post(others[1], 200)
    Device.objects.filter(pk=others[2].pk).update(archived_at=timezone.now())
    told = shown()
    assert told["Online"] == ("1 of 3", False)
    assert told["Posted in the last hour"] == ("2", False)
    assert told["Readings of the last hour"] == ("4", False)
    assert told["Added in the last 24 hours"] == ("3", False)
    assert told["Newest reading"] == ("1 min ago", False)


def test_of_many_devices_some_are_asked(
    device: Device, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(3):
        post(Device.objects.register(owner=bob, name=f"Other {n}"), 1, 2)
    post(device, 1, 2)
    monkeypatch.setattr(dashboard, "DEVICES_ASKED", 2)
    assert shown()["Readings of the last hour"] == ("about 8", False)
    with CaptureQueriesContext(connection) as queries:
        dashboard.readings_since(timezone.now(), timedelta(hours=1))
    [over] = [query["sql"] for query in queries if "readings_reading" in query["sql"]]
    assert "device_id = ANY" in over, "every statement over readings names its devices"


def test_what_somebody_should_look_at_is_marked(device: Device, alice: User) -> None:
    now = timezone.now()
    post(device, 120)
    OrmQ.objects.create(key="smartcitizen", payload="", lock=now - timedelta(hours=3))
    Failure.objects.create(id="b" * 32, name="x", func="x", success=False, started=now, stopped=now)
    mail_row(alice)
    Mail.objects.update(failed_at=now)
    told = shown()
    assert told["Newest reading"] == ("2 h ago", True)
    assert told["Tasks that wait"] == ("1, the oldest for 3 h", True)
    assert told["Tasks that failed in 24 hours"] == ("1", True)
    assert told["Mails given up"] == ("1", True)
    assert told["Mails that wait"] == ("0", False)
    assert told["Hours whose averages wait"] == ("1", False)
    problems = dashboard.read().problems
    assert problems["queue"].startswith("behind: its oldest task has waited")


def test_the_reasons_of_the_day_are_listed_the_most_frequent_first(device: Device) -> None:
    old = timezone.now() - timedelta(days=2)
    for reason, count, at in [
        ("is 2 days ahead", 3, None),
        ("is no number", 40, None),
        ("long ago", 99, old),
    ]:
        error = IngestError.objects.create(
            device=device, source="rest", reason=reason, count=count, payload=""
        )
        IngestError.objects.filter(pk=error.pk).update(last_at=at or timezone.now())
    [panel] = [panel for panel in dashboard.read().panels if panel.title.startswith("Refused")]
    assert [(line.name, line.value) for line in panel.lines] == [
        ("is no number", "40 (senders: 1)"),
        ("is 2 days ahead", "3 (senders: 1)"),
    ]


def test_the_page_shows_it_and_every_link_leads_somewhere(
    everything: None, device: Device, browser: Client
) -> None:
    post(device, 1)
    page = browser.get("/admin/")
    html = page.content.decode()
    panels = dashboard.read().panels
    links = [line.link for panel in panels for line in panel.lines if line.link]
    assert len(links) > 8
    for line in (line for panel in panels for line in panel.lines):
        assert line.name in html, line
    for link in links:
        assert browser.get(link).status_code == 200, link
    assert "Recent actions" in html, "what Django shows there is still there"


def test_it_costs_the_same_however_much_there_is(browser: Client, many_rows: None) -> None:
    browser.get("/admin/")  # what a process keeps once read is kept
    figures.forget()
    with CaptureQueriesContext(connection) as queries:
        assert browser.get("/admin/").status_code == 200
    assert len(queries) <= 18, [query["sql"] for query in queries]


def test_the_page_of_a_device_shows_its_newest_values_and_what_was_refused(
    device: Device, browser: Client
) -> None:
    address = f"/admin/devices/device/{device.pk}/change/"
    html = browser.get(address).content.decode()
    assert "It has not posted yet." in html and "Nothing that it sent was refused." in html
    post(device, 1, 2)
    IngestError.objects.create(
        device=device, source="rest", reason="<b>is no number</b>", count=7, payload=""
    )
    page = browser.get(address)
    html = page.content.decode()
    told: Any = page.context["newest"]
    assert [(each["id"], each["value"], each["prev_value"]) for each in told] == [(12, 20.0, 20.0)]
    assert "&lt;b&gt;is no number&lt;/b&gt;" in html and "<td>7</td>" in html
