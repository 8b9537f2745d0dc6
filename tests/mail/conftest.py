"""A pair of templates of the tests' own, and mail servers that do not do what they should."""

from __future__ import annotations

import smtplib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from apps.mail import outbox
from apps.mail.models import Mail

TEXT = """{% extends "mail/base.txt" %}
{% block subject %}About
{{ thing }}{% endblock %}
{% block text %}Dear reader,

open {{ link }} & see {{ thing }}.{% endblock %}"""
HTML = """{% extends "mail/base.html" %}
{% block content %}<p>Open <a href="{{ link }}">this</a> & see {{ thing }}.</p>{% endblock %}"""
LINK = "https://example.org/open/a-token-that-opens-an-account"
THING = "<b>5 > 4 & 3</b>"


class BrokenServer(BaseEmailBackend):
    """A mail server that answers every mail by raising `error`."""

    error: ClassVar[Exception] = ConnectionRefusedError(111, "Connection refused")
    asked: ClassVar[list[EmailMessage]] = []

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send nothing."""
        BrokenServer.asked.extend(email_messages)
        raise self.error


@pytest.fixture(autouse=True)
def templates(settings: Any, tmp_path: Path) -> None:
    """`about.txt` and `about.html`."""
    (tmp_path / "about.txt").write_text(TEXT)
    (tmp_path / "about.html").write_text(HTML)
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]


@pytest.fixture
def server_down(settings: Any, monkeypatch: pytest.MonkeyPatch) -> type[BrokenServer]:
    """The mail server is away; its `error` may be set to something else."""
    settings.EMAIL_BACKEND = f"{__name__}.BrokenServer"
    monkeypatch.setattr(BrokenServer, "error", BrokenServer.error)
    BrokenServer.asked.clear()
    return BrokenServer


@pytest.fixture
def refused(server_down: type[BrokenServer]) -> type[BrokenServer]:
    """The mail server is there and does not know the recipient."""
    server_down.error = smtplib.SMTPRecipientsRefused(
        {"nobody@example.org": (550, b"No such user")}
    )
    return server_down


@pytest.fixture
def written(db: None) -> Mail:
    """A mail in the outbox."""
    return outbox.send("about", "reader@example.org", {"thing": THING, "link": LINK})
