"""What the worker does by the clock: the database follows the table, and every task can be run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule

from apps.devices.models import Device
from apps.operations.schedules import SCHEDULES
from apps.readings import ingest, ingest_errors, tasks
from apps.readings.keys import Row
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal
from apps.users.models import BrowserSession
from apps.users.tasks import forget_expired_sessions


def test_the_database_follows_the_table(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    Schedule.objects.create(name="of an older version", func="gone.away")
    call_command("schedules")
    call_command("schedules")
    assert {(s.name, s.func) for s in Schedule.objects.all()} == {
        (name, func) for name, (func, _) in SCHEDULES.items()
    }


@pytest.mark.parametrize("func", sorted(func for func, _ in SCHEDULES.values()))
def test_every_scheduled_task_can_be_run(db: None, func: str) -> None:
    import_string(func)()


def test_what_was_ahead_of_the_clock_is_promoted(device: Device) -> None:
    ahead = timezone.now() + timedelta(minutes=10)
    ingest.store(device.pk, [Row(0, ahead, {7: (50.0, None)})])
    past = timezone.now() - timedelta(minutes=1)
    with connection.cursor() as cursor:  # ten minutes later
        cursor.execute("UPDATE readings_reading SET recorded_at = %s", [past])
    Device.objects.filter(pk=device.pk).update(future_at=past)
    tasks.promote_due()
    device.refresh_from_db()
    assert (device.last_reading_at, device.future_at) == (past, None)


def test_a_device_that_cannot_be_promoted_keeps_no_other_waiting(device: Device) -> None:
    past = timezone.now() - timedelta(minutes=1)
    other = Device.objects.register(owner=device.owner, name="other")
    Device.objects.update(future_at=past, latest={"unreadable": True})
    Device.objects.filter(pk=other.pk).update(latest=None)
    tasks.promote_due()
    assert list(Device.objects.filter(future_at=None)) == [other]


def test_partitions_are_there_before_their_month_is(db: None) -> None:
    tasks.make_partitions()
    soon = timezone.now().replace(day=15) + timedelta(days=60)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s)", [f"readings_reading_{soon:%Y_%m}"])
        assert cursor.fetchone() != (None,)


def test_refused_readings_are_kept_for_a_while_after_they_were_last_seen(
    db: None, settings: object
) -> None:
    for reason in ("old", "new"):
        refusal = Refusal(None, None, reason, "payload")
        ingest_errors.keep(None, IngestError.Source.KIT, [refusal])
    month_ago = timezone.now() - timedelta(days=31)
    IngestError.objects.filter(reason="old").update(last_at=month_ago)
    tasks.prune_ingest_errors()
    assert [error.reason for error in IngestError.objects.all()] == ["new"]


def test_sessions_that_have_expired_are_forgotten(db: None) -> None:
    now = timezone.now()
    for key, expires in (("old", now - timedelta(seconds=1)), ("new", now + timedelta(days=1))):
        BrowserSession.objects.create(session_key=key, session_data="", expire_date=expires)
    forget_expired_sessions()
    assert [*BrowserSession.objects.values_list("session_key", flat=True)] == ["new"]
