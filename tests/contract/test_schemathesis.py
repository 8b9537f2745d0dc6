"""schemathesis against a running platform: whatever it asks, the answer is in the document."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from tests import live

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
# So many cases of each operation, always the same ones: most by who may do all that there is.
CASES = {"carol": 6, "bob": 3, "nobody": 3}
SEED = "20150202"

FILL = """
from django.utils import timezone
from datetime import timedelta
from apps.devices.models import Device, Experiment
from apps.kits.models import Kit
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users import access
from apps.users.models import User

carol = User.objects.create_superuser("carol", "carol@example.org", "carolcarol")
bob = User.objects.create_user("bob", "bob@example.org", "bobbobbob")
for n in range(6):
    device = Device.objects.register(
        owner=bob if n % 2 else carol, kit=Kit.objects.get(slug="sck:1,1"), name=f"Roof {n}",
        latitude=41.4, longitude=2.2,
    )
    now = timezone.now()
    ingest.store(device.pk, [Row(i, now - timedelta(hours=i), {12: (20.0, 1)}) for i in range(50)])
Experiment.objects.begin(owner=carol, name="Noise", devices=[device])
print(access.open_session(bob), access.open_session(carol))
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(django_db_blocker: DjangoDbBlocker) -> Iterator[live.Platform]:
    """The platform over a database of its own, where everybody may ask for ever."""
    unlimited = {"THROTTLE_USER": "", "THROTTLE_ANON": ""}
    with django_db_blocker.unblock(), live.platform("schemathesis", **unlimited) as found:
        yield found


@pytest.fixture(scope="module")
def headers(running: live.Platform) -> dict[str, list[str]]:
    """What each sends: an admin, a citizen who has devices, and who is not signed in."""
    bob, carol = running.python(FILL).strip().splitlines()[-1].split()
    signed_in = {"carol": carol, "bob": bob}
    return {
        "nobody": [],
        **{name: [f"--header=Authorization: Bearer {token}"] for name, token in signed_in.items()},
    }


# Nobody before the others, who change and delete what is there.
@pytest.mark.parametrize("who", ["nobody", "bob", "carol"])
def test_schemathesis_finds_nothing(
    who: str, running: live.Platform, headers: dict[str, list[str]], tmp_path: Path
) -> None:
    """Whatever they ask; not what would end the session itself."""
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{running.web}/v0/schema",
        f"--checks={','.join(CHECKS)}",
        "--phases=examples,fuzzing",
        f"--max-examples={CASES[who]}",
        f"--seed={SEED}",
        "--generation-database=none",
        "--generation-with-security-parameters=false",
        "--suppress-health-check=all",
        "--continue-on-failure",
        "--no-shrink",
        "--warnings=off",
        "--workers=2",
        "--no-color",
        *headers[who],
        "--exclude-operation-id=delete_me",
        "--exclude-operation-id=delete_sessions",
    ]
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-20_000:]}\n{done.stderr[-2000:]}"
