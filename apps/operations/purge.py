"""Deletes for good: a device with its readings, an account with all that is its own.

An account that was closed (`DELETE /v0/me`) is deleted ACCOUNT_GRACE_DAYS later; until then an
administrator can restore it. One that an administrator archived stays, until an administrator asks
for it to be purged.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.devices.models import Device
from apps.readings import purge as time_series
from apps.users.models import User

logger = logging.getLogger(__name__)

# The next run goes on: the worker stops a task that takes too long (settings: Q_CLUSTER).
SECONDS = 120


def closed_accounts() -> QuerySet[User]:
    """Accounts whose time has come, oldest first.

    Whoever changed things on the admin site stays, since the audit log names him: such an account
    is for an administrator to decide.
    """
    before = timezone.now() - timedelta(days=settings.ACCOUNT_GRACE_DAYS)
    due: QuerySet[User] = User.objects.filter(archived_at=F("closed_at"), archived_at__lte=before)
    return due.exclude(pk__in=LogEntry.objects.values("user")).order_by("archived_at")


def is_named_in_the_audit_log(user_id: int) -> bool:
    """Whether somebody changed things on the admin site."""
    return LogEntry.objects.filter(user=user_id).exists()


def purge_closed_accounts() -> None:
    """Every hour: delete accounts whose time has come, for two minutes at most."""
    until = time.monotonic() + SECONDS
    for user in closed_accounts():
        if not purge_account(user.pk, until):
            return


def purge_account(user_id: int, until: float = float("inf")) -> bool:
    """Delete an account that is archived, with its devices, readings, applications and mails.

    False where the time (of `time.monotonic`) was up before it was done; doing it again goes on.
    Whom the audit log names is left alone: what he did there would go with him.
    """
    if is_named_in_the_audit_log(user_id):
        return True
    for device_id in (
        Device.objects.filter(owner=user_id).order_by("pk").values_list("pk", flat=True)
    ):
        if not purge_device(device_id, until):
            return False
    with transaction.atomic():
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None or user.archived_at is None:  # restored meanwhile
            return True
        user.delete()
    logger.info("account %s was deleted for good", user_id)
    return True


def purge_device(device_id: int, until: float = float("inf")) -> bool:
    """Delete a device and its readings; False where the time was up before it was done.

    A device that is in use, neither archived nor of an archived account, is left alone.
    """
    while _is_out_of_use(device_id) and time_series.delete_some(device_id):
        if time.monotonic() > until:
            return False
    with transaction.atomic():
        device = Device.objects.select_for_update().filter(pk=device_id).first()
        if device is not None and _is_out_of_use(device_id):
            time_series.delete_rest(device_id)
            device.delete()
    return True


def _is_out_of_use(device_id: int) -> bool:
    """Whether a device is archived, by itself or with its owner: it may have been restored."""
    device = Device.objects.select_related("owner").filter(pk=device_id).first()
    return device is not None and (
        device.archived_at is not None or device.owner.archived_at is not None
    )
