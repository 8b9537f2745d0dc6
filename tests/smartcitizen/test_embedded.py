"""The embedded servers: started, found, forgotten, refused and stopped, as real processes."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL

import pytest

from smartcitizen.embedded_postgres_server import Postgres
from smartcitizen.embedded_redis_server import Redis
from smartcitizen.server_account import account_for

ROOT = Path(__file__).resolve().parents[2]
CLEAN = {key: value for key, value in os.environ.items() if not key.endswith(("_URL", "_DATABASE"))}
# What the started command reports: both servers are asked over the addresses that it was given.
ASK = """
import os, psycopg2, redis
from urllib.parse import unquote, urlsplit
url = urlsplit(os.environ["DATABASE_URL"])
database = psycopg2.connect(
    host=unquote(url.query.removeprefix("host=")), user="postgres", dbname="smartcitizen"
)
database.autocommit = True
cursor = database.cursor()
def ask(question):
    cursor.execute(question)
    return cursor.fetchone()[0]
cache = redis.Redis.from_url(os.environ["REDIS_URL"])
"""


def embedded(var: Path, *command: str, options: tuple[str, ...] = ()) -> list[str]:
    """The command line that runs `command` with servers in `var`."""
    start = [sys.executable, "-W", "error", "-m", "smartcitizen.embedded", "--var", str(var)]
    return [*start, *options, "--", *command]


def run(
    var: Path, *command: str, options: tuple[str, ...] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `command` with servers in `var` to its end."""
    return subprocess.run(
        embedded(var, *command, options=options),
        cwd=ROOT,
        env=CLEAN | more,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def ask(var: Path, code: str, *options: str) -> str:
    """What Python `code` prints beside the servers in `var`."""
    done = run(var, sys.executable, "-c", ASK + code, options=options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def start(var: Path, *command: str) -> subprocess.Popen[str]:
    """Start `command` with servers in `var` and wait for its first line, `up`."""
    process = subprocess.Popen(
        embedded(var, *command),
        cwd=ROOT,
        env=CLEAN,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    for line in process.stdout:
        if line == "up\n":
            return process
    raise AssertionError("the command was not started")


def servers_of(var: Path) -> list[int]:
    """The processes that serve from `var`, found by their command lines."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_text(errors="replace")
        except OSError:
            continue
        if str(var) in words and "smartcitizen.embedded" not in words:
            found.append(int(entry.parent.name))
    return found


def gone(var: Path, seconds: float = 15) -> bool:
    """Whether no server of `var` is left within `seconds`."""
    deadline = time.monotonic() + seconds
    while servers_of(var) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not servers_of(var)


@pytest.fixture
def var() -> Iterator[Path]:
    """A directory that only we may enter, as a private checkout is; short enough for sockets."""
    directory = Path(tempfile.mkdtemp(prefix="e"))
    yield directory / "v"
    assert gone(directory)
    shutil.rmtree(directory)


def test_both_servers_answer_and_keep_what_was_written(var: Path) -> None:
    first = ask(
        var,
        "ask('CREATE TABLE kept AS SELECT 41 AS n; SELECT 1'); cache.set('a', 1);"
        "print(ask('SHOW fsync'), ask('SHOW listen_addresses') or 'socket alone')",
    )
    second = ask(
        var,
        "print(ask('SELECT n FROM kept'), cache.get('a'), cache.config_get('maxmemory'),"
        " cache.config_get('port'))",
    )
    assert first.splitlines()[-1] == "on socket alone"
    assert second == "41 None {'maxmemory': '268435456'} {'port': '0'}\n"


def test_letters_of_every_script_are_letters_whatever_the_users_locale(var: Path) -> None:
    code = (
        "print(ask('CREATE EXTENSION pg_trgm; SELECT cardinality(show_trgm($$жук$$))'),"
        " ask('SELECT $$ÑU$$ ILIKE $$ñu$$'), ask('SHOW server_encoding'),"
        " ask('SELECT datlocale FROM pg_database WHERE datname = current_database()'))"
    )
    done = run(var, sys.executable, "-c", ASK + code, LANG="tlh_KX.UTF-8", LC_ALL="")
    assert done.stdout.splitlines()[-1] == "4 True UTF8 PG_UNICODE_FAST", done.stderr


def test_the_commands_exit_code_is_ours(var: Path) -> None:
    assert run(var, "sh", "-c", "exit 7").returncode == 7
    assert run(var, "sh", "-c", "kill -KILL $$").returncode == 137


def test_what_is_given_by_url_is_used_and_not_started(var: Path) -> None:
    given = {"DATABASE_URL": "postgres://elsewhere/db", "REDIS_URL": "redis://elsewhere/0"}
    report = "echo $DATABASE_URL $REDIS_URL ${EMBEDDED_DATABASE:-not ours}"
    done = run(var, "sh", "-c", report, EMBEDDED_DATABASE="true", **given)
    assert done.stdout == "postgres://elsewhere/db redis://elsewhere/0 not ours\n"
    assert not var.exists()
    one = run(var, "sh", "-c", report, REDIS_URL=given["REDIS_URL"])
    assert one.stdout.splitlines()[-1].endswith("redis://elsewhere/0 true")
    assert not (var / "redis.log").exists()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_command_and_then_everything_stops(var: Path, signum: int) -> None:
    script = "trap 'echo told; exit 3' TERM INT; echo up; while :; do sleep 0.05; done"
    process = start(var, "sh", "-c", script)
    assert len(servers_of(var)) >= 2
    process.send_signal(signum)
    said, _ = process.communicate(timeout=20)
    assert (said, process.returncode) == ("told\n", 3)
    assert gone(var, 0)


def test_a_second_start_on_the_same_directory_is_refused_in_one_line(var: Path) -> None:
    process = start(var, "sh", "-c", "echo up; read line")
    again = run(var, "true")
    process.terminate()
    process.communicate(timeout=20)
    assert again.returncode == 1
    assert again.stderr.startswith(f"Embedded servers: {var} is in use by another start, process ")
    assert again.stderr.count("\n") == 1


def test_after_a_kill_nothing_is_lost_and_the_next_start_works(var: Path) -> None:
    keep = "ask('CREATE TABLE kept AS SELECT 41 AS n; SELECT 1')\nprint('up', flush=True)\n"
    process = start(var, sys.executable, "-c", ASK + keep + "import time; time.sleep(60)")
    process.kill()
    process.communicate(timeout=20)
    assert ask(var, "print(ask('SELECT n FROM kept'))").splitlines()[-1] == "41"


def test_servers_of_a_start_that_could_not_end_them_are_found_and_stopped(var: Path) -> None:
    ask(var, "ask('CREATE TABLE kept AS SELECT 41 AS n; SELECT 1')")
    # Started by hand, so that nothing ends them with their starter.
    account = account_for(var / "postgres")
    servers = [kind(var, var / "run", account) for kind in (Postgres, Redis)]
    left = [
        subprocess.Popen(
            server.command(), cwd="/", stdout=DEVNULL, stderr=DEVNULL, **account.options
        )
        for server in servers
    ]
    while not all(server.answers() for server in servers):
        time.sleep(0.05)
    try:
        said = ask(var, "print(ask('SELECT n FROM kept'), cache.ping())")
        assert said.count("of an earlier start still runs") == 2
        assert said.splitlines()[-1] == "41 True"
    finally:
        for process in left:
            process.wait(timeout=10)


def test_a_process_number_given_to_another_program_is_no_postgresql(var: Path) -> None:
    run(var, "true")
    bystander = subprocess.Popen(
        ["sleep", "60"], **({"user": "nobody"} if os.geteuid() == 0 else {})
    )
    try:
        (var / "postgres" / "postmaster.pid").write_text(f"{bystander.pid}\n{var / 'postgres'}\n")
        assert run(var, "true").returncode == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_redis_is_started_again_where_it_dies(var: Path) -> None:
    code = (
        "import os, time; os.kill(cache.info('server')['process_id'], 9)\n"
        "for _ in range(200):\n"
        "    try: print(cache.ping()); break\n"
        "    except redis.ConnectionError: time.sleep(0.05)\n"
    )
    done = run(var, sys.executable, "-c", ASK + code)
    assert done.stdout.splitlines()[-1] == "True"
    assert "Redis ended by itself" in done.stderr


def test_the_command_is_ended_where_postgresql_dies(var: Path) -> None:
    script = f"kill -KILL $(head -1 {var}/postgres/postmaster.pid); exec sleep 60"
    done = run(var, "sh", "-c", script)
    assert done.returncode == 1
    assert "PostgreSQL ended by itself" in done.stderr


def test_a_path_that_sockets_cannot_have_gets_a_short_one_that_is_ours(var: Path) -> None:
    far = var / ("long, and with spaces " * 6).strip()
    assert ask(far, "print(ask('SELECT 41'), cache.ping())").splitlines()[-1] == "41 True"
    name = hashlib.sha256(os.fsencode(far.resolve())).hexdigest()[:12]
    (short,) = Path(tempfile.gettempdir()).glob(f"smartcitizen-*-{name}")
    shutil.rmtree(short)
    try:
        short.mkdir(mode=0o777)
        short.chmod(0o777)
        done = run(far, "true")
        assert done.returncode == 1
        assert "was made by someone else" in done.stderr
    finally:
        shutil.rmtree(short)


def test_a_throwaway_database_and_one_to_be_kept_are_never_mixed_up(var: Path) -> None:
    assert ask(var, "print(ask('SHOW fsync'))", "--throwaway").splitlines()[-1] == "off"
    assert "made with --throwaway" in run(var, "true").stderr
    (var / "throwaway").unlink()
    assert "is to be kept" in run(var, "true", options=("--throwaway",)).stderr


def test_the_ruins_of_a_throwaway_database_are_replaced(var: Path) -> None:
    run(var, "true", options=("--throwaway",))
    (var / "postgres" / "global" / "pg_control").write_bytes(b"ruined")
    assert ask(var, "print(ask('SELECT 41'))", "--throwaway").splitlines()[-1] == "41"


def test_troubles_are_one_line_and_never_a_traceback(var: Path) -> None:
    assert "cannot be run: No such file" in run(var, "/no/such/program").stderr
    (var / "postgres" / "PG_VERSION").write_text("17\n")
    done = run(var, "true")
    assert "was made by PostgreSQL 17" in done.stderr
    (var / "postgres" / "PG_VERSION").write_text("18\n")
    (var / "postgres" / "postgresql.conf").write_text("nonsense = 1\n")
    spoilt = run(var, "true")
    assert spoilt.returncode == 1
    assert 'unrecognized configuration parameter "nonsense"' in spoilt.stderr
    assert {done.stderr.count("\n"), spoilt.stderr.count("\n")} == {1}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run programs as somebody else")
def test_as_root_the_servers_run_without_roots_rights(var: Path) -> None:
    var.parent.chmod(0o700)
    done = run(var, "sh", "-c", f"stat -c '%U %a' {var}/postgres {var}/run")
    assert done.stdout.splitlines()[-2:] == ["nobody 700", "nobody 700"]
    assert f"let it pass: {var.parent}, {var}" in done.stdout
    assert var.parent.stat().st_mode & 0o777 == 0o701


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run programs as somebody else")
def test_a_user_without_rights_runs_them_as_himself(var: Path) -> None:
    var.mkdir()
    shutil.chown(var, "nobody")
    var.parent.chmod(0o711)
    run(var.parent / "root", "true")  # opens the way to the programs, wherever they lie
    # Python itself may lie where only root can read it: it drops its rights when all is loaded.
    code = (
        "import encodings.idna, locale, os, sys, pwd\n"
        "from smartcitizen.embedded import main\n"
        "nobody = pwd.getpwnam('nobody')\n"
        "os.setgroups([]); os.setgid(nobody.pw_gid); os.setuid(nobody.pw_uid)\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    paths = (str(var / "postgres"), str(var / "run"))
    done = subprocess.run(
        [sys.executable, "-c", code, "--var", str(var), "--", "stat", "-c", "%U %a", *paths],
        cwd=ROOT,
        env=CLEAN | {"HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["nobody 700", "nobody 700"], done.stderr
