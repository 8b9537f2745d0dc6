"""The machine that is hurt: every part of the platform as a process of its own, started anew.

The test plays the supervisor, as `restart: unless-stopped` of docker-compose.yml does.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from smartcitizen import processes
from smartcitizen.embedded_postgres_server import Postgres
from smartcitizen.embedded_redis_server import Redis
from smartcitizen.embedded_servers import Server
from smartcitizen.server_account import account_for
from tests.brokers import AS_WE_ARE, Mosquitto
from tests.live import ROOT, Platform, free_port, wait_for

SECRET = "for-a-platform-that-is-hurt-0123456789-abcdefghijklmnopqrstu"
# As deploy/mosquitto.conf has it
BROKER = """listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {directory}/
autosave_interval 10
upgrade_outgoing_qos true
max_inflight_messages 100
max_queued_messages 0
log_dest none
{user}"""


def children(pid: int) -> list[int]:
    """The processes that a process started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            words = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(words[1]) == pid and words[0] != "Z":
                found.append(int(entry.name))
    return found


@dataclass
class Part:
    """One part: how it is started and which of its processes a fault may hit.

    `doors` are those whose posts are in flight when it is hit; none means all of them.
    """

    name: str
    start: Callable[[], subprocess.Popen[bytes]]
    victims: Callable[[int], list[int]]
    doors: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = None
    ended_by_itself: int = 0

    def run(self) -> None:
        """Start it."""
        self.process = self.start()

    def family(self) -> list[int]:
        """All of its processes, the first first."""
        assert self.process
        found = [self.process.pid]
        for pid in found:
            found += children(pid)
        return found

    def kill(self, rng: random.Random) -> None:
        """SIGKILL one of its victims; its end is waited for where it is the part itself."""
        assert self.process
        deadline = time.monotonic() + 60
        while not (pids := self.victims(self.process.pid)):
            assert time.monotonic() < deadline, f"{self.name} starts no others"
            time.sleep(0.01)
        pid = rng.choice(pids)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if pid == self.process.pid:
            self.process.wait(30)

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """All of its processes stand still for the length of the block."""
        stopped = self.family()
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in reversed(stopped):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def is_running(self) -> bool:
        """Whether the part, not each of its processes, is there."""
        return self.process is not None and self.process.poll() is None


class Machine:
    """All parts on a directory of their own, and the platform as clients see it.

    The database's directory is `database`, or one below `directory`; mails go to `mail_port`.
    """

    def __init__(self, directory: Path, database: Path | None = None, mail_port: int = 9) -> None:
        self.directory = directory
        self.mail_port = mail_port
        place = database or directory
        account = account_for(place / "postgres")
        sockets = account.own(directory / "run")
        self.postgres = Postgres(place, sockets, account)
        self.redis = Redis(directory, sockets, account)
        self.mqtt_port = free_port()
        written = BROKER.format(port=self.mqtt_port, directory=directory, user=AS_WE_ARE)
        self.broker: Mosquitto | None = None
        self.broker_conf = written
        web_port, kit_port = free_port(), free_port()
        self.platform = Platform(
            f"http://127.0.0.1:{web_port}", kit_port, self._environment(web_port, kit_port)
        )
        self.parts = [*self._servers(), *self._ours()]

    def start(self) -> None:
        """Start all, over an empty database."""
        servers = [part for part in self.parts if part.name in {"PostgreSQL", "Valkey", "broker"}]
        for part in servers:
            part.run()
        for command in ("migrate", "catalogue", "schedules"):
            self.platform.manage(command)
        for part in self.parts:
            if part not in servers:
                part.run()
        web = self["web worker"].process
        door = self["kit door"].process
        assert web
        assert door
        wait_for(f"{self.platform.web}/datetime", web)
        wait_for(f"http://127.0.0.1:{self.platform.kit_port}/datetime", door)

    def __getitem__(self, name: str) -> Part:
        return next(part for part in self.parts if part.name == name)

    def supervise(self) -> None:
        """Start again whatever has ended, and count what ended without a fault of ours."""
        for part in self.parts:
            if not part.is_running():
                part.ended_by_itself += 1
                part.run()

    def stop(self) -> None:
        """End all, the servers last."""
        for part in reversed(self.parts):
            if not part.process:
                continue
            family = part.family()
            farewell = signal.SIGINT if part.name == "PostgreSQL" else signal.SIGTERM
            processes.stop(part.process, (farewell, 40))
            for pid in family[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for pid in self._orphans():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _orphans(self) -> list[int]:
        """What parts that were killed have left running: the children of a task worker."""
        mine = f"DATABASE_URL={self.postgres.url}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mine in (process / "environ").read_bytes().split(b"\0"):
                    found.append(int(process.name))
        return found

    def _environment(self, web_port: int, kit_port: int) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "MQTT_URL": f"mqtt://127.0.0.1:{self.mqtt_port}",
            "SECRET_KEY": SECRET,
            "PORT": str(web_port),
            "KIT_PORT": str(kit_port),
            "PUBLIC_URL": f"http://127.0.0.1:{web_port}",
            "EMAIL_URL": f"smtp://127.0.0.1:{self.mail_port}",
            "THROTTLE_ANON": "",
            "THROTTLE_USER": "",
            "LOG_LEVEL": "ERROR",
        }

    def _servers(self) -> list[Part]:
        def server(one: Server) -> Callable[[], subprocess.Popen[bytes]]:
            def start() -> subprocess.Popen[bytes]:
                one.start()
                assert one.process
                return one.process

            return start

        def broker() -> subprocess.Popen[bytes]:
            if self.broker:
                self.broker.start()
            else:
                self.broker = Mosquitto(self.directory, self.broker_conf, self.mqtt_port)
            return self.broker.process

        def itself(pid: int) -> list[int]:
            return [pid]

        return [
            # Its first process, or one that serves a connection: then all others restart
            Part("PostgreSQL", server(self.postgres), lambda pid: [pid, *children(pid)], ()),
            Part("Valkey", server(self.redis), itself, ("REST",)),
            Part("broker", broker, itself, ("MQTT",)),
        ]

    def _ours(self) -> list[Part]:
        def ours(*words: str) -> Callable[[], subprocess.Popen[bytes]]:
            def start() -> subprocess.Popen[bytes]:
                with (self.directory / "parts.log").open("ab") as log:
                    return processes.start(
                        [sys.executable, *words],
                        cwd=ROOT,
                        env=self.platform.environment,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )

            return start

        return [
            Part("web worker", ours("-m", "smartcitizen.webserver"), children, ("REST",)),
            Part("kit door", ours("manage.py", "kit_door"), lambda pid: [pid], ("kit",)),
            Part("subscriber", ours("manage.py", "mqtt"), lambda pid: [pid], ("MQTT",)),
            Part("refresher", ours("manage.py", "refresher"), lambda pid: [pid], ()),
            Part("task worker", ours("manage.py", "qcluster"), lambda pid: [pid], ()),
        ]
