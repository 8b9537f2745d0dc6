"""One realistic row of everything, and people signed in on the admin site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.test import Client
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

from apps.devices.models import Component, Device, Experiment, OrphanDevice, Tag
from apps.mail.contents import Contents, seal
from apps.mail.models import Mail
from apps.readings import ingest
from apps.readings.keys import Row
from apps.readings.models import IngestError
from apps.sensors.models import Sensor, SensorTag
from apps.users import guesses
from apps.users.models import PasswordReset, User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)

# What no page may show. Each stands in a row below.
SECRETS = {
    "device token": "token-of-a-device",
    "orphan's token": "ab12cd",
    "forwarding token": "token-for-forwarding",
    "authorization code": "code-of-a-grant",
    "client secret": "secret-of-a-client",
    "access token": "an-access-token",
    "what a mail says": "https://example.org/a-link-that-opens-an-account",
}

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def static_root(settings: Any, tmp_path: Path) -> None:
    """Where static files would have been collected to: the server warns where it is missing."""
    settings.STATIC_ROOT = tmp_path


@pytest.fixture(autouse=True)
def quick_hashes(settings: Any) -> None:
    """Passwords are hashed without the work that makes guessing slow."""
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher",
        "apps.users.oauth.secrets.ClientSecretHasher",
    ]


@pytest.fixture
def signed_in() -> SignIn:
    """`signed_in(carol)` is a browser in which carol is signed in."""

    def sign_in(user: User) -> Client:
        browser = Client()
        browser.force_login(user)
        return browser

    return sign_in


@pytest.fixture
def browser(carol: User, signed_in: SignIn) -> Client:
    """The browser of an administrator."""
    return signed_in(carol)


@pytest.fixture
def everything(alice: User, bob: User, carol: User, device: Device) -> None:
    """At least one row of every model."""
    device.device_token = SECRETS["device token"]
    device.save(update_fields=["device_token"])
    User.objects.filter(pk=alice.pk).update(forwarding_token=SECRETS["forwarding token"])
    ingest.store(device.pk, [Row(0, NOON, {12: (21.5, 1.0), 7: (50.0, None)})])
    Component.objects.get_or_create(device=device, sensor_id=3)
    tag = Tag.objects.get_or_create(name="Research")[0]
    device.tags.add(tag)
    group = SensorTag.objects.create(name="air")
    Sensor.objects.get(pk=12).tags.add(group)
    experiment = Experiment.objects.create(name="Quiet nights", owner=alice)
    experiment.devices.add(device)
    OrphanDevice.objects.create(device_token=SECRETS["orphan's token"], name="New one")
    PasswordReset.objects.create(user=bob, token_hash=b"hash of a token")
    for source, known in (("rest", device), ("kit", None)):
        IngestError.objects.create(
            device=known,
            source=source,
            origin="" if known else "00-06-66-AA-BB-CC",
            reason="is 2 days ahead",
            payload='{"temp": "abc"}',
        )
    LogEntry.objects.log_actions(carol.pk, [device], CHANGE, "Archived.", single_object=True)
    guesses.count(None, "alice")
    mail_row(alice)
    oauth_rows(alice)
    queue_rows()


def mail_row(user: User) -> None:
    """A mail that waits."""
    said = Contents("Set a new password", SECRETS["what a mail says"], SECRETS["what a mail says"])
    Mail.objects.create(
        message_id=f"<{user.username}@example.org>",
        user=user,
        recipient=user.email,
        template="users/mail/password_reset",
        subject=said.subject,
        sealed_contents=seal(said),
    )


def oauth_rows(user: User, suffix: str = "") -> None:
    """An application with one of each kind of token; `suffix` tells those of users apart."""
    application = Application.objects.create(
        name="Map", user=user, client_secret=SECRETS["client secret"], hash_client_secret=False
    )
    soon = timezone.now() + timedelta(minutes=5)
    common: dict[str, Any] = {"user": user, "application": application}
    access = AccessToken.objects.create(
        token=SECRETS["access token"] + suffix, expires=soon, scope="public", **common
    )
    RefreshToken.objects.create(token="a-refresh-token" + suffix, access_token=access, **common)
    Grant.objects.create(code=SECRETS["authorization code"] + suffix, expires=soon, **common)


def queue_rows() -> None:
    """A task that is done, one that failed, one that waits, and a schedule."""
    times = {"started": timezone.now(), "stopped": timezone.now()}
    Success.objects.create(id="a" * 32, name="done", func="print", success=True, **times)
    Failure.objects.create(id="b" * 32, name="failed", func="print", success=False, **times)
    Schedule.objects.create(func="print", name="nightly")
    OrmQ.objects.create(key="smartcitizen", payload="", lock=timezone.now())


@pytest.fixture
def many_rows(everything: None, device: Device) -> None:
    """Thirty more users, each with a device of several sensors, and what else lists show."""
    users = User.objects.bulk_create(
        User(username=f"user-of-many-{n}", email=f"{n}@many.example.org") for n in range(30)
    )
    devices = Device.objects.bulk_create(
        Device(name=f"device-of-many-{n}", owner=user, kit=device.kit)
        for n, user in enumerate(users)
    )
    Component.objects.bulk_create(
        Component(device=one, sensor_id=sensor) for one in devices for sensor in (7, 12, 13)
    )
    Experiment.objects.bulk_create(Experiment(name="Many", owner=user) for user in users)
    PasswordReset.objects.bulk_create(
        PasswordReset(user=user, token_hash=str(user.pk).encode()) for user in users
    )
    IngestError.objects.bulk_create(
        IngestError(device=one, source="rest", reason=f"{one.name} is wrong", payload="")
        for one in devices
    )
    for user in users:
        mail_row(user)
    for user in users[:5]:
        oauth_rows(user, user.username)
