"""`GET /v0/me/export`: everything the platform holds on me, and nothing of anyone else."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from oauth2_provider.models import Application
from rest_framework.test import APIClient

from apps.devices.models import Device, Experiment
from apps.operations import export
from apps.readings import exports, ingest, ingest_errors
from apps.readings.keys import Row
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal
from apps.sensors.models import Sensor
from apps.users import access, accounts, legacy_keys, password_resets
from apps.users.models import User
from tests.users.conftest import IssueToken, application, issue_token

__all__ = ["application", "issue_token"]

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def unzip(answer: Any) -> zipfile.ZipFile:
    """The zip of an answer, which is whole."""
    assert answer.status_code == 200, getattr(answer, "content", "")
    found = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert found.testzip() is None
    return found


def read(files: zipfile.ZipFile, name: str) -> Any:
    """A file of JSON."""
    return json.loads(files.read(name))


@pytest.fixture
def everything(alice: User, bob: User, carol: User, device: Device) -> None:
    """Alice has something of each kind, and so has bob."""
    ingest.store(device.pk, [Row(0, NOON, {12: (21.5, 1.0), 7: (50.0, None)})])
    ingest.store(device.pk, [Row(0, NOON - timedelta(hours=1), {7: (49.0, None)})])
    ingest_errors.keep(device.pk, IngestError.Source.REST, [Refusal(None, None, "bad", "payload")])
    for owner in (alice, bob):
        Device.objects.register(owner=owner, name=f"hidden of {owner}", is_private=True)
        gone = Device.objects.register(owner=owner, name=f"gone of {owner}")
        Device.objects.filter(pk=gone.pk).update(archived_at=NOON)
        Experiment.objects.create(name=f"quiet nights of {owner}", owner=owner)
        Application.objects.create(name=f"map of {owner}", user=owner, client_secret="a-secret")
        access.open_session(owner)
        password_resets.mail_to(owner.username)
        LogEntry.objects.log_actions(carol.pk, [owner], CHANGE, f"Key of {owner} replaced.")
    accounts.change(alice, confirm_email=False, city="Oxford", password="alicealice")


def test_it_holds_all_that_is_mine_and_nothing_of_others(
    everything: None, alice: User, bob: User, device: Device, as_user: Any
) -> None:
    answer = as_user(alice).get("/v0/me/export")
    assert answer["Content-Type"] == "application/zip"
    assert "smartcitizen.zip" in answer["Content-Disposition"]
    assert answer["Cache-Control"] == "no-store, private"
    files = unzip(answer)
    mine = list(Device.objects.filter(owner=alice).values_list("pk", flat=True))
    assert len(mine) == 3
    expected = {"about.txt", "profile.json"} | {f"{name}.json" for name in export._LISTS}
    for pk in mine:
        expected |= {
            f"devices/{pk}/{name}" for name in ("device.json", "readings.csv", "refused.json")
        }
    assert set(files.namelist()) == expected
    profile = read(files, "profile.json")
    assert (profile["username"], profile["email"]) == ("alice", "alice@example.org")
    assert profile["location"]["city"] == "Oxford"
    assert read(files, f"devices/{device.pk}/device.json")["mac_address"] == "00:06:66:2A:02:B3"
    [refused] = read(files, f"devices/{device.pk}/refused.json")
    assert (refused["reason"], refused["payload"], refused["count"]) == ("bad", "payload", 1)
    assert [e["name"] for e in read(files, "experiments.json")] == ["quiet nights of alice"]
    assert [a["name"] for a in read(files, "applications.json")] == ["map of alice"]
    assert len(read(files, "tokens.json")) == len(read(files, "password_resets.json")) == 1
    assert [m["subject"] for m in read(files, "mails.json")] == [
        "Set a new password",
        "Your password was changed",
    ]
    assert [e["what"] for e in read(files, "administration.json")] == ["Key of alice replaced."]
    whole = b"".join(files.read(name) for name in files.namelist()).decode()
    assert "bob" not in whole


def test_readings_are_a_table_oldest_first(
    everything: None, alice: User, device: Device, as_user: Any
) -> None:
    files = unzip(as_user(alice).get("/me/export/"))
    text = files.read(f"devices/{device.pk}/readings.csv").decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["recorded_at"] for row in rows] == ["2026-03-05T11:00:00Z", "2026-03-05T12:00:00Z"]
    noise, warmth = (
        f"{s.name} ({s.unit})" for s in Sensor.objects.filter(pk__in=[7, 12]).order_by("pk")
    )
    assert [(row[noise], row[warmth], row[f"{warmth} raw"]) for row in rows] == [
        ("49", "", ""),
        ("50", "21.5", "1"),
    ]


def test_no_secret_is_in_it(everything: None, alice: User, device: Device, as_user: Any) -> None:
    device.device_token = "token-of-a-device"
    device.save(update_fields=["device_token"])
    User.objects.filter(pk=alice.pk).update(forwarding_token="token-for-forwarding")
    files = unzip(as_user(alice).get("/v0/me/export"))
    whole = b"".join(files.read(name) for name in files.namelist()).decode()
    secrets = [legacy_keys.reveal(alice), "token-of-a-device", "token-for-forwarding", "a-secret"]
    for secret in (*secrets, "argon2"):
        assert secret and secret not in whole


def test_who_has_nothing_gets_a_zip_too(bob: User, as_user: Any) -> None:
    files = unzip(as_user(bob).get("/v0/me/export"))
    assert read(files, "experiments.json") == read(files, "mails.json") == []


def test_it_takes_no_more_memory_for_more_readings(
    alice: User, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 100)
    peaks = []
    for number in (200, 3000):
        rows = [Row(n, NOON + timedelta(seconds=n), {7: (50.0, None)}) for n in range(number)]
        ingest.store(device.pk, rows)
        sum(map(len, export.archive(alice)))  # whatever is loaded once is loaded
        tracemalloc.start()
        size = sum(map(len, export.archive(alice)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert size > 10_000
    assert peaks[1] < peaks[0] * 1.5


def test_it_is_for_oneself_alone_with_all_that_one_may(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    assert client.get("/v0/me/export").status_code == 401
    for scope, status in (("public", 403), ("public write", 403), ("public write readings", 200)):
        bearer = {"Authorization": f"Bearer {issue_token(alice, scope)}"}
        assert client.get("/v0/me/export", headers=bearer).status_code == status
    nobody = {"Authorization": f"Bearer {issue_token(None)}"}
    assert client.get("/v0/me/export", headers=nobody).status_code == 403
    assert client.post("/v0/me/export", headers=bearer).status_code == 405


@pytest.mark.parametrize(
    ("accept", "status"),
    [("application/zip", 200), ("*/*", 200), ("application/json", 200), ("application/xml", 406)],
)
def test_whoever_accepts_zip_or_json_is_answered(
    accept: str, status: int, alice: User, as_user: Any
) -> None:
    answer = as_user(alice).get("/v0/me/export", headers={"Accept": accept})
    assert answer.status_code == status


def test_it_cannot_be_asked_for_all_day(alice: User, as_user: Any) -> None:
    client = as_user(alice)
    statuses = {client.get("/v0/me/export").status_code for _ in range(20)}
    answer = client.get("/v0/me/export")
    assert (statuses, answer.status_code) == ({200}, 429)
    assert answer.json()["id"] == "too_many_requests"
