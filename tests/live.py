"""The platform as it runs: real processes on real sockets, over a database of their own."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import requests
from django.db import connection

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


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def database(name: str) -> Iterator[str]:
    """An empty database of this name on the server of the tests; yields its URL."""
    parameters = connection.get_connection_params()
    server = {
        key: parameters[key] for key in ("host", "port", "user", "password") if key in parameters
    }
    admin = psycopg2.connect(dbname="postgres", **server)
    admin.autocommit = True
    try:
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{name}"')
        user, password = server.get("user", ""), server.get("password", "")
        host = server.get("host", "")
        if host.startswith("/"):
            yield f"postgresql://{user}@/{name}?host={host}"
        else:
            yield f"postgresql://{user}:{password}@{host}:{server.get('port', 5432)}/{name}"
        with admin.cursor() as cursor:
            cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        admin.close()
