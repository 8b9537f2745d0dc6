"""Mails to owners: once when a device stops or its battery is low, and once when that is over."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from apps.devices import notifications
from apps.devices.battery import battery_of
from apps.devices.latest import Latest
from apps.devices.models import Device, Notice, Watch
from apps.mail import delivery
from apps.mail.models import Mail
from apps.users import accounts
from apps.users.models import User

NOON = datetime.fromisoformat("2026-11-20T12:00:00Z")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def watched(device: Device) -> Device:
    """alice's device, of which she wants to be told all; the platform has been steady for long."""
    device.notify_stopped_publishing = device.notify_low_battery = True
    device.save()
    steady()
    return device


def steady(now: datetime = NOON) -> None:
    """The platform has listened without a break up to `now`."""
    Watch.objects.update_or_create(
        pk=1, defaults={"checked_at": now - 5 * MINUTE, "steady_since": now - DAY}
    )


def posts(
    device: Device, at: datetime, *, added_at: datetime | None = None, **level: float
) -> None:
    """The newest reading of a device, as ingest leaves it on the row."""
    latest = device.newest
    values = {int(name.removeprefix("sensor_")): (value, None) for name, value in level.items()}
    latest.fold(at.timestamp(), (added_at or at).timestamp(), values or {7: (1.0, None)})
    device.latest, device.last_reading_at = latest.to_json(), at
    Device.objects.filter(pk=device.pk).update(latest=device.latest, last_reading_at=at)


def subjects() -> list[str]:
    """The subjects of the mails written so far, oldest first."""
    return [written.subject for written in Mail.objects.order_by("pk")]


def checks(
    start: datetime, *, minutes: int, posting: Device | None = None, every: timedelta = 5 * MINUTE
) -> datetime:
    """The checks of some time; a device that posts does so before each."""
    now = start
    while now <= start + minutes * MINUTE:
        if posting:
            posts(posting, now)
        notifications.check(now)
        now += every
    return now


STOPPED, AGAIN = "SmartHaarlem has stopped publishing", "SmartHaarlem publishes again"
LOW, CHARGED = "The battery of SmartHaarlem is low", "The battery of SmartHaarlem is charged"


def test_the_owner_of_a_device_that_stops_is_told_once_and_once_when_it_is_back(
    watched: Device,
) -> None:
    posts(watched, NOON)
    now = checks(NOON, minutes=55)
    assert subjects() == []
    now = checks(now, minutes=300, every=15 * MINUTE)
    assert subjects() == [STOPPED]
    now = checks(now, minutes=60, posting=watched)
    assert subjects() == [STOPPED, AGAIN]
    checks(now, minutes=30, posting=watched)
    assert subjects() == [STOPPED, AGAIN]
    assert Notice.objects.get().closed_at is not None


def test_the_mail_says_what_happened(watched: Device, alice: User) -> None:
    posts(watched, NOON - 2 * HOUR)
    notifications.check(NOON)
    written = Mail.objects.get()
    assert (written.user, written.recipient) == (alice, "alice@example.org")
    delivery.deliver(written.pk)
    [sent] = mail.outbox
    assert sent.subject == STOPPED
    assert sent.extra_headers["Message-ID"] == written.message_id
    for part in (
        "Hello alice",
        f"your device SmartHaarlem (number {watched.pk}) was last heard of on"
        " 20 November 2026, 10:00 UTC",
        "notify_stopped_publishing",
    ):
        assert part in sent.body
        assert part in str(sent.alternatives[0][0])


def test_a_name_is_text_and_no_html(watched: Device) -> None:
    Device.objects.update(name="<b>5 & 4</b>\nBcc: x@example.org")
    posts(watched, NOON - 2 * HOUR)
    notifications.check(NOON)
    delivery.deliver(Mail.objects.get().pk)
    [sent] = mail.outbox
    assert sent.subject == "<b>5 & 4</b> Bcc: x@example.org has stopped publishing"
    assert "<b>5" not in str(sent.alternatives[0][0])


