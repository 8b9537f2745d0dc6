"""A kept connection is checked before a request, without a question to a server that is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoDbBlocker

from apps.api.postgresql.base import DatabaseWrapper


@pytest.fixture
def kept(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[DatabaseWrapper]:
    """A connection that an earlier request has left."""
    with django_db_blocker.unblock():
        other: Any = connection.copy()
        other.connect()
        other.close_if_unusable_or_obsolete()  # as at the start of each request
        yield other
        other.close()


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
