"""`GET /v0/devices/:id/readings/csv_archive`: the owner is mailed a link to the whole history."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.mail import contents
from apps.mail.models import Mail
from apps.readings import archives, exports, ingest
from apps.readings.keys import Row
from apps.readings.models import CsvArchive
from apps.users import accounts
from apps.users.models import User

NOON = datetime.fromisoformat("2026-11-20T12:00:00Z")
LINK = re.compile(
    r"http://localhost:8000(/v0/devices/\d+/readings/csv_archive/file\?token=[\w-]{43})"
)


@pytest.fixture(autouse=True)
def directory(settings: Any, tmp_path: Path) -> Path:
    """Where archives are kept; it is made when it is needed."""
    settings.ARCHIVE_DIR = str(tmp_path / "shared" / "archives")
    settings.PUBLIC_URL = "http://localhost:8000"
    return Path(settings.ARCHIVE_DIR)


@pytest.fixture
def posted(device: Device) -> Device:
    """alice's device, with three readings."""
    rows = [Row(n, NOON + timedelta(minutes=n), {12: (20.5 + n, None)}) for n in range(3)]
    ingest.store(device.pk, rows)
    return device


def path(device: Device) -> str:
    """Where an archive is asked for."""
    return f"/v0/devices/{device.pk}/readings/csv_archive"


def work() -> int:
    """Do what waits for archives, as the worker does; returns how many tasks there were."""
    waiting = [each.task for each in OrmQ.objects.order_by("pk")]
    tasks = [task for task in waiting if task["func"] == archives.TASK]
    for task in tasks:
        archives.make(*task["args"])
    OrmQ.objects.all().delete()
    return len(tasks)


def mailed() -> str:
    """The path of the link in the newest mail."""
    written = Mail.objects.latest("pk")
    link = LINK.search(contents.unseal(bytes(written.sealed_contents or b"")).text)
    assert link is not None
    return link[1]


def body(response: Any) -> bytes:
    """What a stream brings."""
    return b"".join(response.streaming_content)


def test_the_owner_is_mailed_a_link_to_the_finished_file(
    posted: Device, alice: User, as_user: Any, client: APIClient, directory: Path
) -> None:
    response = as_user(alice).get(f"{path(posted)}/")
    assert (response.status_code, response.json()) == (
        200,
        {
            "id": "ok",
            "message": "CSV Archive job added to queue",
            "errors": None,
            "url": None,
        },
    )
    assert not Mail.objects.exists()
    assert work() == 1
    written = Mail.objects.get()
    assert (written.recipient, written.user) == ("alice@example.org", alice)
    assert written.subject == "The readings of SmartHaarlem"
    fetched = client.get(mailed())
    assert fetched.status_code == 200
    assert fetched["Content-Type"] == "text/csv; charset=utf-8"
    assert fetched["Content-Disposition"] == f'attachment; filename="device-{posted.pk}.csv"'
    assert fetched["Cache-Control"] == "private, no-store"
    found = body(fetched)
    assert found == b"".join(exports.as_csv(posted.pk))
    lines = found.decode().splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == [
        f"2026-11-20T12:0{n}:00Z" for n in range(3)
    ]
    # It is nobody else's on this machine either.
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [each.name for each in directory.iterdir()] == [f"{CsvArchive.objects.get().pk}.csv"]


def test_it_is_asked_for_once_in_six_hours(posted: Device, alice: User, as_user: Any) -> None:
    client = as_user(alice)
    client.get(path(posted))
    again = client.get(path(posted))
    assert (again.status_code, again.json()["id"]) == (429, "too_many_requests")
    assert "once every 6 hours" in again.json()["message"]
    assert 6 * 3600 - 60 <= int(again["Retry-After"]) <= 6 * 3600
    assert (CsvArchive.objects.count(), work()) == (1, 1)
    CsvArchive.objects.update(requested_at=timezone.now() - timedelta(hours=6))
    assert client.get(path(posted)).status_code == 200
    assert work() == 1
    # The new file takes the place of the old one.
    assert CsvArchive.objects.count() == 1
    other = Device.objects.create(owner=alice, name="Other")
    assert client.get(path(other)).status_code == 200


