"""`/v0/metrics` and `/v0/version`: how large the platform is, and which version runs."""

from __future__ import annotations

import platform
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
import pytest
from django.core.cache import cache
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.operations import totals
from apps.users import accounts
from apps.users.models import User

# A Friday in the middle of a month, past ten.
NOW = datetime(2026, 11, 27, 10, 30, tzinfo=UTC)


@pytest.fixture
def platform_at_noon(alice: User, bob: User, carol: User) -> None:
    """alice's devices: one for each stretch of time, one private, one for tests; bob is gone."""
    for name, ago in {
        "online": timedelta(minutes=9),
        "this hour": timedelta(minutes=11),
        "today": timedelta(hours=10),
        "yesterday": timedelta(hours=11),
        "last month": timedelta(days=40),
        "last year": timedelta(days=400),
    }.items():
        Device.objects.create(owner=alice, name=name, last_reading_at=NOW - ago)
    Device.objects.create(owner=alice, name="private", is_private=True)
    Device.objects.create(owner=alice, name="test", is_test=True)
    Device.objects.create(owner=alice, name="gone").archive()
    Device.objects.create(owner=bob, name="of bob, who is gone")
    accounts.archive(bob)


@pytest.mark.usefixtures("platform_at_noon")
def test_everything_is_counted_by_when_it_posted() -> None:
    assert totals.counted(NOW) == {
        "devices": {
            "total": 8,
            "private": 1,
            "test": 1,
            "online": {
                "now": 1,
                "last_hour": 2,
                "today": 3,
                "this_month": 4,
                "this_year": 5,
                "all_time": 6,
            },
        },
        "users": {"total": 2},
    }


def test_the_totals_are_counted_once_a_minute(
    device: Device, client: APIClient, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(2):
        first = client.get("/v0/metrics")
    assert first.json()["devices"]["total"] == 1
    device.archive()
    with django_assert_num_queries(0):
        again = client.get("/v0/metrics/")
    assert (again.json(), again["Cache-Control"]) == (first.json(), "public, max-age=60")
    cache.clear()
    assert client.get("/v0/metrics").json()["devices"]["total"] == 0


def test_the_figures_of_prometheus_are_elsewhere(client: APIClient, db: None) -> None:
    assert client.get("/v0/metrics")["Content-Type"] == "application/json"
    assert client.get("/metrics")["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("path", ["/v0/version", "/version/"])
def test_the_version_names_what_runs(client: APIClient, settings: Any, path: str) -> None:
    settings.VERSION_GIT, settings.VERSION_BRANCH = "abc1234", "main"
    project = tomllib.loads((Path(settings.BASE_DIR) / "pyproject.toml").read_text())["project"]
    assert client.get(path).json() == {
        "env": "production",
        "version": project["version"],
        "python": platform.python_version(),
        "django": django.get_version(),
        "branch": "main",
        "revision": "abc1234",
    }


def test_a_server_for_development_says_so(client: APIClient, settings: Any) -> None:
    settings.DEBUG = True
    assert client.get("/v0/version").json()["env"] == "development"
