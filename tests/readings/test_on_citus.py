"""The readings suite once more, over a Citus cluster: `CITUS_URL=postgres://… make test-citus`.

`CITUS_URL` names a database on the coordinator, by a user who may make databases; the workers are
those that it knows, reached by the same name and password. The suite runs in databases of its own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest

from apps.readings import distribution

ROOT = Path(__file__).parents[2]
CITUS_URL = os.environ.get("CITUS_URL", "")
NAME = "readings_on_citus"
TEST_DATABASE = f"test_{NAME}"  # as Django names it

pytestmark = [
    pytest.mark.citus,
    pytest.mark.skipif(
        not CITUS_URL,
        reason="THE READINGS SUITE DID NOT RUN ON CITUS: CITUS_URL names no coordinator",
    ),
]


def url_of(database: str, host: str = "", port: int = 0) -> str:
    """CITUS_URL with another database, and perhaps another machine."""
    parts = urlsplit(CITUS_URL)
    place = f"{host}:{port}" if host else parts.netloc.rpartition("@")[2]
    who = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{who}@{place}" if who else place, path=database))


def run(url: str, *statements: str) -> list[tuple[object, ...]]:
    """Run statements, each on its own; returns the rows of the last."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def cluster() -> Iterator[str]:
    """An empty database with Citus on every machine of the cluster; yields its coordinator's URL.

    Citus has no way to make a database on all of them that every version knows.
    """
    nodes = run(CITUS_URL, "SELECT nodename, nodeport, groupid FROM pg_dist_node ORDER BY groupid")
    assert len(nodes) > 1, "the coordinator of CITUS_URL knows no worker"
    places = [(str(host), int(str(port))) for host, port, _ in nodes]
    drop = f"DROP DATABASE IF EXISTS {TEST_DATABASE} WITH (FORCE)"
    for host, port in places:
        run(url_of("postgres", host, port), drop, f"CREATE DATABASE {TEST_DATABASE}")
        run(url_of(TEST_DATABASE, host, port), "CREATE EXTENSION citus")
    (coordinator, *workers) = places
    here = url_of(TEST_DATABASE, *coordinator)
    run(here, f"SELECT citus_set_coordinator_host({coordinator[0]!r}, {coordinator[1]})")
    for worker in workers:
        run(here, f"SELECT citus_add_node({worker[0]!r}, {worker[1]})")
    # Few shards: the tests make and drop many partitions.
    run(here, f"ALTER DATABASE {TEST_DATABASE} SET citus.shard_count = 4")
    yield url_of(NAME, *coordinator)
    for host, port in places:
        run(url_of("postgres", host, port), drop)


def test_the_readings_suite_passes_on_a_cluster(cluster: str) -> None:
    """`tests/conftest.py` distributes the time series, since the database has Citus."""
    suite = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/readings", "-m", "not citus and not slow"]
        + ["--reuse-db", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": cluster},
        capture_output=True,
        text=True,
    )
    print(suite.stdout[-20_000:], suite.stderr[-5_000:])
    assert suite.returncode == 0
    passed = re.search(r"(\d+) passed", suite.stdout)
    assert passed and int(passed[1]) > 200
    shown = run(
        cluster.replace(f"/{NAME}", f"/{TEST_DATABASE}"),
        "SELECT table_name::text, distribution_column FROM citus_tables",
    )
    assert set(shown) >= {(table, "device_id") for table in distribution.tables()}


def refusal(url: str) -> str:
    """What `manage.py distribute` says in a database where it cannot do it."""
    refused = subprocess.run(
        [sys.executable, "manage.py", "distribute"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    return refused.stderr.strip()


def test_a_worker_and_a_cluster_without_one_are_refused(cluster: str) -> None:
    coordinator = cluster.replace(f"/{NAME}", f"/{TEST_DATABASE}")
    nodes = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid > 0 ORDER BY groupid"
    workers = [(str(host), int(str(port))) for host, port in run(coordinator, nodes)]
    nothing = "CommandError: Nothing was distributed: "
    worker = refusal(url_of(TEST_DATABASE, *workers[0]))
    assert worker == f"{nothing}this is a worker: connect to the coordinator."
    for host, port in workers:
        run(
            coordinator,
            f"SELECT citus_set_node_property({host!r}, {port}, 'shouldhaveshards', false)",
        )
    assert refusal(coordinator).startswith(f"{nothing}no machine of the cluster keeps shards")
