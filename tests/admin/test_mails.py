"""Mails on the admin site: what was given up is sent again."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.core.mail import EmailMultiAlternatives
from django.test import Client
from django.utils import timezone
from django_q.models import OrmQ

from apps.mail import tasks
from apps.mail.models import Mail
from tests.admin.conftest import mail_row


def test_mails_that_were_given_up_are_sent_again(
    alice: object, bob: object, browser: Client, mailoutbox: list[EmailMultiAlternatives]
) -> None:
    mail_row(alice)  # type: ignore[arg-type]
    mail_row(bob)  # type: ignore[arg-type]
    failed = Mail.objects.get(user=alice)
    Mail.objects.filter(pk=failed.pk).update(failed_at=timezone.now(), attempts=77)
    answer = browser.post(
        "/admin/mail/mail/",
        {
            "action": "send_again",
            "_selected_action": list(Mail.objects.values_list("pk", flat=True)),
        },
        follow=True,
    )
    assert "To be sent again: 1." in answer.content.decode()
    [queued] = OrmQ.objects.all()
    assert queued.task["args"] == (failed.pk,), "the other one waits anyway"
    assert LogEntry.objects.get().get_change_message() == "Sent again."
    tasks.deliver(failed.pk)
    assert [mail.to for mail in mailoutbox] == [[failed.recipient]]
