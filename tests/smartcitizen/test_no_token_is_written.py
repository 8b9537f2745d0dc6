"""Tokens in an address are written nowhere: not by the web server, not by Django, not to Sentry."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import psycopg2
import pytest
import requests
from pytest_django import DjangoDbBlocker

from apps.api import reporting
from tests import live

SECRET = "access-token-that-nobody-may-read"
# What a token of a mailed link looks like.
MAILED = "a-token-of-a-mailed-link-0123456789-0123456"
QUERIES = f"access_token={SECRET}&password={SECRET}"


class Sentry(BaseHTTPRequestHandler):
    """Takes what is reported."""

    reports: list[str] = []

    def do_POST(self) -> None:
        """Keep an envelope."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.reports.append(body.decode(errors="replace"))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def sentry() -> Iterator[str]:
    """Where errors are reported to: the DSN."""
    Sentry.reports.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Sentry) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://key@127.0.0.1:{server.server_port}/1"
        server.shutdown()
        thread.join()


@pytest.mark.slow
def test_neither_logs_nor_reports_hold_a_token(
    sentry: str, django_db_blocker: DjangoDbBlocker, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        django_db_blocker.unblock(),
        live.platform("no_token", SENTRY_DSN=sentry, LOG_LEVEL="DEBUG") as running,
    ):
        for path in ("/v0/me", "/v0/nowhere", "/v0/users?page=x", "/ui/nowhere", "/v0/devices"):
            joint = "&" if "?" in path else "?"
            running.get(f"{path}{joint}{QUERIES}")
        requests.post(f"{running.web}/v0/sessions?username=a&{QUERIES}", timeout=30)
        for path in (f"/v0/password_resets/{MAILED}", f"/ui/password_reset/{MAILED}"):
            assert running.get(path).status_code == 404
        broken = psycopg2.connect(running.environment["DATABASE_URL"])
        with broken, broken.cursor() as cursor:  # a fault of ours, at each of these
            cursor.execute("ALTER TABLE users_user RENAME TO gone")
            cursor.execute("ALTER TABLE oauth2_provider_accesstoken RENAME TO gone_too")
            cursor.execute("ALTER TABLE users_passwordreset RENAME TO gone_as_well")
        broken.close()
        bearer = {"Authorization": f"Bearer {SECRET}"}
        answers = [
            running.get(f"/v0/me?{QUERIES}"),
            running.get("/v0/me", headers=bearer),
            running.get(f"/v0/password_resets/{MAILED}"),
            requests.post(
                f"{running.web}/v0/sessions", {"username": "a", "password": SECRET}, timeout=30
            ),
        ]
        assert [answer.status_code for answer in answers] == [500] * 4
        deadline = time.monotonic() + 20
        while len(Sentry.reports) < 4 and time.monotonic() < deadline:
            time.sleep(0.1)
    written = "".join(capfd.readouterr())
    assert "/v0/password_resets/[FILTERED]" in written, "the log tells of what was asked"
    reported = "\n".join(Sentry.reports)
    assert reported.count("UndefinedTable") >= 4, "every fault is reported"
    for token in (SECRET, MAILED):
        assert token not in written
        assert token not in reported


def test_a_report_keeps_what_helps() -> None:
    event = {
        "request": {
            "method": "GET",
            "url": f"http://localhost/v0/password_resets/{MAILED}",
            "query_string": QUERIES,
            "cookies": {"sessionid": SECRET},
            "data": {"password": SECRET},
        },
        "breadcrumbs": {"values": [{"message": f"Not Found: /ui/email_change/{MAILED}"}]},
    }
    cleaned = reporting.without_tokens(event)
    assert SECRET not in json.dumps(cleaned) and MAILED not in json.dumps(cleaned)
    assert cleaned["request"] == {
        "method": "GET",
        "url": "http://localhost/v0/password_resets/[FILTERED]",
    }
