"""`make run` in a copy of the checkout: it starts, says how to begin, keeps all, and ends."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from pytest_django import DjangoDbBlocker

from tests.live import database, free_port

ROOT = Path(__file__).parents[2]
PREFIX = Path(sys.prefix)
GIVEN = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "EMBEDDED_DATABASE", "MAKEFLAGS", "MAKELEVEL")
CLEAN = {key: value for key, value in os.environ.items() if key not in GIVEN}
LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules")
READY = "Ctrl-C stops it."

pytestmark = pytest.mark.skipif(
    not (PREFIX / "pyvenv.cfg").exists() or not shutil.which("make"),
    reason="needs make and a virtual environment",
)


class Run:
    """One `make run` in `checkout`, with what it has said so far."""

    def __init__(self, checkout: Path, *, pause: float = 0, **variables: str) -> None:
        self.checkout = checkout
        self.port, self.kit_port = free_port(), free_port()
        self.said = ""
        ports = {"PORT": str(self.port), "KIT_PORT": str(self.kit_port)}
        self.process = subprocess.Popen(
            ["make", "--no-print-directory", "run"],
            cwd=checkout,
            env=CLEAN | {"HOME": str(checkout / "home")} | ports | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # as a terminal does for a job: Ctrl-C reaches all of it
        )
        self.reader = threading.Thread(target=self._read)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line

    def ready(self) -> Run:
        """Wait until it has said all about how to begin."""
        deadline = time.monotonic() + 120
        while READY not in self.said:
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)
        return self

    def leave(self, signum: int = signal.SIGINT) -> int:
        """Ctrl-C at the terminal, or another signal; returns the exit code."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signum)
        return self.end()

    def end(self) -> int:
        """Wait for its end."""
        code = self.process.wait(90)
        self.reader.join()
        assert self.process.stdout
        self.process.stdout.close()
        return code

    def part(self, words: str) -> int:
        """The first process of this checkout whose command line contains `words`."""
        return min(pid for pid, line in processes(self.checkout).items() if words in line)

    def get(self, path: str) -> requests.Response:
        """GET a path of the web server."""
        return requests.get(f"http://localhost:{self.port}{path}", timeout=10)


