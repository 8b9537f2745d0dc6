"""`diagnosis.py` and `/ui/me/devices/:id`: why is my kit silent?"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.readings import diagnosis, ingest, ingest_errors
from apps.readings.diagnosis import Finding
from apps.readings.keys import Row
from apps.readings.models import IngestError, Reading
from apps.readings.payloads import Refusal

# An hour ago: nothing of it is ahead of the clock.
NOW = (timezone.now() - timedelta(hours=1)).replace(minute=30, second=0, microsecond=0)


def post(device: Device, *times: datetime) -> None:
    """Store a reading at each of these times."""
    rows = [Row(n, time, {12: (20.0, None)}) for n, time in enumerate(times)]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)
    device.refresh_from_db()


def came(device: Device, after: timedelta) -> None:
    """Have every reading come so long after it was measured."""
    for reading in Reading.objects.filter(device_id=device.pk):
        Reading.objects.filter(device_id=device.pk, recorded_at=reading.recorded_at).update(
            added_at=reading.recorded_at + after
        )


def test_a_device_that_never_posted(device: Device) -> None:
    found = diagnosis.diagnose(device, NOW)
    assert (found.findings, found.messages, found.refusals, found.late) == (
        [Finding.NEVER],
        [],
        [],
        None,
    )


def test_one_that_posts_well(device: Device) -> None:
    post(device, NOW - timedelta(minutes=2), NOW - timedelta(minutes=1))
    came(device, timedelta(seconds=3))
    found = diagnosis.diagnose(device, NOW)
    assert found.findings == [Finding.WELL]
    assert [message.recorded_at for message in found.messages] == [
        NOW - timedelta(minutes=1),
        NOW - timedelta(minutes=2),
    ], "newest first"
    assert (found.messages[0].sensors, found.late) == (1, timedelta(seconds=3))


def test_one_that_fell_silent(device: Device) -> None:
    post(device, NOW - timedelta(days=2))
    came(device, timedelta(0))
    assert diagnosis.diagnose(device, NOW).findings == [Finding.SILENT]


def test_one_whose_messages_are_refused(device: Device) -> None:
    post(device, NOW - timedelta(days=2))
    came(device, timedelta(0))
    ingest_errors.keep(device.pk, IngestError.Source.KIT, [Refusal(0, None, "no time", "{}")])
    found = diagnosis.diagnose(device, NOW)
    assert found.findings == [Finding.REFUSED, Finding.SILENT]
    assert [refusal.reason for refusal in found.refusals] == ["no time"]


@pytest.mark.parametrize(
    ("after", "finding"),
    [
        (timedelta(minutes=-20), Finding.CLOCK_AHEAD),
        (timedelta(minutes=-4), Finding.WELL),
        (timedelta(minutes=59), Finding.WELL),
        (timedelta(hours=3), Finding.LATE),
    ],
)
def test_one_whose_clock_is_wrong(after: timedelta, finding: Finding, device: Device) -> None:
    post(device, NOW - timedelta(minutes=1))
    came(device, after)
    assert diagnosis.diagnose(device, NOW).findings == [finding]


def test_the_calendar_counts_hours_and_knows_when_the_device_came(device: Device) -> None:
    today = NOW.replace(hour=0, minute=0)
    noon = today - timedelta(days=1) + timedelta(hours=12)
    Device.objects.update(created_at=today - timedelta(days=3) + timedelta(hours=6))
    device.refresh_from_db()
    post(device, *(noon + timedelta(minutes=n) for n in (0, 10, 70)), noon - timedelta(days=1))
    weeks = diagnosis.diagnose(device, NOW).weeks
    assert [len(week) for week in weeks] == [7] * diagnosis.WEEKS
    assert all(week[0].day.weekday() == 0 for week in weeks)
    days = {day.day: day for week in weeks for day in week}
    yesterday = days[noon.date()]
    assert (yesterday.hours, yesterday.possible, yesterday.level) == (2, 24, "some")
    assert days[(today - timedelta(days=2)).date()].hours == 1
    begun = days[(today - timedelta(days=3)).date()]
    assert (begun.hours, begun.possible, begun.level) == (0, 18, "none")
    assert days[(today - timedelta(days=4)).date()].level == "outside"


def test_long_gaps_of_a_device_that_posts_stand_out(device: Device) -> None:
    Device.objects.update(created_at=NOW - timedelta(days=3))
    device.refresh_from_db()
    post(device, NOW - timedelta(minutes=1))
    came(device, timedelta(0))
    assert diagnosis.diagnose(device, NOW).findings == [Finding.GAPS]


def test_the_page_says_it_and_shows_what_was_refused(device: Device) -> None:
    reason, payload = "unknown sensor", '{"<script>": 1}'
    ingest_errors.keep(device.pk, IngestError.Source.MQTT, [Refusal(0, None, reason, payload)])
    device.hardware_info = {"hw_ver": "2.1", "mac": "<b>"}
    device.save(update_fields=["hardware_info"])
    browser = Client()
    browser.force_login(device.owner)
    shown = browser.get(f"/ui/me/devices/{device.pk}").content.decode()
    assert "Why is my kit silent?" in shown and "what it sends is refused" in shown
    assert "unknown sensor" in shown and "&lt;script&gt;" in shown and "<script>" not in shown
    assert "hw_ver" in shown and "2.1" in shown and "&lt;b&gt;" in shown


def test_how_late_messages_came_is_told_as_a_span(device: Device) -> None:
    post(device, NOW)
    browser = Client()
    browser.force_login(device.owner)
    for after, said in [
        (timedelta(days=2, hours=3, minutes=4, seconds=5), "2d 03:04:05"),
        (timedelta(minutes=-20), "\u221200:20:00"),
    ]:
        came(device, after)
        shown = browser.get(f"/ui/me/devices/{device.pk}").content.decode()
        assert f'<td class="figure">{said}</td>' in shown
    assert "Its clock is ahead of ours by 20 minutes." in shown


def test_the_token_is_shown_on_demand_alone(device: Device) -> None:
    device.device_token = "abc123"
    device.save(update_fields=["device_token"])
    browser = Client()
    browser.force_login(device.owner)
    path = f"/ui/me/devices/{device.pk}"
    assert "abc123" not in browser.get(path).content.decode()
    assert "abc123" in browser.get(f"{path}?token=show").content.decode()
