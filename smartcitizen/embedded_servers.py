"""A server out of a Python package: how it is started, awaited and stopped, whichever it is.

It listens on a Unix socket in a directory that only its account may enter, never on a port.
"""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from smartcitizen import processes
from smartcitizen.server_account import Account, let_through, open_program_files

LOG_LIMIT = 10 * 1024 * 1024  # bytes; a longer log is put aside at the next start
START_SECONDS = 300  # recovery after a power cut reads the whole write-ahead log
STOP_SECONDS = 60
LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\d .*?\[\d+\] ")


class EmbeddedError(Exception):
    """What keeps a server from starting or running, in one line."""


def package_directory(module: str, package: str, variable: str) -> Path:
    """Find where a wheel was installed; an EmbeddedError says how to live without it.

    The wheel is not imported: its own start-up code does more than we ask for.
    """
    found = importlib.util.find_spec(module)
    if not found or not found.origin:
        raise EmbeddedError(
            f"the Python package {package} is missing: pip install -r requirements.txt, or set "
            f"{variable}"
        )
    return Path(found.origin).resolve().parent


@dataclass
class Server:
    """One server process: `var` holds its data and log, `sockets` its Unix socket."""

    name: ClassVar[str]
    variable: ClassVar[str]  # where the application reads the server's address

    var: Path
    sockets: Path
    account: Account
    throwaway: bool = False
    process: subprocess.Popen[bytes] | None = None
    log_start: int = 0

    @property
    def log(self) -> Path:
        """The file that the server's own words go to."""
        return self.var / f"{self.name.lower()}.log"

    @property
    def url(self) -> str:
        """The server's address, in the form that the settings read."""
        raise NotImplementedError

    def package(self) -> Path:
        """The installed wheel."""
        raise NotImplementedError

    def program(self) -> Path:
        """The server's program."""
        raise NotImplementedError

    def package_files(self) -> list[Path]:
        """The directories of the wheel that the program needs."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """The command line that runs the server in the foreground."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether the server takes requests now."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what the server needs before its first start, and end a forgotten one."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and return once it answers. Raises EmbeddedError where it does not."""
        self._open_ways()
        self.prepare()
        deadline = time.monotonic() + START_SECONDS
        while not self._launch(deadline):
            time.sleep(1)

    def _launch(self, deadline: float) -> bool:
        """Start once and wait until it answers; False says that another try may succeed."""
        self.process = self.spawn(self.command())
        while not self.answers():
            if self.process.poll() is not None:
                if self.may_retry(self.last_words()) and time.monotonic() < deadline:
                    return False
                raise EmbeddedError(f"{self.name} does not start: {self.last_words()}")
            if time.monotonic() > deadline:
                raise EmbeddedError(f"{self.name} does not answer, see {self.log}")
            time.sleep(0.02)
        return True

    def may_retry(self, words: str) -> bool:
        """Whether a start that failed with `words` may succeed a moment later."""
        return False

    def stop(self) -> None:
        """Stop the server and wait for its end; nothing to do where it has ended."""
        if self.process:
            processes.stop(self.process, (signal.SIGTERM, STOP_SECONDS))

    def spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Run a program of the wheel as the account, its words appended to the log.

        In a session of its own, so that Ctrl-C at the terminal does not reach it before us.
        """
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            self.log_start = log.tell()
            try:
                return processes.start(
                    command,
                    farewell=signal.SIGINT,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    # The working directory of a developer may be closed to the account.
                    cwd="/",
                    env=os.environ | {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
                    umask=0o077,
                    **self.account.options,
                )
            except OSError as error:
                raise EmbeddedError(f"{command[0]} cannot be run: {error.strerror}") from None

    def last_words(self) -> str:
        """The newest lines of the server's log, as one, and where the log is."""
        with self.log.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().decode(errors="replace").splitlines()
        # What our own questions were answered while it started says nothing about its end.
        telling = [
            LOG_PREFIX.sub("", line).strip()
            for line in lines
            if line.strip() and not line.endswith(("is starting up", "is shutting down"))
        ]
        return f"{'; '.join(telling[-3:]) or 'it said nothing'} (see {self.log})"

    def _open_ways(self) -> None:
        """Let the account reach programs, data and sockets, and say so where that took a change."""
        files = self.package_files()
        try:
            opened = let_through(self.account, [*files, self.var / "-", self.sockets])
            opened += [tree for tree in files if open_program_files(self.account, tree)]
        except OSError as error:
            raise EmbeddedError(
                f"the account {self.account.uid} of {self.name} cannot reach {error.filename}: "
                f"{error.strerror}"
            ) from None
        if opened:
            places = ", ".join(dict.fromkeys(map(str, opened)))
            print(f"{self.name} runs without root's rights; let it pass: {places}", flush=True)


def wait_until(condition: Callable[[], bool], trouble: str) -> None:
    """Wait until `condition` holds; an EmbeddedError with `trouble` after STOP_SECONDS."""
    deadline = time.monotonic() + STOP_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise EmbeddedError(trouble)
        time.sleep(0.05)


def one_line(error: BaseException) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())
