"""Health: what machines that watch the platform are told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone
from django_q.models import OrmQ
from rest_framework.test import APIClient

from apps.operations import figures, health


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """No test sees the figures of another."""
    figures.forget()
    yield
    figures.forget()


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """A database that turns every statement away, as one that shuts down does."""

    def refuse(self: CursorWrapper, *args: object, **options: object) -> None:
        raise OperationalError("terminating connection due to administrator command")

    monkeypatch.setattr(CursorWrapper, "execute", refuse)


def test_a_process_that_answers_lives_and_asks_nothing(client: APIClient) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]
    assert "ETag" not in answer


@pytest.mark.django_db
def test_the_platform_is_ready_when_every_part_is(client: APIClient) -> None:
    answer = client.get("/health/ready/")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "migrations": "ok",
        "cache": "ok",
        "queue": "ok",
    }


@pytest.mark.django_db
def test_without_its_database_it_is_not_ready(client: APIClient, no_database: None) -> None:
    answer = client.get("/health/ready")
    assert (answer.status_code, answer["Retry-After"]) == (503, "10")
    assert answer.json() == {
        "status": "unavailable",
        "database": "cannot be reached",
        "migrations": "unknown",
        "cache": "ok",
        "queue": "unknown",
    }


@pytest.mark.django_db
def test_tables_of_another_version_are_not_ready(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_applied", False)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'readings'")
    answer = client.get("/health/ready")
    assert answer.status_code == 503
    assert answer.json()["migrations"] == "not all are applied: manage.py migrate"


@pytest.mark.django_db
def test_without_redis_it_is_ready_and_says_what_is_missing(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "get", lambda key: None)  # as django-redis does where Redis is gone
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["cache"] == "away: everything answers, slower"


@pytest.mark.django_db
def test_a_worker_that_is_behind_is_told(client: APIClient) -> None:
    OrmQ.objects.create(key="smartcitizen", payload="", lock=timezone.now() - timedelta(minutes=20))
    answer = client.get("/health/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["queue"].startswith("behind: its oldest task has waited 1200 s")


def test_probes_from_inside_are_answered_by_plain_http(client: APIClient, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/health/live").status_code == 200
    assert client.get("/v0/sensors").status_code == 301
