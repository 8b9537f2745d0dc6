"""The mails of the platform: what waits to be sent, what was sent, and what could not be."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone


class MailQuerySet(models.QuerySet["Mail"]):
    """Mails by what became of them."""

    def waiting(self) -> MailQuerySet:
        """Those that are still to be sent."""
        return self.filter(sent_at=None, failed_at=None)

    def due(self, now: datetime) -> MailQuerySet:
        """Those whose time to be tried has come."""
        return self.waiting().filter(try_at__lte=now)

    def failed(self) -> MailQuerySet:
        """Those that were given up."""
        return self.exclude(failed_at=None)


class Mail(models.Model):
    """One mail to one address.

    The row is the truth; the task in the queue only says that it should be looked at now. What the
    mail says may open an account (a link to set a new password), so it is kept encrypted, and
    forgotten once the mail is sent (`apps/mail/contents.py`).
    """

    message_id = models.CharField(max_length=255, unique=True, editable=False)
    # Whom it is about, for his export; a mail to an address may be about nobody.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="mails"
    )
    recipient = models.EmailField(max_length=254)
    template = models.CharField(max_length=100)
    subject = models.CharField(max_length=500)
    sealed_contents = models.BinaryField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    # After this it would be of no use, as a link that has expired.
    expires_at = models.DateTimeField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    try_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(
                fields=["try_at"],
                name="mail_waiting",
                condition=models.Q(sent_at=None, failed_at=None),
            ),
            models.Index(fields=["created_at"], name="mail_created_at"),
        ]

    def __str__(self) -> str:
        return f"{self.template} to {self.recipient}"


def new_message_id(host: str) -> str:
    """A Message-ID that no other mail has (RFC 5322)."""
    return f"<{uuid.uuid4()}@{host}>"
