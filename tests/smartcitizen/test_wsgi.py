"""Processes that answer by HTTP have a time limit for each statement, and no others have."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlencode

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
from smartcitizen import wsgi
limit()
"""


def limits(**options: str) -> list[str]:
    """The limit in a management command, and that once it becomes a process of the web server."""
    address = os.environ["DATABASE_URL"]
    if options:
        address += ("&" if "?" in address else "?") + urlencode(options)
    environment = {
        **os.environ,
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "smartcitizen.settings",
    }
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env=environment, check=True, capture_output=True, text=True
    )
    return asked.stdout.split()


def test_the_web_server_alone_limits_how_long_a_statement_may_take() -> None:
    assert limits() == ["0", "20s"]


def test_an_administrator_may_set_another_limit() -> None:
    assert limits(options="-c statement_timeout=7s") == ["7s", "7s"]
