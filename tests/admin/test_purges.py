"""Purging on the admin site: asked, confirmed, done by the worker, and written down."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from apps.devices.models import Device
from apps.operations import asked_purges, purge
from apps.readings import ingest
from apps.readings.keys import Row
from apps.readings.models import DirtyHour, IngestError, Reading
from apps.users.models import User
from tests.admin.acts import act, audit, said
from tests.admin.conftest import NOON
from tests.contract.tools import rows as all_rows
from tests.users.worker import work

ASKED = "To be deleted for good by the worker: 1."
DONE = "Purged: deleted for good, with its readings."


@pytest.fixture
def full(device: Device, bob: User) -> Device:
    """Alice's device has half a year of readings and a refusal; so has bob's, which is returned."""
    other = Device.objects.register(owner=bob, name="Other")
    for one in (device, other):
        times = [NOON - timedelta(days=40 * n) for n in range(5)]
        ingest.store(one.pk, [Row(n, at, {12: (21.5, None)}) for n, at in enumerate(times)])
        IngestError.objects.create(device=one, source="rest", reason="is wrong", payload="")
    Device.objects.filter(pk=device.pk).update(archived_at=timezone.now())
    return other


def test_an_archived_device_is_purged_with_all_that_is_its_own(
    full: Device, device: Device, browser: Client, client: Any, django_assert_max_num_queries: Any
) -> None:
    called = str(device)
    page = act(browser, "purge", device, yes=False)
    assert page.status_code == 200
    assert "There is no way back afterwards." in page.content.decode()
    assert not OrmQ.objects.exists() and not LogEntry.objects.exists(), "it only asks"
    assert said(act(browser, "purge", device)) == [ASKED]
    assert Reading.objects.filter(device_id=device.pk).count() == 5, "the worker does it"
    work()
    for model in (Reading, DirtyHour, IngestError):
        assert set(model.objects.values_list("device_id", flat=True)) == {full.pk}, model
    assert list(Device.objects.all()) == [full]
    assert client.get(f"/v0/devices/{device.pk}").status_code == 404
    assert audit() == [("carol", called, "Purge asked for."), ("carol", called, DONE)]
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [CHANGE, DELETION]


def test_what_is_in_use_is_not_purged(full: Device, browser: Client) -> None:
    before = all_rows()
    assert said(act(browser, "purge", full)) == [
        f"Not done for {full}: it is in use; archive it first"
    ]
    assert said(act(browser, "purge", full.owner)) == [
        "Not done for bob: it is in use; archive it first"
    ]
    assert all_rows() == before
    assert not OrmQ.objects.exists() and not LogEntry.objects.exists()


@pytest.mark.parametrize("again", [False, True])
def test_restoring_stops_a_purge_also_when_it_is_archived_again(
    again: bool, full: Device, device: Device, browser: Client
) -> None:
    act(browser, "purge", device)
    act(browser, "restore", device)
    if again:
        act(browser, "archive", device)
    work()
    assert Reading.objects.filter(device_id=device.pk).count() == 5
    assert audit()[-1] == ("carol", str(device), "Not purged: it was restored meanwhile.")


def test_a_purge_that_takes_long_goes_on_in_tasks_of_their_own(
    full: Device, device: Device, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge, "SECONDS", 0)
    act(browser, "purge", device)
    runs = 0
    while OrmQ.objects.exists():
        queued = OrmQ.objects.get()
        task = queued.task
        queued.delete()
        asked_purges.run(*task["args"])
        runs += 1
        assert runs < 20
    assert runs > 2, "a month at a time"
    assert not Reading.objects.filter(device_id=device.pk).exists()
    assert [done for _, _, done in audit()] == ["Purge asked for.", DONE]


def test_a_task_that_is_done_twice_changes_nothing_more(
    full: Device, device: Device, browser: Client
) -> None:
    act(browser, "purge", device)
    task = OrmQ.objects.get().task
    work()
    before = (all_rows(), audit())
    asked_purges.run(*task["args"])
    assert (all_rows(), audit()) == before


def test_an_account_is_purged_with_its_devices(
    full: Device, device: Device, alice: User, browser: Client, client: Any
) -> None:
    second = Device.objects.register(owner=alice, name="Second")
    ingest.store(second.pk, [Row(0, NOON, {12: (21.5, None)})])
    act(browser, "archive", alice)
    page = act(browser, "purge", alice, yes=False).content.decode()
    assert "alice@example.org, citizen, devices: 1" in page
    assert said(act(browser, "purge", alice))[-1] == ASKED
    work()
    assert not User.objects.filter(pk=alice.pk).exists()
    assert set(Reading.objects.values_list("device_id", flat=True)) == {full.pk}
    assert list(Device.objects.all()) == [full]
    assert client.get("/v0/users/alice").status_code == 404
    taken = {"username": "alice", "email": "alice@example.org", "password": "alicealice"}
    assert client.post("/v0/users", taken).status_code == 201, "the name is free again"
    assert audit()[-1] == ("carol", "alice", DONE)


def test_whom_the_audit_log_names_is_not_purged(
    full: Device, alice: User, bob: User, browser: Client
) -> None:
    LogEntry.objects.log_actions(alice.pk, [bob], CHANGE, "Restored.", single_object=True)
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    before = all_rows()
    assert said(act(browser, "purge", alice)) == [
        "Not done for alice: the audit log names him, and what he did would go with him"
    ]
    assert purge.purge_account(alice.pk), "nor by the verb"
    assert all_rows() == before
