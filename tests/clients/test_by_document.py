"""Programs that know the platform by what it publishes: its document, its topics and its mails."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_string, policy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import requests
from openapi_spec_validator import OpenAPIV31SpecValidator
from pytest_django import DjangoDbBlocker

from smartcitizen import processes
from tests.brokers import Kit, Mosquitto
from tests.clients.conftest import Say, until
from tests.live import ROOT, Platform, platform

pytestmark = pytest.mark.slow

BY_DOCUMENT, SUBSCRIBER, MAILBOX = "OpenAPI 3.1 client", "MQTT subscriber", "Mailbox of an owner"
ALICE = ("alice", "alicealice")
MAC = "02:00:00:00:00:01"
PEOPLE = f"""
from datetime import timedelta
from django.utils import timezone
from apps.devices.models import Device, Experiment, Watch
from apps.kits.models import Kit
from apps.users.models import User
alice = User.objects.create_user(
    "alice", "alice@example.org", "alicealice", role=User.Role.RESEARCHER
)
Device.objects.register(
    owner=alice, kit=Kit.objects.get(slug="sck:1,1"), name="Roof", mac_address="{MAC}",
    notify_stopped_publishing=True,
)
Experiment.objects.begin(owner=alice, name="Noise", devices=[])
"""
# Time passes by the clock that is handed to the check, and for what comes in by a clock's double.
AN_HOUR_LATER = """
from datetime import timedelta
from unittest.mock import patch
from django.utils import timezone
from apps.devices import notifications
from apps.devices.models import Device, Watch
from apps.readings import ingest
from apps.readings.keys import Row
from tests.users.worker import work

device, minute = Device.objects.get(pk=1), timedelta(minutes=1)
now = device.last_reading_at
Watch.objects.update_or_create(
    pk=1, defaults={"checked_at": now + 65 * minute, "steady_since": now - timedelta(days=1)}
)
for later in (70, 80, 90):
    notifications.check(now + later * minute)
work()
"""
AND_BACK = (
    AN_HOUR_LATER.replace("work()\n", "")
    + """
for later in (100, 110, 120, 130):
    at = now + later * minute
    with patch("apps.readings.ingest.timezone.now", lambda: at):
        ingest.store(1, [Row(0, at, {12: (20.0, None)})])
    notifications.check(at)
work()
"""
)

# A call for each tag of the document; where it needs a body, the document has an example.
CALLS = {
    "Root": ("get", "/v0"),
    "Sensors": ("get", "/v0/sensors"),
    "Kits": ("get", "/v0/kits"),
    "Devices": ("get", "/v0/devices/{id}"),
    "Experiments": ("get", "/v0/experiments"),
    "Readings": ("get", "/v0/devices/{id}/readings"),
    "Users": ("get", "/v0/me"),
    "Search": ("get", "/v0/search"),
    "OAuth": ("get", "/.well-known/oauth-authorization-server"),
    "Onboarding": ("post", "/v0/onboarding/device"),
    "Old kits": ("get", "/v0/datetime"),
    "The platform": ("get", "/v0/version"),
}


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that mails are written to."""
    return tmp_path_factory.mktemp("mails")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """The broker of the platform."""
    started = Mosquitto(tmp_path_factory.mktemp("mosquitto"))
    yield started
    started.stop()


@pytest.fixture(scope="module")
def running(
    django_db_blocker: DjangoDbBlocker, broker: Mosquitto, mails: Path
) -> Iterator[Platform]:
    """A platform with its worker, and alice's device."""
    settings = {"MQTT_URL": broker.url, "EMAIL_URL": f"filemail:///{mails}"}
    with django_db_blocker.unblock(), platform("by_document", **settings) as started:
        started.python(PEOPLE)
        yield started


