"""The toy API of `tests/api/urls.py`, and a client that sees answers to faults as clients do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from pytest_django import DjangoDbBlocker


@pytest.fixture(autouse=True)
def toy_api(settings: LazySettings) -> None:
    """Every test here asks the toy API."""
    settings.ROOT_URLCONF = "tests.api.urls"


@pytest.fixture
def client() -> Client:
    """A client to whom an unforeseen error is an answer."""
    return Client(raise_request_exception=False)


@pytest.fixture
def dead_database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """PostgreSQL is not where the settings say: a real connection fails."""
    details: dict[str, Any] = connection.settings_dict
    host = details["HOST"]
    with django_db_blocker.unblock():
        connection.close()
        details["HOST"] = "/nowhere/at/all"
        yield
        details["HOST"] = host
        connection.close()
