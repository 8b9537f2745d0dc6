"""The worker sends mails at least once, tries again what fails, and says what it gave up."""

from __future__ import annotations

import logging
import smtplib
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from apps.mail import delivery, tasks
from apps.mail.models import Mail
from tests.mail.conftest import LINK, BrokenServer

Outbox = list[EmailMultiAlternatives]


def again(mail: Mail) -> Mail:
    """The row as it is now."""
    return Mail.objects.get(pk=mail.pk)


def test_a_mail_goes_out_in_text_and_html(written: Mail, mailoutbox: Outbox) -> None:
    tasks.deliver(written.pk)
    [sent] = mailoutbox
    assert (sent.to, sent.subject) == (["reader@example.org"], written.subject)
    assert LINK in sent.body
    [html] = sent.alternatives
    assert html.mimetype == "text/html" and LINK in html.content
    whole = sent.message()
    assert whole["Message-ID"] == written.message_id
    assert whole["Auto-Submitted"] == "auto-generated"
    row = again(written)
    assert row.sent_at is not None and row.attempts == 1
    assert row.sealed_contents is None, "what it said is forgotten"


def test_a_mail_that_was_sent_is_not_sent_again(written: Mail, mailoutbox: Outbox) -> None:
    for _ in range(3):
        tasks.deliver(written.pk)
        tasks.deliver_due()
    assert len(mailoutbox) == 1


def test_a_task_whose_mail_is_gone_does_nothing(db: None, mailoutbox: Outbox) -> None:
    tasks.deliver(404)
    assert mailoutbox == []


def test_what_fails_is_tried_again_later_with_the_same_message_id(
    server_down: type[BrokenServer],
    written: Mail,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    mailoutbox: Outbox,
) -> None:
    tasks.deliver(written.pk)
    row = again(written)
    assert (row.attempts, row.sent_at, row.failed_at) == (1, None, None)
    assert row.last_error == "ConnectionRefusedError: [Errno 111] Connection refused"
    assert "was not sent at try 1" in caplog.text and "a-token-that-opens" not in caplog.text
    tasks.deliver_due()
    assert again(written).attempts == 1, "not before its time"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    Mail.objects.update(try_at=timezone.now())
    tasks.deliver_due()
    ids = {mail.message()["Message-ID"] for mail in [*server_down.asked, *mailoutbox]}
    assert ids == {written.message_id}
    row = again(written)
    assert row.sent_at is not None and (row.attempts, row.last_error) == (2, "")


def test_pauses_grow_to_an_hour() -> None:
    minutes = [delivery.pause_after(n) / timedelta(minutes=1) for n in (1, 2, 3, 6, 7, 8, 77)]
    assert minutes == [1, 2, 4, 32, 60, 60, 60]


def test_the_next_try_is_as_far_away_as_the_pause(
    server_down: type[BrokenServer], written: Mail
) -> None:
    now = timezone.now()
    delivery.deliver(written.pk, now)
    delivery.deliver(written.pk, now + timedelta(minutes=1))
    assert again(written).try_at == now + timedelta(minutes=1 + 2)


def test_after_three_days_a_mail_is_given_up_loudly(
    server_down: type[BrokenServer], written: Mail, caplog: pytest.LogCaptureFixture
) -> None:
    now = written.try_at
    while again(written).failed_at is None:
        delivery.deliver(written.pk, now := again(written).try_at)
    assert timedelta(days=2.5) < now - written.created_at < timedelta(days=3.5)
    assert list(Mail.objects.failed()) == [written]
    assert [r.levelno for r in caplog.records if "given up" in r.message] == [logging.ERROR]
    tasks.deliver(written.pk)
    assert again(written).attempts == delivery.MOST_ATTEMPTS


def test_an_address_that_is_refused_for_good_is_given_up_at_once(
    refused: type[BrokenServer], written: Mail
) -> None:
    tasks.deliver(written.pk)
    row = again(written)
    assert row.failed_at is not None and row.attempts == 1
    assert "No such user" in row.last_error


def test_an_address_that_is_refused_for_now_is_tried_again(
    refused: type[BrokenServer], written: Mail
) -> None:
    refused.error = smtplib.SMTPRecipientsRefused({"a@example.org": (450, b"Greylisted")})
    tasks.deliver(written.pk)
    assert again(written).failed_at is None


def test_a_mail_of_no_use_any_more_is_not_sent(written: Mail, mailoutbox: Outbox) -> None:
    Mail.objects.update(expires_at=timezone.now())
    tasks.deliver(written.pk)
    assert mailoutbox == []
    assert again(written).last_error == "it was too old to be of use"


def test_a_mail_that_another_worker_tries_is_left_alone(
    written: Mail, mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = EmailMultiAlternatives.send

    def meanwhile(mail: EmailMultiAlternatives, *args: Any) -> int:
        assert not delivery.deliver(written.pk), "a second worker takes the same task"
        return send(mail, *args)

    monkeypatch.setattr(EmailMultiAlternatives, "send", meanwhile)
    assert delivery.deliver(written.pk)
    assert len(mailoutbox) == 1


def test_a_mail_whose_worker_dies_comes_back_and_not_for_ever(
    written: Mail, mailoutbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(mail: EmailMultiAlternatives) -> int:
        raise SystemExit  # as a killed process, it writes nothing more

    monkeypatch.setattr(EmailMultiAlternatives, "send", dies)
    now, deaths = written.try_at, 0
    while again(written).failed_at is None:
        try:
            delivery.deliver(written.pk, now := again(written).try_at)
        except SystemExit:
            deaths += 1
            assert again(written).try_at == now + delivery.LEASE
    assert deaths == delivery.MOST_ATTEMPTS
    assert again(written).last_error == "the worker stopped at each try"


def test_a_mail_that_was_given_up_can_be_sent_again(
    refused: type[BrokenServer], written: Mail, settings: Any, mailoutbox: Outbox
) -> None:
    tasks.deliver(written.pk)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    delivery.send_again(again(written))
    tasks.deliver_due()
    [sent] = mailoutbox
    assert sent.message()["Message-ID"] == written.message_id
    assert again(written).sent_at is not None


def test_which_mails_were_sent_is_forgotten_after_a_while_and_what_waits_is_not(
    written: Mail, settings: Any
) -> None:
    Mail.objects.update(created_at=timezone.now() - timedelta(days=settings.MAIL_DAYS + 1))
    tasks.forget()
    assert list(Mail.objects.all()) == [written]
    tasks.deliver(written.pk)
    tasks.forget()
    assert not Mail.objects.exists()
