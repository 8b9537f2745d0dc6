"""The Python clients that researchers use run unchanged against a real server on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pytest_django import DjangoDbBlocker

from tests.clients.conftest import Say
from tests.live import ROOT, platform

HERE = Path(__file__).parent
# Made by `make test-clients`, which runs these tests.
CONNECTOR = "smartcitizen-connector 1.5.9"
PYTHON = ROOT / ".venv-clients" / "bin" / "python"

# What fails for a reason of the client's own, and what it says then; README gives the reasons.
FAULTS = {
    (
        CONNECTOR,
        "users that have devices",
    ): "Input should be a valid dictionary or instance of Owner",
    (CONNECTOR, "create an experiment"): "RecursionError",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not PYTHON.exists(), reason="the clients are installed by make test-clients"
    ),
]

WORLD = """
import json
from datetime import timedelta
from django.utils import timezone
from oauth2_provider.models import AccessToken, set_token_value
from apps.devices.models import Device, Experiment
from apps.readings import ingest
from apps.readings.keys import Row
from apps.sensors.models import Measurement, Sensor
from apps.users.models import User

now = timezone.now()
start = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=2)
alice = User.objects.create_user("alice", "alice@example.org", "alicealice")
User.objects.create_user("carol", "carol@example.org", "carolcarol")
bob = User.objects.create_user("bob", "bob@example.org", "bobbobbob")
here = {"latitude": 41.4, "longitude": 2.2, "city": "Barcelona", "country_code": "ES"}
report = {"id": "1", "mac": "a", "time": "b", "esp_bd": "c", "hw_ver": "2.1", "sam_bd": "d",
          "esp_ver": "e", "sam_ver": "f"}
device = Device.objects.register(owner=alice, kit_id=34, name="Roof", hardware_info=report, **here)
target = Device.objects.register(owner=alice, kit_id=34, name="Balcony target", **here)
silent = Device.objects.register(owner=bob, kit_id=34, name="Balcony silent", **here)
private = Device.objects.register(owner=bob, kit_id=34, name="Private", is_private=True, **here)
for number in range(23):
    Device.objects.register(owner=bob, name=f"Balcony {number}", latitude=1, longitude=number)
Device.objects.update(created_at=start - timedelta(days=30))
noise = Experiment.objects.create(name="Noise", owner=alice)
minutes = 2 * 1440
pair = [Sensor.objects.get(pk=pk) for pk in (55, 56)]
rows = [
    Row(n, start + timedelta(minutes=n), {55: (float(n), None), 56: (50.0 + n % 7, None)})
    for n in range(minutes)
]
ingest.prepare(device.pk, rows)
ingest.store(device.pk, rows)
token = AccessToken(user=alice, expires=now + timedelta(days=1), scope="public write readings")
set_token_value(token, "the-token-of-alice")
token.save()
print("WORLD", json.dumps({
    "start": start.isoformat(), "minutes": minutes, "device": device.pk, "silent": silent.pk,
    "experiment": noise.pk, "private": private.pk, "target": target.pk, "balconies": 25,
    "measurements": Measurement.objects.count(),
    "sensors": [{"id": sensor.pk, "name": sensor.name} for sensor in pair],
}))
"""


@pytest.fixture(scope="module")
def blueprints() -> Iterator[str]:
    """Where the clients look for blueprints; yields its URL."""
    handler = partial(Files, directory=str(HERE / "blueprints"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    loop = threading.Thread(target=server.serve_forever, args=(0.05,))
    loop.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    loop.join()


class Files(SimpleHTTPRequestHandler):
    """Serves files, without a word."""

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""


@pytest.fixture(scope="module")
def outcomes(
    django_db_blocker: DjangoDbBlocker,
    blueprints: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[tuple[str, str], str]:
    """What became of every act of every client: empty where it went well."""
    home = tmp_path_factory.mktemp("home")
    with django_db_blocker.unblock(), platform("clients") as running:
        [world] = [line for line in running.python(WORLD).splitlines() if line.startswith("WORLD ")]
        done = subprocess.run(
            [PYTHON, HERE / "python_acts.py"],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(home),
                "API_URL": f"{running.web}/v0/",
                "SC_BEARER": "the-token-of-alice",
                "BASE_POSTPROCESSING_URL": blueprints,
                "WORLD": world.removeprefix("WORLD "),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    lines = [line[4:] for line in done.stdout.splitlines() if line.startswith("ACT ")]
    assert lines, done.stdout + done.stderr
    acts = [json.loads(line) for line in lines]
    return {(act["client"], act["act"]): act["problem"] for act in acts}


def table() -> list[tuple[str, str]]:
    """Client and act of each line of README's table."""
    readme = (ROOT / "README.md").read_text()
    rows = [line.split("|") for line in readme.splitlines() if line.startswith("| smartcitizen-c")]
    rows += [line.split("|") for line in readme.splitlines() if line.startswith("| scdata")]
    return [(row[1].strip(), act.strip()) for row in rows for act in row[2].split(";")]


@pytest.mark.parametrize(("client", "act"), table())
def test_a_client_that_exists_today_runs_unchanged(
    outcomes: dict[tuple[str, str], str], say: Say, client: str, act: str
) -> None:
    problem = outcomes[client, act]
    say(client, act, "failed" if problem else "ok")
    assert not problem, problem


@pytest.mark.parametrize(("client", "act"), sorted(FAULTS))
def test_what_fails_in_a_client_fails_for_the_reason_that_readme_gives(
    outcomes: dict[tuple[str, str], str], say: Say, client: str, act: str
) -> None:
    say(client, act, "fails in the client")
    assert FAULTS[client, act] in outcomes[client, act]


def test_readme_lists_every_act(outcomes: dict[tuple[str, str], str]) -> None:
    assert sorted([*table(), *FAULTS]) == sorted(outcomes)
