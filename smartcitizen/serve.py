"""Runs the whole platform in the foreground: `make run` is this, beside the embedded servers.

It prepares the database, starts the web server, the worker and the doors of the kits, says how to
begin, and stops all of them in good order: first whoever takes requests, then the worker. Why
not a ready-made runner: docs/decisions/process-runner.md.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

import django
from django.conf import settings
from django.core.management.base import CommandError
from django.db import DatabaseError

from smartcitizen import preparation, processes, webserver, welcome
from smartcitizen.embedded import BASE_DIR

VAR = BASE_DIR / "var"
SECONDS_TO_ANSWER = 60


@dataclass(frozen=True)
class Part:
    """One process of the platform: `grace` is how many seconds it has to end its work."""

    name: str
    command: tuple[str, ...]
    grace: float
    address: tuple[str, int] | None = None


class Trouble(Exception):
    """What keeps the platform from running, in one line."""


class Leave(BaseException):
    """Somebody asked us to stop."""


def main() -> int:
    """Run until a signal; 0 where we were asked to stop, 1 where something failed."""
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, _leave)
    # The database is ours to fill where smartcitizen.embedded, which starts us, says so.
    embedded = os.environ.get("EMBEDDED_DATABASE") == "true"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "smartcitizen.settings")
    try:
        if not os.environ.get("SECRET_KEY"):
            os.environ["SECRET_KEY"] = preparation.keep_secret(VAR / "secret_key", 48)
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = preparation.empty_folder(VAR / "metrics")
        return _serve(embedded)
    except Leave:
        return 0
    except (Trouble, CommandError, DatabaseError, OSError) as error:
        print(f"make run: {' '.join(str(error).split())}", file=sys.stderr)
        return 1


def parts() -> list[Part]:
    """What the platform is made of, in the order in which it stops."""
    manage = (sys.executable, str(BASE_DIR / "manage.py"))
    web = Part(
        "web server",
        tuple(webserver.command()),
        webserver.FINISH_SECONDS + 5,
        _address(settings.PORT),
    )
    address = ["--host", settings.HOST, "--port", str(settings.KIT_PORT)]
    door = Part("kit door", (*manage, "kit_door", *address), 15, _address(settings.KIT_PORT))
    subscriber = Part("subscriber", (*manage, "mqtt"), 15)
    # A task that takes longer is given to another worker at the next start.
    worker = Part("worker", (*manage, "qcluster"), 30)
    refresher = Part("refresher", (*manage, "refresher"), 20)
    doors = [*([door] if settings.KIT_PORT else []), *([subscriber] if settings.MQTT_URL else [])]
    return [web, *doors, refresher, worker]


def _serve(embedded: bool) -> int:
    began = time.monotonic()
    wanted = parts()
    for part in wanted:
        _refuse_taken(part, wanted)
    django.setup()
    preparation.prepare(embedded, VAR)
    with _running(wanted) as running:
        _await_answers(running)
        print(welcome.text(embedded, VAR), flush=True)
        print(f"(started in {time.monotonic() - began:.1f} s)", flush=True)
        while True:
            _check_alive(running)
            time.sleep(0.2)


@contextlib.contextmanager
def _running(wanted: list[Part]) -> Iterator[dict[Part, subprocess.Popen[bytes]]]:
    """Run the parts for the length of the block, each in a session of its own.

    So Ctrl-C at the terminal reaches us alone, and we say in which order they end.
    """
    running: dict[Part, subprocess.Popen[bytes]] = {}
    try:
        for part in wanted:
            running[part] = processes.start(
                part.command, cwd=BASE_DIR, stdin=subprocess.DEVNULL, start_new_session=True
            )
        yield running
    finally:
        # It ends within a known time: being asked again does not make it any faster.
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, signal.SIG_IGN)
        for part, process in running.items():
            processes.stop(process, (signal.SIGTERM, part.grace))
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)  # children that a killed part left


def _await_answers(running: dict[Part, subprocess.Popen[bytes]]) -> None:
    """Wait until every part that listens answers a kit's question for the time."""
    deadline = time.monotonic() + SECONDS_TO_ANSWER
    for part in running:
        while part.address and not _answers(part.address):
            _check_alive(running)
            if time.monotonic() > deadline:
                raise Trouble(f"the {part.name} does not answer")
            time.sleep(0.1)


def _check_alive(running: dict[Part, subprocess.Popen[bytes]]) -> None:
    """Raise Trouble where a part has ended by itself."""
    for part, process in running.items():
        if (returncode := process.poll()) is not None:
            code = processes.exit_code(returncode)
            raise Trouble(f"the {part.name} ended by itself, exit code {code}; all is stopped")


def _address(port: int) -> tuple[str, int]:
    """Where to knock: a server that listens on every address is asked on loopback."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.HOST, settings.HOST), port


def _answers(address: tuple[str, int]) -> bool:
    """Whether a request for the time is answered there."""
    # This host is allowed whatever ALLOWED_HOSTS says, and this path whatever PUBLIC_URL is.
    host = settings.KIT_HOSTS[0]
    request = f"GET /datetime HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=10) as connection:
        connection.sendall(request.encode())
        return b" 200 " in connection.recv(64)
    return False


def _refuse_taken(part: Part, wanted: list[Part]) -> None:
    """Raise Trouble where somebody else listens at the part's address, or two parts would."""
    if not part.address:
        return
    host, port = settings.HOST, part.address[1]
    variable = "KIT_PORT" if part.name == "kit door" else "PORT"
    if [other.address for other in wanted].count(part.address) > 1:
        raise Trouble(f"PORT and KIT_PORT are both {port}: choose two")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(found[0], found[1]) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(found[4])
    except OSError as error:
        raise Trouble(
            f"cannot listen on {host}, port {port} ({error.strerror}): stop who does, or choose"
            f" another, as in `make run {variable}={port + 10}`"
        ) from None


def _leave(signum: int, frame: FrameType | None) -> None:
    raise Leave


if __name__ == "__main__":
    sys.exit(main())
