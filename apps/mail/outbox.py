"""Puts a mail into the outbox, in the transaction of the act that it tells of.

    outbox.send("users/mail/welcome", user.email, {"user": user}, user=user)

The mail goes out if and only if that transaction commits, and a mail server that is down holds up
nobody: the worker sends it, at once where it can (`apps/mail/delivery.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from apps.mail import contents
from apps.mail.models import Mail, new_message_id

TASK = "apps.mail.tasks.deliver"


@transaction.atomic
def send(
    template: str,
    recipient: str,
    context: Mapping[str, Any],
    *,
    user: Any = None,
    expires_at: datetime | None = None,
) -> Mail:
    """Write a mail to `recipient` and have the worker send it once this has committed.

    `template` names a pair of templates, `<template>.txt` and `<template>.html`, which see
    `context` and `site`. `user` is whom the mail is about, and `expires_at` when it would be of no
    use any more. What the mail says is fixed here: a later try sends the same, under the same
    Message-ID.
    """
    written = contents.render(template, context)
    mail = Mail.objects.create(
        message_id=new_message_id(urlsplit(settings.PUBLIC_URL).hostname or "localhost"),
        user=user,
        recipient=recipient,
        template=template,
        subject=written.subject[: Mail._meta.get_field("subject").max_length],
        sealed_contents=contents.seal(written),
        expires_at=expires_at,
    )
    look_at(mail)
    return mail


def look_at(mail: Mail) -> None:
    """Tell the worker to try a mail now.

    The task names the row and nothing else: whoever sees the queue sees no link. It is not repeated
    by the queue, whose tries are all alike: the row says when the next one is.
    """
    async_task(
        TASK,
        mail.pk,
        q_options={"task_name": f"mail {mail.pk}", "save": False, "ack_failure": True},
    )
