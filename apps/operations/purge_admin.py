"""The act of deleting for good, on the admin pages of devices and accounts.

It stands over all apps, since with a device go its readings and with an account its devices; the
pages themselves are those of the apps below.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse

from apps.devices.models import Device
from apps.operations import asked_purges, purge
from apps.readings.admin import DeviceWithReadingsAdmin
from apps.sensors.admin_acts import ArchivableAdmin
from apps.users.admin import AccountAdmin
from apps.users.models import User

WARNING = (
    "They are deleted for good with all that is theirs, readings and refused messages included."
    " The worker does it in the background; the audit log says when it is done. Until then"
    " restoring one stops it. There is no way back afterwards."
)


class Purges(ArchivableAdmin[Any]):
    """Archived rows are purged; what is in use has to be archived first."""

    def purge_problem(self, request: HttpRequest, row: Any) -> str | None:
        """Why a row must not be purged; None where it may."""
        return "it is in use; archive it first" if row.archived_at is None else None

    def acts_on(self, row: Any) -> Sequence[str]:
        """What is in use has no button to purge it."""
        acts = super().acts_on(row)
        return acts if row.archived_at else [name for name in acts if name != "purge"]

    @admin.action(
        description="Purge selected %(verbose_name_plural)s for good", permissions=["change"]
    )
    def purge(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        """Have the worker delete archived rows with all that is theirs, once that is confirmed."""
        allowed = []
        for row in self.chosen(request, queryset):
            if problem := self.purge_problem(request, row):
                self.refuse(request, row, problem)
            else:
                allowed.append(row)
        if not allowed:
            return None
        title = f"Delete {len(allowed)} for good"
        if asked := self.ask(request, allowed, "purge", (title, WARNING)):
            return asked
        with transaction.atomic():
            rows = list(self.held(allowed).exclude(archived_at=None))
            for row in rows:
                self.log_change(request, row, "Purge asked for.")
                asked_purges.ask(row, int(request.user.pk or 0))
        self.message_user(request, f"To be deleted for good by the worker: {len(rows)}.")
        return None


admin.site.unregister(Device)
admin.site.unregister(User)


@admin.register(Device)
class PurgeableDeviceAdmin(Purges, DeviceWithReadingsAdmin):
    """Devices, purged with their readings."""

    actions = (*DeviceWithReadingsAdmin.actions, "purge")


@admin.register(User)
class PurgeableAccountAdmin(Purges, AccountAdmin):
    """Accounts, purged with their devices."""

    actions = (*AccountAdmin.actions, "purge")

    def purge_problem(self, request: HttpRequest, row: User) -> str | None:
        """Whoever did something on the admin site stays, since the audit log names him."""
        if purge.is_named_in_the_audit_log(row.pk):
            return "the audit log names him, and what he did would go with him"
        return super().purge_problem(request, row)
