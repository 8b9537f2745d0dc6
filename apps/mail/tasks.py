"""What the worker does for mails."""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.mail import delivery
from apps.mail.models import Mail

# The next minute goes on, so that a slow mail server does not keep other tasks waiting.
SECONDS = 40


def deliver(mail_id: int) -> None:
    """Send one mail, as soon as it was written."""
    delivery.deliver(mail_id)


def deliver_due() -> None:
    """Every minute: try mails again that could not be sent, or whose worker died."""
    until = time.monotonic() + SECONDS
    due = Mail.objects.due(timezone.now()).order_by("try_at")
    for mail_id in due.values_list("pk", flat=True)[:1000]:
        if time.monotonic() > until:
            return
        delivery.deliver(mail_id)


def forget() -> None:
    """Every day: delete mails that were sent or given up long ago."""
    long_ago = timezone.now() - timedelta(days=settings.MAIL_DAYS)
    done = Mail.objects.filter(created_at__lt=long_ago)
    done.exclude(sent_at=None, failed_at=None).delete()
