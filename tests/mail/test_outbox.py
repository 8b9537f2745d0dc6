"""A mail is written in the transaction of an act: both happen or neither does."""

from __future__ import annotations

import pytest
from django.db import transaction
from django_q.models import OrmQ

from apps.mail import contents, outbox
from apps.mail.models import Mail
from tests.mail.conftest import LINK, THING, BrokenServer


def test_a_mail_waits_with_a_task_that_tries_it(written: Mail, mailoutbox: list[object]) -> None:
    [queued] = OrmQ.objects.all()
    task = queued.task
    assert (task["func"], task["args"]) == ("apps.mail.tasks.deliver", (written.pk,))
    assert (written.recipient, written.subject, written.attempts) == (
        "reader@example.org",
        f"About {THING}",
        0,
    )
    assert written.message_id.startswith("<") and written.message_id.endswith("@localhost>")
    assert list(Mail.objects.waiting()) == [written]
    assert mailoutbox == [], "no request waits for a mail server"


def test_an_act_that_fails_sends_no_mail(db: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.send("about", "reader@example.org", {"thing": 1 / 0})
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        outbox.send("about", "reader@example.org", {"thing": THING})
        raise ZeroDivisionError
    assert (Mail.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_neither_the_queue_nor_the_row_gives_away_what_a_mail_says(written: Mail) -> None:
    [row] = Mail.objects.values()
    [queued] = OrmQ.objects.all()
    for kept in (repr(row), repr(queued.task), queued.payload):
        assert "a-token-that-opens" not in kept


def test_a_mail_under_another_key_is_not_read(written: Mail, settings: object) -> None:
    sealed = bytes(written.sealed_contents or b"")
    assert LINK in contents.unseal(sealed).text
    settings.ENCRYPTION_KEY = "another"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="another ENCRYPTION_KEY"):
        contents.unseal(sealed)


def test_a_mail_server_that_is_down_holds_up_nobody(
    server_down: type[BrokenServer], written: Mail
) -> None:
    assert server_down.asked == []


def test_text_is_written_as_it_is_and_html_is_escaped(db: None) -> None:
    written = contents.render("about", {"thing": THING, "link": LINK})
    assert written.subject == f"About {THING}"
    assert f"open {LINK} & see {THING}." in written.text
    assert "&lt;b&gt;5 &gt; 4 &amp; 3&lt;/b&gt;" in written.html
    assert "http://localhost" in written.text and "http://localhost" in written.html


def test_a_line_end_in_a_subject_begins_no_other_header(db: None) -> None:
    thing = "x\r\nBcc: everybody@example.org"
    mail = outbox.send("about", "reader@example.org", {"thing": thing})
    assert mail.subject == "About x Bcc: everybody@example.org"
