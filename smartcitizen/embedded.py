"""Starts PostgreSQL and Redis from Python packages, then runs the command given after `--`.

    python -m smartcitizen.embedded [--var DIR] [--throwaway] -- command…

The command finds them in DATABASE_URL and REDIS_URL. What is set already is used as it is: with
both set, nothing is started. They stop when the command ends, and its exit code becomes ours.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType

from smartcitizen import processes
from smartcitizen.embedded_postgres_server import Postgres
from smartcitizen.embedded_redis_server import Redis
from smartcitizen.embedded_servers import EmbeddedError, Server
from smartcitizen.server_account import Account, account_for

BASE_DIR = Path(__file__).resolve().parent.parent
# The kernel allows a Unix socket's path 107 bytes, some systems 103.
SOCKET_PATH_BYTES = 103
LONGEST_SOCKET = ".s.PGSQL.5432"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line above and return its exit code, 1 where a server fails."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    for signum in SIGNALS:
        signal.signal(signum, _leave)
    environment = dict(os.environ)
    # Tells the command whether the database is its own to fill; never inherited from outside.
    environment.pop("EMBEDDED_DATABASE", None)
    wanted = [server for server in (Postgres, Redis) if not environment.get(server.variable)]
    try:
        with contextlib.ExitStack() as running:
            servers: list[Server] = []
            if wanted:
                account, sockets = _make_room(options.var, running)
                for kind in wanted:
                    server = kind(options.var, sockets, account, options.throwaway)
                    running.callback(server.stop)
                    server.start()
                    environment[server.variable] = server.url
                    servers.append(server)
            if Postgres in wanted:
                environment["EMBEDDED_DATABASE"] = "true"
            code = _run(options.command, environment, servers)
            _ignore_signals()  # from here on everything ends anyway, and within a known time
            return code
    except EmbeddedError as error:
        print(f"Embedded servers: {error}", file=sys.stderr)
        return 1


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    summary = __doc__.split("\n", 1)[0] if __doc__ else None
    parser = argparse.ArgumentParser(prog="python -m smartcitizen.embedded", description=summary)
    parser.add_argument(
        "--var", type=Path, default=BASE_DIR / "var", help="where data and logs are kept"
    )
    parser.add_argument(
        "--throwaway",
        action="store_true",
        help="for tests: faster, and lost when the machine crashes",
    )
    parser.add_argument("command", nargs="+", help="what to run, after --")
    options = parser.parse_args(arguments)
    options.var = options.var.resolve()
    return options


def _make_room(var: Path, running: contextlib.ExitStack) -> tuple[Account, Path]:
    """Make and lock `var`; return whom the servers run as and the directory of their sockets."""
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        running.enter_context(_locked(var))
        account = account_for(var / "postgres")
        return account, _socket_directory(var, account)
    except LookupError as error:
        raise EmbeddedError(str(error)) from None
    except OSError as error:
        raise EmbeddedError(f"{error.filename or var}: {error.strerror}") from None


@contextlib.contextmanager
def _locked(var: Path) -> Iterator[None]:
    """Hold `var` for this process alone. The kernel frees it at our end, however that comes."""
    with (var / "embedded.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            raise EmbeddedError(f"{var} is in use by another start, process {owner}") from None
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


def _socket_directory(var: Path, account: Account) -> Path:
    """Find the directory of the sockets: in `var`, or a short one where that path cannot serve.

    A comma or a quote in a path means something to PostgreSQL, so only plain paths are used.
    """
    directory = var / "run"
    longest = os.fsencode(directory / LONGEST_SOCKET)
    if len(longest) <= SOCKET_PATH_BYTES and re.fullmatch(rb"[\w./-]+", longest):
        return account.own(directory)
    name = hashlib.sha256(os.fsencode(var)).hexdigest()[:12]
    directory = Path(tempfile.gettempdir()) / f"smartcitizen-{account.uid}-{name}"
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
        return account.own(directory)
    # Anyone may make a directory there: use only one that nobody else can enter or swap.
    state = directory.lstat()
    if directory.is_symlink() or state.st_uid != account.uid or state.st_mode & 0o077:
        raise EmbeddedError(f"{directory} was made by someone else: remove it, or set TMPDIR")
    return directory


def _run(command: list[str], environment: dict[str, str], servers: list[Server]) -> int:
    """Run `command` to its end and return its exit code; 1 where the database died under it."""
    received: list[int] = []
    process: subprocess.Popen[bytes] | None = None

    def forward(signum: int, frame: FrameType | None) -> None:
        received.append(signum)
        if process and not (signum == signal.SIGINT and _at_terminal()):
            process.send_signal(signum)

    for signum in SIGNALS:
        signal.signal(signum, forward)
    try:
        process = processes.start(command, env=environment)
    except OSError as error:
        raise EmbeddedError(f"{command[0]} cannot be run: {error.strerror}") from None
    if received:  # it came before there was anybody to tell
        process.send_signal(received[-1])
    while True:
        try:
            return processes.exit_code(process.wait(timeout=0.5))
        except subprocess.TimeoutExpired:
            try:
                _look_after(servers)
            except EmbeddedError:
                processes.stop(process, (signal.SIGTERM, 60))
                raise


def _look_after(servers: list[Server]) -> None:
    """Start Redis again where it died; an EmbeddedError where PostgreSQL did."""
    for server in servers:
        if not server.process or server.process.poll() is None:
            continue
        words = f"{server.name} ended by itself: {server.last_words()}"
        if isinstance(server, Postgres):
            raise EmbeddedError(words)
        print(f"{words}; starting it again", file=sys.stderr, flush=True)
        server.start()


def _at_terminal() -> bool:
    """Whether Ctrl-C reaches the command without us: we are the terminal's foreground job.

    A second SIGINT would break off the command's own leaving.
    """
    try:
        with open("/dev/tty", "rb") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _leave(signum: int, frame: FrameType | None) -> None:
    """While the servers start: undo what was begun, then end as a process that was signalled."""
    _ignore_signals()
    raise SystemExit(128 + signum)


def _ignore_signals() -> None:
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


if __name__ == "__main__":
    sys.exit(main())
