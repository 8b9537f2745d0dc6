"""Lists of the admin site as CSV: whole, safe in a spreadsheet, and written down."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import format_html

from apps.devices.models import Device
from apps.sensors.admin_csv import cell
from apps.sensors.admin_pages import PlatformAdmin
from apps.users.models import User
from tests.admin.acts import act, audit
from tests.admin.conftest import SECRETS


def table(answer: Any) -> list[list[str]]:
    """The lines of a CSV file, as a spreadsheet reads them."""
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text)))


@pytest.mark.parametrize(
    "text",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＋1", "－1", "＠A"),
        *("  =1", "\xa0=1", '=HYPERLINK("http://evil.example","x")', "=cmd|' /C calc'!A0"),
    ],
)
def test_no_text_is_taken_for_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(format_html("<a href='/x'>{}</a>", text)) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (True, "true"),
        (-1.5, -1.5),
        (7, 7),
        ("a=b", "a=b"),
        ("<b>bold</b>", "<b>bold</b>"),
        (format_html("<a href='/x'>{}</a>", "<b> & co"), "<b> & co"),
        (datetime(2026, 3, 5, 12, tzinfo=UTC), "2026-03-05T12:00:00Z"),
        (datetime(2026, 3, 5, 13, tzinfo=timezone(timedelta(hours=1))), "2026-03-05T12:00:00Z"),
    ],
)
def test_values_are_shown_as_they_are(value: Any, shown: Any) -> None:
    assert cell(value) == shown


def test_a_list_is_exported_as_it_is_shown_and_that_is_written_down(
    device: Device, bob: User, browser: Client
) -> None:
    other = Device.objects.register(owner=bob, name='=HYPERLINK("http://evil.example")', city=",;")
    answer = act(browser, "export_csv", device, other, yes=False)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'attachment; filename="device-' in answer["Content-Disposition"]
    header, *lines = table(answer)
    assert header[:4] == ["ID", "Name", "Owner", "Kit"]
    assert lines[0][:4] == [str(device.pk), "SmartHaarlem", "alice", str(device.kit)]
    assert lines[1][:3] == [str(other.pk), """'=HYPERLINK("http://evil.example")""", "bob"]
    assert ",;" in lines[1]
    assert audit() == [("carol", "devices", "Exported 2 as CSV.")]


def test_all_that_was_found_is_exported_not_the_page_alone(
    device: Device, browser: Client, many_rows: None
) -> None:
    sent = {
        "action": "export_csv",
        "select_across": "1",
        "_selected_action": [device.pk],
        "index": "0",
    }
    with CaptureQueriesContext(connection) as queries:
        _, *lines = table(browser.post("/admin/devices/device/?q=of-many", sent))
    assert len(lines) == 30
    assert len(queries) <= 12, "the same for any number of rows"


def test_every_list_is_exported_without_secrets(
    everything: None, alice: User, browser: Client
) -> None:
    ours = [
        model for model, page in admin.site._registry.items() if isinstance(page, PlatformAdmin)
    ]
    assert len(ours) > 15
    for model in ours:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        ids = list(model._default_manager.values_list("pk", flat=True))
        answer = browser.post(address, {"action": "export_csv", "_selected_action": ids})
        if not ids:
            continue
        written = b"".join(answer.streaming_content).decode()
        assert len(written.splitlines()) > 1, model
        for name, secret in SECRETS.items():
            assert secret not in written, (model, name)
