"""Mails by a real worker and a real mail server: it is away, and the worker is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
import requests
from pytest_django import DjangoDbBlocker

from smartcitizen import processes
from tests import live
from tests.mailserver import MailServer

pytestmark = pytest.mark.slow


@contextmanager
def worker(running: live.Platform) -> Iterator[subprocess.Popen[bytes]]:
    """The worker, in a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"],
        cwd=live.ROOT,
        env=running.environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            processes.stop(process, (signal.SIGTERM, 20))


def state(running: live.Platform) -> tuple[int, bool, bool]:
    """How often the mail was tried, whether it was sent, and whether there is an error."""
    database = psycopg2.connect(running.environment["DATABASE_URL"])
    with database, database.cursor() as cursor:
        cursor.execute("SELECT attempts, sent_at IS NOT NULL, last_error <> '' FROM mail_mail")
        [found] = cursor.fetchall()
    database.close()
    attempts, sent, wrong = found
    return attempts, sent, wrong


def wait_until(running: live.Platform, wanted: tuple[int, bool, bool]) -> None:
    """Wait until the mail is in a state."""
    deadline = time.monotonic() + 30
    while (found := state(running)) != wanted:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def make_due(running: live.Platform) -> None:
    """As if the pause were over: the minute's task comes by."""
    running.python(
        "from apps.mail import outbox; from apps.mail.models import Mail;"
        " from django.utils import timezone; Mail.objects.update(try_at=timezone.now());"
        " outbox.look_at(Mail.objects.get())"
    )


def test_a_mail_survives_a_server_that_is_away_and_a_worker_that_is_killed(
    django_db_blocker: DjangoDbBlocker,
) -> None:
    server = MailServer()
    email_url = f"smtp://127.0.0.1:{server.port}"
    with (
        django_db_blocker.unblock(),
        live.platform("mail_worker", EMAIL_URL=email_url) as running,
    ):
        dora = {"username": "dora", "email": "dora@example.org", "password": "doradora"}
        answer = requests.post(f"{running.web}/v0/users", dora, timeout=30)
        assert answer.status_code == 201, "no mail server holds up a request"
        with worker(running) as first:
            wait_until(running, (1, False, True))
            with server.running():
                server.answers.clear()
                make_due(running)
                server.wait_for(1)
                os.killpg(first.pid, signal.SIGKILL)
                first.wait(10)
                server.answers.set()
                assert state(running) == (2, False, True), "nobody knows that it arrived"
                with worker(running):
                    make_due(running)
                    wait_until(running, (3, True, False))
                    once, again = server.wait_for(2)
    assert once["To"] == again["To"] == "dora@example.org"
    assert once["Message-ID"] == again["Message-ID"]
    assert "Hello dora" in str(once)
