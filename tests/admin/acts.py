"""Does acts of the admin site as an administrator does: chooses rows, and says yes."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import models
from django.test import Client


def act(browser: Client, name: str, *rows: models.Model, yes: bool = True, **fields: Any) -> Any:
    """The answer to an act on rows of one model, confirmed or not."""
    meta = rows[0]._meta
    sent = {"action": name, "_selected_action": [row.pk for row in rows], **fields}
    if yes:
        sent["confirmed"] = "yes"
    browser.cookies.pop("messages", None)  # what was said before has been read
    return browser.post(f"/admin/{meta.app_label}/{meta.model_name}/", sent)


def said(answer: Any) -> list[str]:
    """What the administrator is told."""
    return [str(message) for message in get_messages(answer.wsgi_request)]


def audit() -> list[tuple[str, str, str]]:
    """The audit log, oldest first: who, what row, what was done."""
    return [
        (str(entry.user), entry.object_repr, entry.get_change_message())
        for entry in LogEntry.objects.select_related("user").order_by("pk")
    ]