def processes(checkout: Path) -> dict[int, str]:
    """Every process that runs something of `checkout`."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if str(checkout) in line:
            found[int(entry.parent.name)] = line
    return found


@pytest.fixture(scope="module")
def checkout() -> Iterator[Path]:
    """A bare checkout whose `.venv` is this environment, so that nothing has to be installed."""
    directory = Path(tempfile.mkdtemp(prefix="r"))
    for name in ("smartcitizen", "apps"):
        shutil.copytree(ROOT / name, directory / name, ignore=LEFT_OUT)
    for name in ("manage.py", "Makefile", "requirements.txt", "requirements-dev.txt"):
        shutil.copy2(ROOT / name, directory)
    (directory / ".venv").mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (directory / ".venv" / name).symlink_to(PREFIX / name)
    (directory / ".venv" / ".runs").touch()
    yield directory
    assert not processes(directory)
    shutil.rmtree(directory)


@pytest.fixture
def run(checkout: Path) -> Iterator[Run]:
    """A platform that is up; the second and later ones find what the first has kept."""
    run = Run(checkout).ready()
    yield run
    run.leave()


def test_it_says_how_to_sign_in_and_the_requests_that_it_prints_work(run: Run) -> None:
    url = f"http://localhost:{run.port}"
    assert f"Smart Citizen answers at {url}\n" in run.said
    found = re.search(r"as admin, password (\S+)$", run.said, re.MULTILINE)
    assert found, run.said
    with requests.Session() as browser:
        browser.get(f"{url}/admin/login/", timeout=10)
        form = {"username": "admin", "password": found[1], "next": "/admin/"}
        form["csrfmiddlewaretoken"] = browser.cookies["csrftoken"]
        answer = browser.post(f"{url}/admin/login/", form, timeout=10, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    post, read = curls(run.said)
    headers = dict(word.split(": ", 1) for word in post if ": " in word)
    answer = requests.put(post[3], headers=headers, timeout=10)
    assert re.fullmatch(r"UTC:\d{4},\d+,\d+,\d\d,\d\d,\d\d#", answer.text)
    device = requests.get(read[1], timeout=10).json()
    values = {sensor["id"]: sensor["value"] for sensor in device["data"]["sensors"]}
    assert values[12] == 14.38578857421875
    assert device["mac_address" if "mac_address" in device else "status"] == "online"


def curls(said: str) -> tuple[list[str], list[str]]:
    """The words of the two commands that the welcome prints."""
    post, read = re.findall(r"^  (curl (?:.*\\\n)*.*)$", said, re.MULTILINE)
    return shlex.split(post.replace("\\\n", " ")), shlex.split(read)


def test_the_bytes_of_an_old_kit_become_a_reading(run: Run) -> None:
    post, read = curls(run.said)
    mac = next(word for word in post if word.startswith("X-SmartCitizenMacADDR"))
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    request = (
        f"PUT /add HTTP/1.1 \nHost: data.smartcitizen.me\nUser-Agent: SmartCitizen \n{mac}\r\n"
        "X-SmartCitizenVersion: 1.1-0.8.5-A\r\nX-SmartCitizenData: "
        f'[{{"temp":"22788","timestamp":"{moment}"}}]\r\n\r\n]\r\n\r\n'
    )
    with socket.create_connection(("127.0.0.1", run.kit_port), timeout=10) as kit:
        kit.sendall(request.encode())
        kit.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := kit.recv(4096):
            answer += piece
    assert re.search(rb"UTC:\d{4},\d+,\d+,\d\d,\d\d,\d\d#$", answer), answer
    device = requests.get(read[1], timeout=10).json()
    assert 8.100881347656248 in [sensor["value"] for sensor in device["data"]["sensors"]]


def test_the_figures_are_those_of_all_processes(run: Run) -> None:
    host = {"Host": "data.smartcitizen.me"}
    requests.get(f"http://127.0.0.1:{run.kit_port}/datetime", headers=host, timeout=10)
    run.get("/v0/kits")
    shown = run.get("/metrics").text
    for view in ("datetime", "kit-list"):
        assert re.search(
            rf'request_seconds_count{{method="GET",status="200",view="{view}"}} [1-9]', shown
        ), shown
    assert run.get("/health/ready").json()["database"] == "ok"


def test_it_runs_as_in_production_and_keeps_its_secrets_to_itself(run: Run) -> None:
    answer = run.get("/v0/no/such/path")
    assert (answer.status_code, answer.json()["id"]) == (404, "not_found")
    assert len(run.get("/v0/devices?per_page=100").json()) >= 60
    for name in ("secret_key", "admin_password"):
        assert (run.checkout / "var" / name).stat().st_mode & 0o777 == 0o600


def test_ctrl_c_ends_everything_and_a_second_start_has_lost_nothing(checkout: Path) -> None:
    first = Run(checkout).ready()
    before = first.get("/v0/devices/1").json()
    key = (checkout / "var" / "secret_key").read_text()
    first.leave(signal.SIGINT)
    assert not processes(checkout)
    assert "Traceback" not in first.said, first.said
    began = time.monotonic()
    second = Run(checkout).ready()
    took = time.monotonic() - began
    after = second.get("/v0/devices/1").json()
    assert second.leave(signal.SIGTERM) != 1
    assert not processes(checkout)
    assert (after["uuid"], after["last_reading_at"]) == (before["uuid"], before["last_reading_at"])
    assert (checkout / "var" / "secret_key").read_text() == key
    assert "demo devices" not in second.said
    assert took < 20


def test_a_request_under_way_is_finished_at_the_end(checkout: Path) -> None:
    run = Run(checkout).ready()
    with socket.create_connection(("127.0.0.1", run.port), timeout=20) as client:
        client.sendall(b"GET /v0/devices?per_page=100 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.02)
        run.leave()
        assert client.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("variable", ["PORT", "KIT_PORT"])
def test_a_busy_port_is_one_clear_line(checkout: Path, variable: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        run = Run(checkout, **{variable: str(port)})
        assert run.end() != 0
    (line,) = [line for line in run.said.splitlines() if line.startswith("make run: ")]
    assert f"cannot listen on 127.0.0.1, port {port}" in line
    assert f"make run {variable}=" in line
    assert "Traceback" not in run.said


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("granian", "web server"),
        ("qcluster", "worker"),
        ("kit_door", "kit door"),
        ("refresher", "refresher"),
    ],
)
def test_where_a_part_dies_all_is_stopped_and_the_part_is_named(
    checkout: Path, words: str, name: str
) -> None:
    run = Run(checkout).ready()
    os.kill(run.part(words), signal.SIGKILL)
    assert run.end() != 0
    assert f"make run: the {name} ended by itself, exit code 137" in run.said
    assert not processes(checkout)


def test_a_database_given_by_its_address_is_not_filled(
    checkout: Path, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock(), database("smartcitizen_make_run") as url:
        run = Run(checkout, DATABASE_URL=url).ready()
        try:
            assert run.get("/v0/devices").json() == []
            assert run.get("/v0/users").json() == []
            assert run.get("/v0/kits").json() != []
            assert "password" not in run.said
        finally:
            run.leave()
