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
import psycopg2.sql
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

# What separators, escapes and encodings could break
AWKWARD = "tab\t newline\n backslash \\. \\N quote'\" 测试 🌍"
# Of what a kind of column holds where nothing else asks for it
VALUES = {
    "ARRAY": "{1}",
    "boolean": "true",
    "bytea": "\\x00ff5c",
    "date": "2024-02-29",
    "inet": "2001:db8::1",
    "interval": "1 month 2 days",
    "jsonb": '{"a": [null, "\\\\"]}',
    "timestamp with time zone": "2024-02-29 23:59:59.999999+00",
    "uuid": "11111111-2222-3333-4444-555555555555",
}
COLUMNS = """
SELECT a.attname, format_type(a.atttypid, NULL), a.atttypmod - 4, f.confrelid::regclass::text,
    (SELECT attname FROM pg_attribute WHERE attrelid = f.confrelid AND attnum = f.confkey[1])
FROM pg_attribute a LEFT JOIN pg_constraint f
    ON f.conrelid = a.attrelid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum]
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull
    AND a.attgenerated = '' AND a.attidentity = '' AND NOT a.atthasdef
"""
TABLES = """
SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
    AND relnamespace = 'public'::regnamespace
"""
# What a table is besides its rows
SHAPES = (
    "SELECT c.relname, c.relkind, pg_get_expr(c.relpartbound, c.oid) FROM pg_class c"
    " WHERE relnamespace = 'public'::regnamespace",
    "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'",
    # PostgreSQL writes the same condition otherwise once it has read it again.
    "SELECT conname, CASE contype WHEN 'c' THEN 'check' ELSE pg_get_constraintdef(oid) END"
    " FROM pg_constraint"
    " WHERE connamespace = 'public'::regnamespace",
    "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "SELECT sequencename, last_value FROM pg_sequences",
)


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
    shapes = {sql: [(1, sorted(map(str, rows(url, sql))))] for sql in SHAPES if found}
    return found | {name: [(1, at)] for name, at in sequences} | shapes


def put_row(cursor: Any, table: str) -> None:
    """Put a row into a table, of whatever its columns may hold; raises where another has to be."""
    cursor.execute(COLUMNS, [table])
    row: dict[str, Any] = {}
    for name, kind, length, target, key in cursor.fetchall():
        if target:
            cursor.execute(f'SELECT "{key}" FROM {target} LIMIT 1')
            (row[name],) = cursor.fetchone()
        elif kind.startswith("character"):
            row[name] = AWKWARD[: length if length > 0 else None]
        else:
            row[name] = VALUES["ARRAY"] if kind.endswith("[]") else VALUES.get(kind, AWKWARD)
            if kind in {"smallint", "integer", "bigint", "double precision"}:
                row[name] = 1
    cursor.execute(
        psycopg2.sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            psycopg2.sql.Identifier(table),
            psycopg2.sql.SQL(", ").join(map(psycopg2.sql.Identifier, row)),
            psycopg2.sql.SQL(", ").join([psycopg2.sql.Placeholder()] * len(row)),
        ),
        list(row.values()),
    )


def fill_what_is_empty(url: str) -> None:
    """See that each table has a row; a new table that cannot be filled fails the test."""
    with closing(psycopg2.connect(url)) as own, own.cursor() as cursor:
        own.autocommit = True
        empty = [
            name
            for (name,) in rows(url, TABLES)
            if rows(url, f'SELECT NOT EXISTS (SELECT FROM "{name}")') == [(True,)]
        ]
        while empty:
            trouble: dict[str, object] = {}
            for name in empty:
                try:
                    put_row(cursor, name)
                except (psycopg2.Error, TypeError) as error:
                    trouble[name] = error
            assert len(trouble) < len(empty), trouble
            empty = list(trouble)


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
    """A database with a row of every kind."""
    with django_db_blocker.unblock(), live.database("backup_source") as url:
        command = Command(url)
        for words in ("migrate", "catalogue", "schedules"):
            command(words)
        command("demo", "--devices", "4", "--owners", "2", "--days", "2")
        command("shell", "-c", SETUP)
        fill_what_is_empty(url)
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
    assert file.stat().st_mode & 0o777 == 0o600
    Command(empty)("restore", str(file))
    expected = contents(source)
    assert contents(empty) == expected
    filled = {name for name, [(count, _)] in expected.items() if count}
    assert {name for (name,) in rows(source, TABLES)} <= filled
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


@pytest.mark.parametrize("broken", ["missing", "no backup", "cut short", "altered", "newer"])
def test_what_cannot_be_restored_whole_is_not_restored(
    broken: str, source: str, empty: str, tmp_path: Path
) -> None:
    file = tmp_path / "some.backup"
    expected = {
        "missing": "is no file",
        "no backup": "archive",
        "cut short": "nothing was restored",
        "altered": "was altered since it was written",
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
    elif broken == "altered":
        Command(source)("backup", str(file))
        whole = file.read_bytes()
        file.write_bytes(whole.replace(b"exposure", b"exposuse", 1))
        assert file.read_bytes() != whole
    assert expected[broken] in Command(empty)("restore", str(file), fails=True)
    assert contents(empty) == {}
