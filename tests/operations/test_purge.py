"""A closed account is deleted for good once its time has come, with all that is its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import connection
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application
from rest_framework.test import APIClient

from apps.devices.models import Device, Experiment
from apps.mail.models import Mail
from apps.operations import purge
from apps.readings import ingest
from apps.readings.keys import Row
from apps.readings.models import DirtyHour, Reading
from apps.users import access, accounts, password_resets
from apps.users.models import User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def days_pass(days: int) -> None:
    """As if what is archived had been archived so many days earlier."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE users_user SET archived_at = archived_at - make_interval(days => %s),"
            " closed_at = closed_at - make_interval(days => %s)",
            [days, days],
        )


@pytest.fixture
def full(alice: User, bob: User, device: Device) -> Device:
    """Alice has something of each kind; bob has a device, which is in an experiment of hers."""
    of_bob = Device.objects.register(owner=bob, name="of bob")
    gone = Device.objects.register(owner=alice, name="gone")
    Device.objects.filter(pk=gone.pk).update(archived_at=NOON)
    for one in (device, of_bob, gone):
        rows = [Row(n, NOON - timedelta(days=40 * n), {7: (50.0, None)}) for n in range(4)]
        ingest.store(one.pk, rows)
    experiment = Experiment.objects.create(name="quiet nights", owner=alice)
    experiment.devices.add(device, of_bob)
    Application.objects.create(name="map", user=alice)
    access.open_session(alice)
    password_resets.mail_to("alice")
    return of_bob


def test_an_account_and_all_that_is_its_own_go_and_nothing_else(
    full: Device, alice: User, as_user: Any, settings: Any
) -> None:
    assert as_user(alice).delete("/v0/me").status_code == 200
    days_pass(settings.ACCOUNT_GRACE_DAYS - 1)
    purge.purge_closed_accounts()
    assert User.objects.filter(pk=alice.pk).exists(), "not before its time"
    days_pass(1)
    purge.purge_closed_accounts()
    assert not User.objects.filter(pk=alice.pk).exists()
    assert list(Device.objects.all()) == [full]
    assert set(Reading.objects.values_list("device_id", flat=True)) == {full.pk}
    assert set(DirtyHour.objects.values_list("device_id", flat=True)) <= {full.pk}
    for model in (Experiment, Application, AccessToken, Mail):
        assert not model.objects.exists()


def test_within_the_grace_period_an_admin_restores_all(
    full: Device, alice: User, as_user: Any, settings: Any
) -> None:
    as_user(alice).delete("/v0/me")
    User.objects.filter(pk=alice.pk).update(archived_at=None)
    days_pass(settings.ACCOUNT_GRACE_DAYS + 1)
    purge.purge_closed_accounts()
    assert Reading.objects.filter(device_id__in=alice.devices.values("pk")).count() == 8


def test_an_account_that_an_admin_archived_stays(full: Device, alice: User, settings: Any) -> None:
    accounts.archive(alice)
    User.objects.filter(pk=alice.pk).update(archived_at=None)  # restored
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())  # and archived by an admin
    days_pass(settings.ACCOUNT_GRACE_DAYS + 1)
    purge.purge_closed_accounts()
    assert User.objects.filter(pk=alice.pk).exists()


def test_whom_the_audit_log_names_stays(carol: User, alice: User, settings: Any) -> None:
    LogEntry.objects.log_actions(carol.pk, [alice], CHANGE, "Restored.")
    accounts.archive(carol)
    days_pass(settings.ACCOUNT_GRACE_DAYS + 1)
    purge.purge_closed_accounts()
    assert User.objects.filter(pk=carol.pk).exists()
    assert LogEntry.objects.count() == 1


def test_a_purge_that_runs_out_of_time_goes_on_later(
    full: Device, alice: User, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    accounts.archive(alice)
    days_pass(settings.ACCOUNT_GRACE_DAYS + 1)
    monkeypatch.setattr(purge, "SECONDS", 0)
    before = Reading.objects.count()
    runs = 0
    while User.objects.filter(pk=alice.pk).exists():
        purge.purge_closed_accounts()
        runs += 1
        assert runs < 20
    assert runs > 2 and before - Reading.objects.count() == 8


def test_what_is_in_use_is_never_purged(full: Device, alice: User, device: Device) -> None:
    before = Reading.objects.count()
    purge.purge_device(device.pk)
    assert Reading.objects.count() == before
    assert Device.objects.filter(pk=device.pk).exists()
    purge.purge_account(alice.pk)
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_name_is_taken_until_its_account_is_deleted(
    alice: User, client: APIClient, settings: Any
) -> None:
    sent = {"username": "Alice", "email": "ALICE@example.org", "password": "alicealice"}
    accounts.archive(alice)
    refused = client.post("/v0/users", sent)
    assert refused.status_code == 422
    taken = ["has already been taken"]
    assert refused.json()["errors"] == {"username": taken, "email": taken}
    days_pass(settings.ACCOUNT_GRACE_DAYS + 1)
    purge.purge_closed_accounts()
    assert client.post("/v0/users", sent).status_code == 201
