"""The whole history of a device as one CSV file, made by the worker for its owner.

The owner asks, the worker writes the file into ARCHIVE_DIR, and a mail brings a link whose token is
all that it takes to fetch it, for three days. Of the token only a checksum is kept.
"""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task
from rest_framework.exceptions import Throttled

from apps.api.exceptions import RecordNotFound
from apps.devices.models import Device
from apps.mail import outbox
from apps.readings import exports
from apps.readings.models import CsvArchive

logger = logging.getLogger(__name__)

TASK = "apps.readings.tasks.make_archive"
# Contract: once in six hours
BETWEEN = timedelta(hours=6)
KEPT_FOR = timedelta(days=3)
# What is no file of an archive, and no longer being written, was left by one that is gone.
LEFT_FOR = timedelta(hours=1)


@transaction.atomic
def request(device_id: int, now: datetime) -> CsvArchive:
    """Have the worker make an archive; raises Throttled where one was asked for lately.

    The device's row is held, so that of two requests at once one is refused.
    """
    device = Device.objects.select_for_update(no_key=True).only("pk").get(pk=device_id)
    last = CsvArchive.objects.filter(device=device).order_by("-requested_at").first()
    if last is not None and now < last.requested_at + BETWEEN:
        wait = math.ceil((last.requested_at + BETWEEN - now).total_seconds())
        raise Throttled(wait, "An archive of a device can be asked for once every 6 hours.")
    archive = CsvArchive.objects.create(device=device, requested_at=now)
    async_task(TASK, archive.pk, q_options={"task_name": f"archive {archive.pk}", "save": False})
    return archive


def make(archive_id: int) -> None:
    """Write the file of an archive and mail its owner the link; done again, it does nothing."""
    archive = CsvArchive.objects.filter(pk=archive_id, ready_at=None).first()
    device = None if archive is None else _whole(archive)
    if archive is None or device is None:
        return
    _write(archive)
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    with transaction.atomic():
        told = CsvArchive.objects.filter(pk=archive.pk, ready_at=None).update(
            ready_at=now, expires_at=now + KEPT_FOR, token_hash=_checksum(token)
        )
        if told:
            _tell(device, token, now + KEPT_FOR)
    _forget(*CsvArchive.objects.filter(device=device).exclude(pk=archive.pk))


def opened(device_id: int, token: str, now: datetime) -> CsvArchive:
    """The archive of a device that a token opens; raises RecordNotFound for any other."""
    archives = CsvArchive.objects.filter(
        device_id=device_id, device__in=Device.objects.active(), expires_at__gt=now
    )
    archive = archives.filter(token_hash=_checksum(token)).first()
    if archive is None or not path_of(archive).is_file():
        raise RecordNotFound(CsvArchive, "token", "…")  # the message may be logged
    return archive


def prune(now: datetime) -> None:
    """Delete archives that have expired, or were never finished, and what files are left of any."""
    over = CsvArchive.objects.filter(requested_at__lt=now - KEPT_FOR - BETWEEN)
    _forget(*over, *CsvArchive.objects.filter(expires_at__lte=now))
    kept = {path_of(archive).name for archive in CsvArchive.objects.all()}
    for path in _directory().iterdir():
        if path.name not in kept and _changed_at(path) < (now - LEFT_FOR).timestamp():
            path.unlink(missing_ok=True)


def path_of(archive: CsvArchive) -> Path:
    """Where the file of an archive is."""
    return _directory() / f"{archive.pk}.csv"


def _whole(archive: CsvArchive) -> Device | None:
    """The device with its owner; None where it is gone by now."""
    return Device.objects.active().select_related("owner").filter(pk=archive.device_id).first()


def _write(archive: CsvArchive) -> None:
    """Write the file, in constant memory; it is there whole or not at all."""
    part = _directory() / f"{archive.pk}.{secrets.token_hex(4)}.part"
    try:
        with part.open("wb") as file:
            for chunk in exports.as_csv(archive.device_id):
                file.write(chunk)
        part.replace(path_of(archive))
    finally:
        part.unlink(missing_ok=True)


def _tell(device: Device, token: str, until: datetime) -> None:
    """Mail the owner the link."""
    owner = device.owner
    path = f"/v0/devices/{device.pk}/readings/csv_archive/file?token={token}"
    context = {"username": owner.username, "device": device.name}
    context["url"] = f"{settings.PUBLIC_URL}{path}"
    context["until"] = f"{until:%d %B %Y, %H:%M} UTC"
    outbox.send("readings/mail/csv_archive", owner.email, context, user=owner, expires_at=until)


def _forget(*archives: CsvArchive) -> None:
    """Delete archives with their files."""
    for archive in archives:
        path_of(archive).unlink(missing_ok=True)
        archive.delete()


def _changed_at(path: Path) -> float:
    """When a file was last written, in epoch seconds; one that has just gone is of no time."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _directory() -> Path:
    """Where archives are; nobody but this server reads there."""
    directory = Path(settings.ARCHIVE_DIR)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def _checksum(token: str) -> bytes:
    """What is kept of a token, which is too long to guess."""
    return hashlib.sha256(token.encode()).digest()
