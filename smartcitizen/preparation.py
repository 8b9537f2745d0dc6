"""What has to be there before `make run` serves: a key, tables, the catalogue, someone to sign in.

Everything here is done once and is safe to repeat. Only an embedded database is filled with an
account and demo data: one that was given by its address is somebody's.
"""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections

ADMIN = "admin"
# A small demo: enough to see a map and a day's curve, and loaded within seconds.
DEMO_DEVICES, DEMO_DAYS = 60, 2


def keep_secret(path: Path, length: int) -> str:
    """Return the secret in `path`, made there at first: `length` random bytes, for us alone."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(f".{os.getpid()}")
        # Written beside and moved, so that a start that is cut off leaves no half secret.
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(length) + "\n")
        new.replace(path)
    return path.read_text().strip()


def empty_folder(path: Path) -> str:
    """Make an empty folder, whatever was in it: figures begin at nothing with each start."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    return str(path)


def prepare(embedded: bool, var: Path) -> None:
    """Bring the database and the static files to this version; fill an empty embedded database."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0, interactive=False)
    call_command("catalogue", "--if-empty")
    call_command("schedules")
    call_command("collectstatic", verbosity=0, interactive=False)
    if embedded:
        _fill(var)
    # The processes that serve open connections of their own.
    connections.close_all()


def _fill(var: Path) -> None:
    """Make an admin where there is none, and demo data where there is no device."""
    # Looked up by name: this module is loaded before Django, which needs the key made here.
    users: Any = get_user_model()
    devices: Any = apps.get_model("devices", "Device")
    if not users.objects.filter(role=users.Role.ADMIN).exists():
        password = keep_secret(var / "admin_password", 12)
        users.objects.create_superuser(ADMIN, "admin@example.org", password)
    if settings.DEMO and not devices.objects.exists():
        call_command("demo", devices=DEMO_DEVICES, days=DEMO_DAYS)
