"""A backup is the database of one moment, and a restore is all of it or nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from pytest_django import DjangoDbBlocker

from tests import live

pytestmark = pytest.mark.slow

SETUP = """
from django.contrib.admin.models import LogEntry
from apps.mail import outbox
from apps.readings import ingest_errors, refresher
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal
from apps.users import mails
from apps.users.models import User
user = User.objects.order_by("pk").first()
mails.welcome(user)
refresher.refresh_due(60)
refusals = [Refusal(None, None, "why", "payload")]
ingest_errors.keep(None, IngestError.Source.KIT, refusals, "stranger")
"""
# One message in two tables: a backup of one moment has both or neither.
POST = """
INSERT INTO readings_reading (device_id, recorded_at, added_at, sensor_set_id, "values")
    VALUES (1, now() + %(n)s * interval '1 s', now(), 1, '{1}');
INSERT INTO readings_ingesterror
    (device_id, source, origin, reason, payload, created_at, last_at, count)
    VALUES (1, 'rest', '', 'post ' || %(n)s, '', now(), now(), 1)
"""


def rows(url: str, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a query finds in a database."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def contents(url: str) -> dict[str, Any]:
    """Every table, partition and sequence there is: how many rows, and a checksum of them."""
    tables = rows(
        url,
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p')"
        " AND relnamespace = 'public'::regnamespace ORDER BY 1",
    )
    checksum = "md5(string_agg(md5(t::text), '' ORDER BY t::text))"
    found: dict[str, Any] = {
        name: rows(url, f'SELECT count(*), {checksum} FROM "{name}" AS t') for (name,) in tables
    }
    sequences = rows(url, "SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
    return found | {name: [(1, at)] for name, at in sequences}


class Command:
    """`manage.py` over one database after the other."""

    def __init__(self, url: str) -> None:
        self.environment = {**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"}

    def __call__(self, *words: str, fails: bool = False) -> str:
        """What it says; where it fails, one line that is no traceback."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=live.ROOT, env=self.environment, capture_output=True, text=True,
        )  # fmt: skip
        assert bool(done.returncode) == fails, done.stderr
        if fails:
            assert "Traceback" not in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        return done.stderr if fails else done.stdout


@pytest.fixture(scope="module")
def source(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A database with rows of many kinds."""
    with django_db_blocker.unblock(), live.database("backup_source") as url:
        command = Command(url)
        for words in ("migrate", "catalogue", "schedules"):
            command(words)
        command("demo", "--devices", "4", "--owners", "2", "--days", "2")
        command("shell", "-c", SETUP)
        yield url


@pytest.fixture
def empty() -> Iterator[str]:
    """A database without a table."""
    with live.database("backup_target") as url:
        yield url


def test_all_is_there_again_and_ids_go_on(source: str, empty: str, tmp_path: Path) -> None:
    file = tmp_path / "all.backup"
    assert f"{file}: " in Command(source)("backup", str(file))
    assert [*tmp_path.iterdir()] == [file]
    Command(empty)("restore", str(file))
    expected = contents(source)
    assert contents(empty) == expected
    filled = {name for name, [(count, _)] in expected.items() if count}
    assert {"readings_hourly", "mail_mail", "readings_ingesterror", "devices_component"} <= filled
    Command(empty)("demo", "--devices", "1", "--owners", "1", "--days", "0")
    ids = "SELECT max(id) FROM devices_device"
    assert rows(empty, ids)[0][0] == rows(source, ids)[0][0] + 1
    assert "not empty" in Command(empty)("restore", str(file), fails=True)
    assert "there already" in Command(source)("backup", str(file), fails=True)


def test_it_is_of_one_moment_while_posts_come_in(source: str, empty: str, tmp_path: Path) -> None:
    file, ending = tmp_path / "busy.backup", threading.Event()
    before, posted = rows(source, "SELECT count(*) FROM readings_reading")[0][0], 0

    def post() -> None:
        nonlocal posted
        with closing(psycopg2.connect(source)) as connection:
            while not ending.is_set():
                with connection, connection.cursor() as cursor:
                    cursor.execute(POST, {"n": posted})
                posted += 1

    writer = threading.Thread(target=post)
    writer.start()
    try:
        Command(source)("backup", str(file))
    finally:
        ending.set()
        writer.join()
    Command(empty)("restore", str(file))
    kept = rows(empty, "SELECT count(*) FROM readings_reading")[0][0] - before
    errors = rows(empty, "SELECT count(*) FROM readings_ingesterror WHERE reason LIKE 'post %%'")
    assert errors == [(kept,)]
    assert 0 < kept < posted


@pytest.mark.parametrize("broken", ["missing", "no backup", "cut short", "newer"])
def test_what_cannot_be_restored_whole_is_not_restored(
    broken: str, source: str, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "some.backup"
    expected = {
        "missing": "is no file",
        "no backup": "archive",
        "cut short": "nothing was restored",
        "newer": "comes from a newer version, with the migrations readings.9999_of_tomorrow",
    }
    if broken == "no backup":
        file.write_bytes(b"no backup" * 100)
    elif broken == "newer":
        with closing(psycopg2.connect(source)) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(
                "INSERT INTO django_migrations (app, name, applied)"
                " VALUES ('readings', '9999_of_tomorrow', now())"
            )
            Command(source)("backup", str(file))
            cursor.execute("DELETE FROM django_migrations WHERE name = '9999_of_tomorrow'")
    elif broken == "cut short":
        Command(source)("backup", str(file))
        file.write_bytes(file.read_bytes()[: file.stat().st_size * 9 // 10])
    assert expected[broken] in Command(empty)("restore", str(file), fails=True)
    assert contents(empty) == {}
