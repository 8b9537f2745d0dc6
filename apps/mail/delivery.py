"""Sends mails that are due, each at least once: tried ever more rarely, until it is given up.

A try is written down before it is made, so that a mail on which the worker dies comes back after
`LEASE`, and does so no more often than any other.
"""

from __future__ import annotations

import logging
import smtplib
from datetime import datetime, timedelta
from email.utils import format_datetime

from django.core.mail import EmailMultiAlternatives
from django.db.models import F
from django.utils import timezone

from apps.mail import contents
from apps.mail.models import Mail

logger = logging.getLogger(__name__)

# How long a try may take before another worker takes the mail for abandoned. The worker stops any
# task sooner (settings: Q_CLUSTER, timeout).
LEASE = timedelta(minutes=10)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
MOST_ATTEMPTS = 77  # three days of them
ERROR_LENGTH = 1000


def deliver(mail_id: int, now: datetime | None = None) -> bool:
    """Send a mail if it is due; whether it was sent. One that another worker tries is left alone.

    What fails is written on the row and in the log, and is no error of the task.
    """
    now = now or timezone.now()
    mail = _claim(mail_id, now)
    if mail is None:
        return False
    if mail.expires_at is not None and mail.expires_at <= now:
        _give_up(mail, now, mail.last_error or "it was too old to be of use")
        return False
    if mail.attempts > MOST_ATTEMPTS:  # the last try did not live to say that it failed
        _give_up(mail, now, mail.last_error or "the worker stopped at each try")
        return False
    try:
        message(mail).send()
    except Exception as error:  # whatever it is: the row has to say it, and another try may work
        _failed(mail, now, error)
        return False
    Mail.objects.filter(pk=mail.pk).update(
        sent_at=timezone.now(), failed_at=None, sealed_contents=None, last_error=""
    )
    return True


def message(mail: Mail) -> EmailMultiAlternatives:
    """The mail as it goes out, the same at every try."""
    written = contents.unseal(bytes(mail.sealed_contents or b""))
    headers = {
        "Message-ID": mail.message_id,
        "Date": format_datetime(mail.created_at),
        "Auto-Submitted": "auto-generated",  # no vacation notices in return (RFC 3834)
    }
    whole = EmailMultiAlternatives(
        written.subject, written.text, to=[mail.recipient], headers=headers
    )
    whole.attach_alternative(written.html, "text/html")
    return whole


def pause_after(attempts: int) -> timedelta:
    """How long to wait after so many tries: twice as long each time, up to an hour."""
    doublings: int = 2 ** min(attempts - 1, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def _claim(mail_id: int, now: datetime) -> Mail | None:
    """Count a try and keep other workers off for the length of it; None for who comes too late."""
    mine = Mail.objects.due(now).filter(pk=mail_id)
    if not mine.update(attempts=F("attempts") + 1, try_at=now + LEASE):
        return None
    return Mail.objects.filter(pk=mail_id).first()


def _failed(mail: Mail, now: datetime, error: Exception) -> None:
    """Say on the row what went wrong and when to try again; never what the mail says."""
    reason = f"{type(error).__name__}: {error}"[:ERROR_LENGTH]
    if _is_final(error) or mail.attempts >= MOST_ATTEMPTS:
        _give_up(mail, now, reason)
        return
    Mail.objects.filter(pk=mail.pk).update(
        try_at=now + pause_after(mail.attempts), last_error=reason
    )
    logger.warning("mail %s was not sent at try %s: %s", mail.pk, mail.attempts, reason)


def _is_final(error: Exception) -> bool:
    """Whether the mail server said that this address will never do (a 5xx for the recipient)."""
    return isinstance(error, smtplib.SMTPRecipientsRefused) and all(
        code >= 500 for code, _ in error.recipients.values()
    )


def _give_up(mail: Mail, now: datetime, reason: str) -> None:
    """Try no more; an administrator sees it, and can have it sent again."""
    Mail.objects.filter(pk=mail.pk).update(failed_at=now, last_error=reason)
    logger.error("mail %s was given up after try %s: %s", mail.pk, mail.attempts, reason)


def send_again(mail: Mail) -> None:
    """Try a mail that was given up from the start; the caller has the worker look at it."""
    Mail.objects.filter(pk=mail.pk, sent_at=None).update(
        failed_at=None, attempts=0, try_at=timezone.now()
    )
