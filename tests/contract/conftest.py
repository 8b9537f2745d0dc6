"""The people of the contract's tests, cheaply: hashing their passwords would take most of the time.

alice owns, bob is a stranger, carol is an admin, as everywhere; ruth is a researcher.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from oauth2_provider.models import Application
from rest_framework.test import APIClient

from apps.devices.models import Device, Experiment, Tag
from apps.kits.models import Kit
from apps.sensors.models import Measurement, Sensor, SensorTag
from apps.users.models import User
from tests.documented import check

As = Callable[[str], APIClient]


@pytest.fixture(autouse=True)
def documented(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a client of the API is answered here is what the OpenAPI document says."""
    answered = APIClient.request

    def request(self: APIClient, **asked: Any) -> Any:
        response = answered(self, **asked)
        check(response)
        return response

    monkeypatch.setattr(APIClient, "request", request)


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    """Passwords of new accounts are hashed without the work that makes guessing slow."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "apps.users.oauth.secrets.ClientSecretHasher",
    ]


@pytest.fixture
def alice(db: None) -> User:
    """Owns the devices of the tests."""
    return User.objects.create_user("alice", "alice@example.org", "alicealice")


@pytest.fixture
def bob(db: None) -> User:
    """Has an account and owns nothing that others ask for."""
    return User.objects.create_user("bob", "bob@example.org", None)


@pytest.fixture
def ruth(db: None) -> User:
    """Is a researcher, and owns nothing that others ask for."""
    return User.objects.create_user("ruth", "ruth@example.org", None, role="researcher")


@pytest.fixture
def carol(db: None) -> User:
    """Is an admin."""
    return User.objects.create_superuser("carol", "carol@example.org", None)


@pytest.fixture
def people(alice: User, bob: User, ruth: User, carol: User) -> dict[str, User]:
    """Those who ask, by what they are to what is asked for; the anonymous are nobody."""
    return {"stranger": bob, "researcher": ruth, "owner": alice, "admin": carol}


@pytest.fixture
def as_(client: APIClient, people: dict[str, User], as_user: Any) -> As:
    """`as_("stranger")` is a client who acts as one of VIEWERS (permission_table.py)."""

    def who(name: str) -> APIClient:
        found: APIClient = as_user(people[name]) if name in people else client
        return found

    return who


@pytest.fixture
def hidden(alice: User, sck_1_1: Kit) -> Device:
    """A private device of alice's, in Barcelona, with a tag, an experiment and a sensor alone."""
    device: Device = Device.objects.register(
        owner=alice,
        kit=sck_1_1,
        name="Secret garden",
        description="Hush",
        mac_address="00:06:66:2A:02:B4",
        latitude=41.401108,
        longitude=2.215319,
        city="Barcelona",
        country_code="ES",
        is_private=True,
        tags=[Tag.objects.get(name="School")],
    )
    device.components.create(sensor_id=55, key="only_here")
    experiment = Experiment.objects.create(name="Heat", owner=alice)
    experiment.devices.add(device)
    return device


@pytest.fixture
def ids(device: Device, hidden: Device, alice: User) -> dict[str, int]:
    """What stands in the paths of the table; both devices are in the experiment."""
    hidden.experiments.all()[0].devices.add(device)
    return {
        "alice": alice.pk,
        "device": device.pk,
        "hidden": hidden.pk,
        "component": device.components.all()[0].pk,
        "hidden_component": hidden.components.all()[0].pk,
        "experiment": hidden.experiments.all()[0].pk,
        "application": Application.objects.create(
            name="Map",
            user=alice,
            client_type="confidential",
            authorization_grant_type="authorization-code",
            redirect_uris="https://app.example/cb",
        ).pk,
        "new_sensor": Sensor.objects.create(name="New").pk,
        "new_measurement": Measurement.objects.create(name="New", description="New").pk,
        "new_kit": Kit.objects.create(name="New", slug="new:1,0").pk,
        "new_tag": Tag.objects.create(name="New").pk,
        "new_sensor_tag": SensorTag.objects.create(name="New").pk,
    }