def test_one_reading_is_not_enough_to_be_back(watched: Device) -> None:
    posts(watched, NOON - 2 * HOUR)
    notifications.check(NOON)
    posts(watched, NOON)
    now = checks(NOON, minutes=180)
    assert subjects() == [STOPPED]
    assert Notice.objects.get().resumed_at is None
    # Nor are two that are far apart, since it stopped in between.
    posts(watched, now)
    notifications.check(now)
    assert Notice.objects.get().resumed_at == now
    checks(now, minutes=20, posting=watched)
    assert subjects() == [STOPPED, AGAIN]


def test_a_device_that_comes_and_goes_fills_no_mailbox(watched: Device) -> None:
    now = NOON
    for _ in range(6):  # four hours each: a day
        now = checks(now, minutes=90, posting=watched, every=15 * MINUTE)
        now = checks(now, minutes=120, every=15 * MINUTE)
    assert subjects().count(STOPPED) == 2


def test_a_kit_that_sends_what_it_kept_is_heard(watched: Device) -> None:
    posts(watched, NOON - 5 * HOUR, added_at=NOON - MINUTE)
    notifications.check(NOON)
    assert subjects() == []


@pytest.mark.parametrize("age", [7 * DAY, 800 * DAY])
def test_what_stopped_long_ago_is_no_news(watched: Device, age: timedelta) -> None:
    posts(watched, NOON - age)
    notifications.check(NOON)
    assert subjects() == []


def test_an_owner_asks_by_changing_the_device(device: Device, alice: User, as_user: Any) -> None:
    steady()
    posts(device, NOON - 2 * HOUR, sensor_17=5.0)
    wanted = {"notify_stopped_publishing": True, "notify_low_battery": True}
    shown = as_user(alice).patch(f"/v0/devices/{device.pk}", wanted, format="json").json()
    assert shown["notify"] == {"stopped_publishing": True, "low_battery": True}
    notifications.check(NOON)
    assert subjects() == [STOPPED, LOW]


def test_nobody_is_told_who_did_not_ask(device: Device) -> None:
    steady()
    posts(device, NOON - 2 * HOUR, sensor_17=5.0)
    notifications.check(NOON)
    assert (subjects(), Notice.objects.count()) == ([], 0)


@pytest.mark.parametrize("why", ["archived", "owner archived", "not asked any more"])
def test_a_notice_that_nobody_wants_any_more_is_closed_without_a_word(
    why: str, watched: Device, alice: User
) -> None:
    posts(watched, NOON - 2 * HOUR)
    notifications.check(NOON)
    match why:
        case "archived":
            watched.archive()
        case "owner archived":
            accounts.archive(alice)
        case _:
            Device.objects.update(notify_stopped_publishing=False)
    posts(watched, NOON + 5 * MINUTE)
    notifications.check(NOON + 5 * MINUTE)
    assert Notice.objects.get().closed_at == NOON + 5 * MINUTE
    assert subjects() == [STOPPED]


# When it is the platform that was away


def test_nobody_is_told_until_devices_had_time_to_come_back_to_a_platform_that_was_away(
    watched: Device, caplog: pytest.LogCaptureFixture
) -> None:
    posts(watched, NOON)
    notifications.check(NOON)
    back = NOON + 3 * HOUR  # no check in between: the worker, the database or all was away
    now = checks(back, minutes=55)
    assert subjects() == []
    assert [record.levelno for record in caplog.records].count(logging.WARNING) == 1
    notifications.check(now)  # an hour later it is silent still
    assert subjects() == [STOPPED]


def test_nobody_is_told_of_silence_when_the_platform_has_just_been_installed(
    watched: Device,
) -> None:
    Watch.objects.all().delete()
    posts(watched, NOON - 2 * HOUR)
    notifications.check(NOON)
    assert subjects() == []


@pytest.mark.parametrize(("silent", "told"), [(6, 0), (4, 1), (10, 0)])
def test_when_most_devices_fall_silent_together_it_is_not_theirs(
    watched: Device, alice: User, silent: int, told: int
) -> None:
    posts(watched, NOON - 2 * HOUR)
    times = [NOON - (2 * HOUR if n < silent - 1 else HOUR / 2) for n in range(9)]
    Device.objects.bulk_create(
        Device(owner=alice, name="x", last_reading_at=time) for time in times
    )
    notifications.check(NOON)
    assert subjects() == [STOPPED] * told


