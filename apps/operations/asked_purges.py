"""Purges that an administrator asks for: done by the worker, and written into the audit log.

What is asked for is one row as it was archived: once it was restored nothing of it is deleted, also
if it is archived again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django_q.tasks import async_task

from apps.devices.models import Device
from apps.operations import purge
from apps.users.models import User

logger = logging.getLogger(__name__)

TASK = "apps.operations.asked_purges.run"
Purge = Callable[[int, float], bool]
PURGES: dict[str, tuple[Any, Purge]] = {
    "device": (Device, purge.purge_device),
    "user": (User, purge.purge_account),
}


def ask(row: Device | User, by_id: int) -> None:
    """Have the worker delete an archived row for good; belongs in the transaction that logs it."""
    kind = str(row._meta.model_name)
    _enqueue(kind, row.pk, row.archived_at, by_id, str(row))


def run(kind: str, pk: int, archived_at: datetime, by_id: int, called: str) -> None:
    """At once: delete what was asked for, for two minutes at most; another task goes on."""
    model, delete = PURGES[kind]
    row = model.objects.filter(pk=pk).first()
    if row is None:
        return  # a task that was killed after its work is done again
    if row.archived_at != archived_at:
        _log(model, pk, by_id, called, CHANGE, "Not purged: it was restored meanwhile.")
        return
    if not delete(pk, time.monotonic() + purge.SECONDS):
        _enqueue(kind, pk, archived_at, by_id, called)
    elif model.objects.filter(pk=pk).exists():
        _log(model, pk, by_id, called, CHANGE, "Not purged: it may not be deleted any more.")
    else:
        _log(model, pk, by_id, called, DELETION, "Purged: deleted for good, with its readings.")


def _enqueue(kind: str, pk: int, archived_at: datetime | None, by_id: int, called: str) -> None:
    options = {"task_name": f"purge {kind} {pk}", "save": False}
    async_task(TASK, kind, pk, archived_at, by_id, called, q_options=options)


def _log(model: Any, pk: int, by_id: int, called: str, flag: int, message: str) -> None:
    """Write into the audit log in the name of who asked."""
    LogEntry.objects.create(
        user_id=by_id,
        content_type=ContentType.objects.get_for_model(model),
        object_id=str(pk),
        object_repr=called[:200],
        action_flag=flag,
        change_message=message,
    )
    logger.info("%s %s: %s", model._meta.model_name, pk, message)