def test_it_is_for_the_owner_alone(
    posted: Device, bob: User, carol: User, as_user: Any, client: APIClient
) -> None:
    assert client.get(path(posted)).status_code == 401
    for stranger in (as_user(bob), as_user(carol)):
        response = stranger.get(path(posted))
        assert (response.status_code, response.json()["id"]) == (403, "forbidden")
    Device.objects.update(is_private=True)
    assert as_user(bob).get(path(posted)).status_code == 404
    assert not CsvArchive.objects.exists()


def test_head_asks_for_nothing(posted: Device, alice: User, bob: User, as_user: Any) -> None:
    assert as_user(alice).head(path(posted)).status_code == 200
    assert as_user(bob).head(path(posted)).status_code == 403
    assert not CsvArchive.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_is_refused(posted: Device, alice: User, as_user: Any) -> None:
    def ask(_: int) -> int:
        try:
            status: int = as_user(alice).get(path(posted)).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(ask, range(2))) == [200, 429]
    assert CsvArchive.objects.count() == 1


def test_a_task_done_again_mails_nobody_again(posted: Device, alice: User, as_user: Any) -> None:
    as_user(alice).get(path(posted))
    archive = CsvArchive.objects.get()
    archives.make(archive.pk)
    link = mailed()
    archives.make(archive.pk)
    assert (Mail.objects.count(), mailed()) == (1, link)


def test_a_file_is_whole_or_not_there(
    posted: Device, alice: User, as_user: Any, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*arguments: Any) -> Any:
        yield b"recorded_at\n"
        raise OSError(28, "No space left on device")

    as_user(alice).get(path(posted))
    archive = CsvArchive.objects.get()
    with monkeypatch.context() as patched:
        patched.setattr(exports, "as_csv", fails)
        with pytest.raises(OSError, match="No space left"):
            archives.make(archive.pk)
    assert list(directory.iterdir()) == []
    assert not Mail.objects.exists()
    archives.make(archive.pk)  # the queue tries again
    assert mailed()


@pytest.mark.parametrize("why", ["wrong token", "expired", "other device", "archived", "no file"])
def test_any_other_link_leads_nowhere(
    why: str, posted: Device, alice: User, as_user: Any, client: APIClient, directory: Path
) -> None:
    as_user(alice).get(path(posted))
    work()
    link = mailed()
    match why:
        case "wrong token":
            link = link[:-1] + ("A" if link[-1] != "A" else "B")
        case "expired":
            CsvArchive.objects.update(expires_at=timezone.now())
        case "other device":
            other = Device.objects.create(owner=alice, name="Other")
            link = link.replace(f"/{posted.pk}/", f"/{other.pk}/")
        case "archived":
            accounts.archive(alice)
        case _:
            next(directory.iterdir()).unlink()
    response = client.get(link)
    assert (response.status_code, response.json()["id"]) == (404, "record_not_found")
    assert link.partition("=")[2] not in response.content.decode()


def test_a_link_without_its_token_says_so(posted: Device, client: APIClient) -> None:
    response = client.get(f"{path(posted)}/file")
    assert (response.status_code, response.json()["id"]) == (400, "parameter_missing")


def test_a_device_that_is_gone_has_no_archive(
    posted: Device, alice: User, as_user: Any, directory: Path
) -> None:
    as_user(alice).get(path(posted))
    posted.archive()
    assert work() == 1
    assert not Mail.objects.exists()
    assert not directory.exists()


def test_what_has_expired_is_deleted(
    posted: Device, alice: User, as_user: Any, client: APIClient, directory: Path
) -> None:
    as_user(alice).get(path(posted))
    work()
    link, now = mailed(), timezone.now()
    left, writing = directory / "4711.csv", directory / "12.ab.part"
    for file in (left, writing):
        file.write_text("x")
    long_ago = (now - timedelta(hours=2)).timestamp()
    os.utime(left, (long_ago, long_ago))
    archives.prune(now)
    assert not left.exists() and writing.exists()
    assert body(client.get(link)) == b"".join(exports.as_csv(posted.pk))
    archives.prune(now + archives.KEPT_FOR)
    assert not CsvArchive.objects.exists()
    assert list(directory.iterdir()) == []
    assert client.get(link).status_code == 404


def test_an_archive_that_was_never_finished_is_forgotten(
    posted: Device, alice: User, as_user: Any
) -> None:
    as_user(alice).get(path(posted))
    archives.prune(timezone.now())
    assert CsvArchive.objects.exists()
    archives.prune(timezone.now() + archives.KEPT_FOR + archives.BETWEEN + timedelta(minutes=1))
    assert not CsvArchive.objects.exists()
