"""The audit log: who did what and when, found by each of them, changed by nobody."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from apps.devices.models import Device
from apps.users.models import User
from tests.admin.acts import act
from tests.admin.forms import change

LOG = "/admin/admin/logentry/"


@pytest.fixture
def done(device: Device, bob: User, browser: Client) -> LogEntry:
    """Carol transferred a device of alice's, and changed bob; the first is returned."""
    act(browser, "transfer", device, new_owner=bob.pk)
    change(browser, f"/admin/users/user/{bob.pk}/change/", city="Lyon")
    return LogEntry.objects.order_by("pk")[0]


@pytest.mark.parametrize("sought", ["Haarlem", "transferred", "carol", "ID"])
def test_what_was_done_is_found(sought: str, done: LogEntry, browser: Client) -> None:
    page = browser.get(LOG, {"q": str(done.object_id) if sought == "ID" else sought})
    assert done in page.context["cl"].queryset
    html = page.content.decode()
    assert "Transferred from alice to bob." in html
    assert f'<a href="/admin/devices/device/{done.object_id}/change/">' in html


def test_what_is_not_sought_is_not_found(done: LogEntry, browser: Client) -> None:
    page = browser.get(LOG, {"q": "purged"})
    assert not page.context["cl"].queryset


def test_a_change_by_a_form_says_which_fields(done: LogEntry, browser: Client) -> None:
    assert "Changed City." in browser.get(LOG).content.decode()


def test_nobody_changes_or_deletes_what_was_written(done: LogEntry, browser: Client) -> None:
    before = list(LogEntry.objects.values())
    address = f"{LOG}{done.pk}/"
    assert browser.get(f"{address}change/").status_code == 200
    assert browser.post(f"{address}change/", {"change_message": "none"}).status_code == 403
    assert browser.post(f"{address}delete/", {"post": "yes"}).status_code == 403
    browser.post(LOG, {"action": "delete_selected", "_selected_action": [done.pk], "post": "yes"})
    assert list(LogEntry.objects.values()) == before
