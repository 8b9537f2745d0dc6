"""The platform as it runs: real processes on real sockets, over a database of their own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import requests
from django.db import connection

from smartcitizen import processes

ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 60


@dataclass(frozen=True)
class Platform:
    """Where a running platform answers, and the environment its commands need."""

    web: str
    kit_port: int
    environment: dict[str, str]

    def manage(self, *command: str) -> str:
        """Run a management command on its database; returns what it printed."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def python(self, code: str) -> str:
        """Run code in the platform's Django; returns what it printed."""
        return self.manage("shell", "--no-imports", "--command", code)

    def get(self, path: str, **options: Any) -> requests.Response:
        """GET a path of the web server."""
        return requests.get(self.web + path, timeout=30, **options)

    def post(self, path: str, body: dict[str, Any], **options: Any) -> requests.Response:
        """POST JSON to a path of the web server."""
        return requests.post(self.web + path, json=body, timeout=30, **options)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def server_of_tests() -> dict[str, Any]:
    """How to connect to the PostgreSQL server of the tests."""
    parameters = connection.get_connection_params()
    return {
        key: parameters[key] for key in ("host", "port", "user", "password") if key in parameters
    }


def url_of_database(name: str) -> str:
    """The URL of a database on the server of the tests."""
    server = server_of_tests()
    user, password = server.get("user", ""), server.get("password", "")
    host = server.get("host", "")
    if host.startswith("/"):
        return f"postgresql://{user}@/{name}?host={host}"
    return f"postgresql://{user}:{password}@{host}:{server.get('port', 5432)}/{name}"


@contextmanager
def database(name: str) -> Iterator[str]:
    """An empty database of this name on the server of the tests; yields its URL."""
    admin = psycopg2.connect(dbname="postgres", **server_of_tests())
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}"')
        yield url_of_database(name)
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        admin.close()


@contextmanager
def platform(name: str, **settings: str) -> Iterator[Platform]:
    """The web server and the door of old kits, as production starts them, over a new database.

    `settings` are further variables of their environment.
    """
    with database(name) as url:
        web_port, kit_port = free_port(), free_port()
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "SECRET_KEY": "for-a-live-platform-in-the-tests-0123456789-abcdefghijkl",
            "PORT": str(web_port),
            "KIT_PORT": str(kit_port),
            "PUBLIC_URL": f"http://127.0.0.1:{web_port}",
            "THROTTLE_ANON": "",
            "LOG_LEVEL": "WARNING",
            **settings,
        }
        running = Platform(f"http://127.0.0.1:{web_port}", kit_port, environment)
        running.manage("migrate")
        running.manage("catalogue")
        running.manage("collectstatic", "--noinput")
        parts = [
            subprocess.Popen(line, cwd=ROOT, env=environment)
            for line in (
                [sys.executable, "-m", "smartcitizen.webserver"],
                [sys.executable, "manage.py", "kit_door"],
            )
        ]
        try:
            wait_for(f"{running.web}/datetime", parts[0])
            wait_for(f"http://127.0.0.1:{kit_port}/datetime", parts[1])
            yield running
        finally:
            for part in parts:
                processes.stop(part, (signal.SIGTERM, 20))


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a URL answers 200; an error where its process ends or takes too long."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        assert process.poll() is None, f"{process.args} ended with {process.returncode}"
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")
