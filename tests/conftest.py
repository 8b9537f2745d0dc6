"""What every test may lean on: the catalogue, and people with fixed rights.

alice owns, bob is a stranger, carol is an admin. Passwords are their names, often enough repeated.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.contrib.auth.hashers import get_hasher, make_password
from django.core.cache import cache
from django.db import connection
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.operations import catalogue
from apps.readings import distribution
from apps.users.models import User


def pytest_configure() -> None:
    """What holds for all tests: where static files are, and how patient Hypothesis is.

    The folder of collected static files is there, as it is where a server runs, and empty. Every
    client of the tests makes the whole application, which looks at each file in that folder.
    Servers that tests start, as processes of their own, serve what is in the real one.

    How fast a machine makes examples, or runs one, is no fault of what is tested.
    """
    settings.STATIC_ROOT = Path(settings.BASE_DIR) / "var" / "test" / "no_static"
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    hypothesis.settings.register_profile(
        "any machine",
        parent=hypothesis.settings(),
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    hypothesis.settings.load_profile("any machine")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """The test database holds the catalogue, as a fresh install does.

    Where it has Citus (`tests/readings/test_on_citus.py`), the time series is distributed.
    """
    with django_db_blocker.unblock():
        catalogue.install()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
            if cursor.fetchone():
                distribution.distribute()


@pytest.fixture
def installed(db: None) -> None:
    """The catalogue is there, also after a test with transactions of its own has emptied all."""
    if catalogue.is_empty():
        catalogue.install()


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """No test sees what another left in Redis."""
    cache.clear()


@functools.cache
def hashed(password: str, algorithm: str) -> str:
    """The hash of a password, made once: each takes a tenth of a second, by design."""
    return make_password(password, hasher=algorithm)


def person(username: str, password: str, role: User.Role = User.Role.CITIZEN) -> User:
    """An account with a password that works."""
    user: User = User.objects.create_user(username, f"{username}@example.org", None, role=role)
    user.password = hashed(password, get_hasher().algorithm)
    user.save(update_fields=["password"])
    return user


@pytest.fixture
def alice(db: None) -> User:
    """Owns the devices of the tests."""
    return person("alice", "alicealice")


@pytest.fixture
def bob(db: None) -> User:
    """Has an account and owns nothing."""
    return person("bob", "bobbobbob")


@pytest.fixture
def carol(db: None) -> User:
    """Is an admin."""
    return person("carol", "carolcarol", User.Role.ADMIN)


@pytest.fixture
def sck_1_1(installed: None) -> Kit:
    """The kit that most old devices are."""
    return Kit.objects.get(slug="sck:1,1")


@pytest.fixture
def device(alice: User, sck_1_1: Kit) -> Device:
    """An SCK 1.1 of alice's, in Haarlem, that never posted (reference: World Map of Devices)."""
    found: Device = Device.objects.register(
        owner=alice,
        kit=sck_1_1,
        name="SmartHaarlem",
        description="",
        mac_address="00:06:66:2A:02:B3",
        exposure="indoor",
        latitude=52.3781227,
        longitude=4.6291324,
        city="Haarlem",
        country_code="NL",
    )
    return found


@pytest.fixture
def client() -> APIClient:
    """A client of the API without credentials."""
    return APIClient()


@pytest.fixture
def as_user(client: APIClient) -> Any:
    """`as_user(alice)` is a client of the API that acts as alice."""

    def sign_in(user: User) -> APIClient:
        signed_in = APIClient()
        signed_in.force_authenticate(user)
        return signed_in

    return sign_in