def test_once_most_are_back_those_that_are_not_are_told_of(watched: Device, alice: User) -> None:
    posts(watched, NOON - 2 * HOUR)
    others = Device.objects.bulk_create(
        Device(owner=alice, name=f"{n}", last_reading_at=NOON - 2 * HOUR) for n in range(11)
    )
    now = checks(NOON, minutes=60)
    assert subjects() == []
    ids = [other.pk for other in others]
    for _ in range(12):  # an hour
        Device.objects.filter(pk__in=ids).update(last_reading_at=now)
        assert subjects() == []
        now = checks(now, minutes=4)
    assert subjects() == [STOPPED]


# Batteries


def test_the_owner_is_told_once_of_a_low_battery_and_once_when_it_is_charged(
    watched: Device,
) -> None:
    levels = [30.0, 16.0, 15.0, 14.0, 16.0, 24.0, 14.0, 24.9, 25.0, 60.0]
    told = []
    for minute, level in enumerate(levels):
        posts(watched, NOON + minute * MINUTE, sensor_17=level)
        notifications.check(NOON + minute * MINUTE)
        told.append(len(subjects()))
    assert told == [0, 0, 1, 1, 1, 1, 1, 1, 2, 2]
    assert subjects() == [LOW, CHARGED]
    for written, level in zip(Mail.objects.order_by("pk"), ("15 %", "25 %"), strict=True):
        delivery.deliver(written.pk)
        assert level in mail.outbox[-1].body


@pytest.mark.parametrize(
    ("sensor", "level", "state"),
    [
        *[(sensor, 15.0, "low") for sensor in (10, 17)],
        *[(sensor, 15.1, "between") for sensor in (10, 17)],
        *[(sensor, 25.0, "good") for sensor in (10, 17)],
        # Without a battery kits tell -1, 0 or 1.
        *[(sensor, level, None) for sensor in (10, 17) for level in (-1.0, 0.0, 1.0)],
        (222, 3.4, "low"),
        (222, 3.5, "between"),
        (222, 3.6, "good"),
        (222, 0.0, None),
        (12, 5.0, None),
    ],
)
def test_each_battery_has_its_scale(sensor: int, level: float, state: str | None) -> None:
    latest = Latest()
    latest.fold(0.0, 0.0, {sensor: (level, None)})
    battery = battery_of(latest)
    if state is None:
        assert battery is None
    else:
        assert battery is not None
        assert (battery.is_low, battery.is_good) == (state == "low", state == "good")


def test_the_newest_word_on_the_battery_counts() -> None:
    latest = Latest()
    latest.fold(100.0, 100.0, {222: (4.1, None)})
    latest.fold(50.0, 50.0, {10: (3.0, None)})
    battery = battery_of(latest)
    assert battery is not None and str(battery) == "4.1 V"


def test_an_old_word_on_the_battery_is_no_news(watched: Device) -> None:
    posts(watched, NOON - 2 * DAY, sensor_17=5.0)
    posts(watched, NOON - MINUTE)
    notifications.check(NOON)
    assert subjects() == []


# Two at once, many, and what it costs


@pytest.mark.django_db(transaction=True)
def test_two_checks_at_once_tell_once(watched: Device) -> None:
    posts(watched, NOON - 2 * HOUR)

    def check(_: int) -> None:
        try:
            notifications.check(NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(check, range(4)))
    assert subjects() == [STOPPED]


def test_a_check_costs_the_same_however_many_devices_there_are(
    watched: Device, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    posts(watched, NOON, sensor_17=80.0)
    notifications.check(NOON)
    for devices in (1, 30):
        Device.objects.bulk_create(
            Device(
                owner=alice,
                name="x",
                notify_stopped_publishing=True,
                notify_low_battery=True,
                last_reading_at=NOON,
                latest=watched.latest,
            )
            for _ in range(devices)
        )
        with django_assert_num_queries(12):
            notifications.check(NOON)
