"""A kept connection is checked without a question, and not waited on for ever."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from typing import Any

import psycopg2 as driver
import pytest
from django.db import OperationalError, connection, transaction

from apps.api import database_errors
from apps.api.postgresql import watch
from apps.api.postgresql.base import DatabaseWrapper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kept() -> Iterator[DatabaseWrapper]:
    """A connection that an earlier request has left."""
    other: Any = connection.copy()
    other.connect()
    other.close_if_unusable_or_obsolete()  # as at the start of each request
    first = other.connection.info.backend_pid
    yield other
    other.close()
    with connection.cursor() as cursor:  # which may not have noticed that nobody waits for it
        cursor.execute("SELECT pg_terminate_backend(%s)", [first])


def test_the_settings_name_this_backend() -> None:
    assert isinstance(connection.copy(), DatabaseWrapper)


def test_a_server_that_is_there_is_not_asked(
    kept: DatabaseWrapper, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(kept, "is_usable", lambda: asked.append(True))
    before = kept.connection
    with kept.cursor() as cursor:
        cursor.execute("SELECT 1")
    assert kept.connection is before
    assert not asked


def test_a_connection_that_the_server_has_closed_is_made_anew(kept: DatabaseWrapper) -> None:
    before = kept.connection
    _end(kept)
    with kept.cursor() as cursor:
        cursor.execute("SELECT 2")
        assert cursor.fetchone() == (2,)
    assert kept.connection is not before


def test_a_connection_that_is_closed_here_is_made_anew(kept: DatabaseWrapper) -> None:
    kept.connection.close()
    with kept.cursor() as cursor:
        cursor.execute("SELECT 3")
        assert cursor.fetchone() == (3,)


def test_what_a_server_says_unasked_does_no_harm(kept: DatabaseWrapper) -> None:
    before = kept.connection
    kept.health_check_done = True
    with kept.cursor() as cursor:
        cursor.execute("LISTEN news")
    with connection.cursor() as cursor:
        cursor.execute("NOTIFY news")
    kept.health_check_done = False
    with kept.cursor() as cursor:
        cursor.execute("SELECT 4")
        assert cursor.fetchone() == (4,)
    assert kept.connection is before


def _end(kept: DatabaseWrapper) -> None:
    """End the server's process of a connection, and wait until it has ended."""
    pid = kept.connection.info.backend_pid
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        assert cursor.fetchone() == (True,)
    connection.close()


LOCKED = "readings_reading"
COPY = f"COPY {LOCKED} (device_id, recorded_at) FROM STDIN"
# A commit that takes as long as one on a disk that hangs
SLOW_COMMIT = """
CREATE FUNCTION pg_temp.sleep() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
CREATE TEMPORARY TABLE slow (number integer);
CREATE CONSTRAINT TRIGGER sleeping AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION pg_temp.sleep();
"""


@pytest.fixture
def impatient(kept: DatabaseWrapper) -> DatabaseWrapper:
    """A connection on which nobody waits longer than a moment."""
    kept.connection.answers_within = 0.5
    return kept


def test_a_statement_that_gets_no_answer_ends_as_if_the_server_went_away(
    impatient: DatabaseWrapper, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(OperationalError) as raised, impatient.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
    assert database_errors.unreachable(raised.value)
    assert "said nothing for 0.5 s" in caplog.text
    impatient.close_if_unusable_or_obsolete()
    with impatient.cursor() as cursor:
        cursor.execute("SELECT 5")
        assert cursor.fetchone() == (5,)


def test_rows_of_a_cursor_of_the_server_that_do_not_come_end_too(
    impatient: DatabaseWrapper,
) -> None:
    impatient.set_autocommit(False)
    with pytest.raises(OperationalError) as raised, impatient.chunked_cursor() as cursor:
        cursor.execute("SELECT pg_sleep(60)")
        cursor.fetchmany(10)
    assert database_errors.unreachable(raised.value)


def test_a_copy_that_gets_no_answer_ends_too(impatient: DatabaseWrapper) -> None:
    with connection.cursor() as holder, transaction.atomic():
        holder.execute(f"LOCK {LOCKED}")
        with pytest.raises(driver.Error) as raised, impatient.cursor() as cursor:
            cursor.copy_expert(COPY, io.StringIO())
    assert database_errors.unreachable(raised.value)


def test_a_commit_that_gets_no_answer_ends_too(impatient: DatabaseWrapper) -> None:
    with impatient.cursor() as cursor:
        cursor.execute(SLOW_COMMIT)
    impatient.set_autocommit(False)
    with impatient.cursor() as cursor:
        cursor.execute("INSERT INTO slow VALUES (1)")
    with pytest.raises(OperationalError) as raised:
        impatient.commit()
    assert database_errors.unreachable(raised.value)


def test_a_connection_that_has_ended_by_itself_is_no_trouble(
    impatient: DatabaseWrapper, caplog: pytest.LogCaptureFixture
) -> None:
    with watch._watch.over(impatient.connection):
        impatient.connection.close()
        deadline = time.monotonic() + 10
        while "broken off" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.05)
    assert "broken off" in caplog.text
    looking = watch._watch._thread
    assert looking
    assert looking.is_alive()


def test_what_is_answered_in_time_is_left_alone(impatient: DatabaseWrapper) -> None:
    before = impatient.connection
    with impatient.cursor() as cursor:
        cursor.execute("SELECT 1")
        time.sleep(watch.LOOKS + 0.5)
        cursor.execute("SELECT 6")
        assert cursor.fetchone() == (6,)
    assert impatient.connection is before


@pytest.mark.parametrize(("limit", "seconds"), [("0", None), ("3s", 8.0), ("1min", 65.0)])
def test_it_is_waited_for_a_little_longer_than_the_server_lets_a_statement_take(
    limit: str, seconds: float | None
) -> None:
    other: Any = connection.copy()
    options = {**other.settings_dict["OPTIONS"], "options": f"-c statement_timeout={limit}"}
    other.settings_dict = {**other.settings_dict, "OPTIONS": options}
    other.connect()
    assert other.connection.answers_within == seconds
    other.close()
