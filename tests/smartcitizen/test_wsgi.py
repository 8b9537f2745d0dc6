"""Processes that answer by HTTP have a time limit for each statement, and no others have."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlencode

import pytest

ASK = """
import django
django.setup()
from django.db import connection
def limit():
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        print(cursor.fetchone()[0])
    connection.close()
limit()
{become}
limit()
"""
WEB_SERVER = "from smartcitizen import wsgi"
# It gets no further than to listen.
KIT_DOOR = """
import socket
from django.core.management import CommandError, call_command
with socket.create_server(("127.0.0.1", 0)) as taken:
    try:
        call_command("kit_door", port=taken.getsockname()[1])
    except CommandError:
        pass
"""


def limits(become: str, **options: str) -> list[str]:
    """The limit in a management command, and that once it becomes another process."""
    address = os.environ["DATABASE_URL"]
    if options:
        address += ("&" if "?" in address else "?") + urlencode(options)
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "smartcitizen.settings",
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASK.format(become=become)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return asked.stdout.split()


@pytest.mark.parametrize("become", [WEB_SERVER, KIT_DOOR], ids=["web server", "kit door"])
def test_who_answers_by_http_limits_how_long_a_statement_may_take(become: str) -> None:
    assert limits(become) == ["0", "20s"]


@pytest.mark.parametrize("become", [WEB_SERVER, KIT_DOOR], ids=["web server", "kit door"])
def test_an_administrator_may_set_another_limit(become: str) -> None:
    assert limits(become, options="-c statement_timeout=7s") == ["7s", "7s"]