@pytest.fixture
def worker(running: Platform) -> Iterator[None]:
    """What does the platform's work beside the requests."""
    process = subprocess.Popen(
        [sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=running.environment
    )
    yield
    processes.stop(process, (signal.SIGTERM, 20))


def post(running: Platform, value: float) -> str:
    """Post a reading of now; returns its time."""
    at = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    element = {"recorded_at": at, "sensors": [{"id": 12, "value": value}]}
    answer = running.post("/v0/devices/1/readings", {"data": [element]}, auth=ALICE)
    assert answer.status_code == 201, answer.text
    return at


def resolved(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A part of a document, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Any = document
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def asked(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """The query that an operation needs, as its parameters show it."""
    told = [resolved(document, parameter) for parameter in operation.get("parameters", [])]
    needed = [each for each in told if each["in"] == "query" and each.get("required")]
    return {each["name"]: each.get("example", "roof") for each in needed}


def example(document: dict[str, Any], content: dict[str, Any]) -> Any:
    """A body of JSON, as the document shows one."""
    told = content["application/json"]
    if "example" in told:
        return told["example"]
    if "examples" in told:
        return next(iter(told["examples"].values()))["value"]
    fields = resolved(document, told["schema"]).get("properties", {})
    return {name: field["examples"][0] for name, field in fields.items() if "examples" in field}


def test_a_client_is_made_of_the_document(running: Platform, say: Say) -> None:
    post(running, 20.5)
    document = running.get("/v0/schema").json()
    OpenAPIV31SpecValidator(document).validate()
    say(BY_DOCUMENT, "fetch and validate the document", "ok")
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert set(CALLS) == {tag for operation in operations for tag in operation["tags"]}
    for tag, (method, path) in CALLS.items():
        operation = document["paths"][path][method]
        assert tag in operation["tags"]
        body = resolved(document, operation.get("requestBody", {})).get("content")
        answer = requests.request(
            method,
            running.web + path.replace("{id}", "1"),
            auth=ALICE,
            params=asked(document, operation),
            json=example(document, body) if body else None,
            timeout=30,
        )
        told = resolved(document, operation["responses"][str(answer.status_code)])
        media_type = answer.headers["Content-Type"].partition(";")[0]
        schema = told["content"][media_type].get("schema", {})
        assert answer.ok, (tag, answer.text)
        if media_type == "application/json":
            whole = {**schema, "components": document["components"]}
            jsonschema_rs.validator_for(whole).validate(answer.json())
    say(BY_DOCUMENT, "call an operation of each tag", "ok")


def test_a_subscriber_hears_what_is_forwarded(
    running: Platform, broker: Mosquitto, worker: None, say: Say
) -> None:
    sent = {"enable_forwarding": True}
    answer = requests.patch(f"{running.web}/v0/devices/1", json=sent, auth=ALICE, timeout=30)
    topic = answer.json()["data_policy"]["forwarding_destination"]
    token = running.get("/v0/me", auth=ALICE).json()["forwarding_token"]
    assert topic == f"/forward/{token}/device/1/readings"
    subscriber = Kit(broker.port, "subscriber", username=token)
    subscriber.client.subscribe(f"/forward/{token}/#", 1)
    at = post(running, 21.5)
    until(lambda: subscriber.got)
    [(heard_at, payload)] = subscriber.got
    subscriber.leave()
    assert heard_at == topic
    heard = json.loads(payload)
    assert (heard["device_id"], heard["recorded_at"], heard["data"]["12"]) == (1, at, 21.5)
    say(SUBSCRIBER, "hear a reading that is forwarded", "ok")


def test_a_mailbox_is_told_once_of_silence_and_once_of_its_end(
    running: Platform, mails: Path, say: Say
) -> None:
    post(running, 22.5)
    running.python(AN_HOUR_LATER)
    assert subjects(mails) == ["Roof has stopped publishing"]
    say(MAILBOX, "be told once that a device stopped", "ok")
    running.python(AND_BACK)
    assert subjects(mails) == ["Roof has stopped publishing", "Roof publishes again"]
    say(MAILBOX, "be told once that it publishes again", "ok")


def subjects(mails: Path) -> list[str]:
    """The subjects of what alice was mailed, oldest first."""
    files = sorted(mails.iterdir(), key=lambda file: file.stat().st_mtime_ns)
    found = [message_from_string(file.read_text(), policy=policy.default) for file in files]
    assert {str(mail["To"]) for mail in found} <= {"alice@example.org"}
    return [str(mail["Subject"]) for mail in found]
