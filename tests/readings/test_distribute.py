"""`manage.py distribute` without a cluster; `test_on_citus.py` is for where there is one."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.readings import distribution
from tests.readings.plans import has_citus


def test_every_table_that_is_kept_by_device_is_distributed(db: None) -> None:
    """A table of the time series that the models forget would stay on the coordinator."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND"
            " i.indisprimary JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
            " WHERE c.relname LIKE 'readings\\_%%' AND NOT c.relispartition"
            " AND a.attname = 'device_id' ORDER BY 1",
            [],
        )
        assert distribution.tables() == [name for (name,) in cursor.fetchall()]
    assert "readings_reading" in distribution.tables()


def test_without_citus_it_says_what_is_missing_and_changes_nothing(db: None) -> None:
    if has_citus():
        pytest.skip("this database has Citus")
    with pytest.raises(CommandError) as refusal:
        call_command("distribute")
    assert str(refusal.value).startswith(
        "Nothing was distributed: the database has no Citus: install Citus 14 or newer"
    )


# What a database with Citus has, as far as `distribute` asks. Catalogues can be written to by the
# superuser that the tests are; all of it goes with the transaction of the test.
CITUS = """
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (4000000000, 'citus', 10, 2200, false, '14.0-1');
CREATE FUNCTION citus_is_coordinator() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE TABLE pg_dist_node (noderole text, shouldhaveshards boolean);
INSERT INTO pg_dist_node VALUES ('primary', false), ('primary', true), ('secondary', true);
CREATE TABLE citus_tables (table_name regclass, distribution_column text);
"""


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (
            "UPDATE pg_extension SET extversion = '13.2-1' WHERE extname = 'citus'",
            "Citus is 13.2-1: 14 or newer is needed",
        ),
        (
            "CREATE OR REPLACE FUNCTION citus_is_coordinator() RETURNS boolean LANGUAGE sql AS"
            " 'SELECT false'",
            "this is a worker: connect to the coordinator",
        ),
        (
            "DELETE FROM pg_dist_node WHERE noderole = 'primary' AND shouldhaveshards",
            "no machine of the cluster keeps shards: SELECT citus_add_node('host', 5432)",
        ),
        (
            "INSERT INTO citus_tables VALUES ('readings_reading', 'recorded_at'),"
            " ('readings_daily', 'device_id')",
            "readings_reading is distributed already, but not by device_id: undo"
            " that with undistribute_table() first",
        ),
    ],
    ids=["too old", "a worker", "no machine", "another column"],
)
def test_it_says_why_it_cannot_and_changes_nothing(change: str, refusal: str, db: None) -> None:
    if has_citus():
        pytest.skip("this database has Citus: see test_on_citus.py")
    with connection.cursor() as cursor:
        cursor.execute(f"{CITUS}{change}")
    with pytest.raises(CommandError) as refused:
        call_command("distribute")
    assert str(refused.value) == f"Nothing was distributed: {refusal}."


def test_what_passes_is_distributed_one_beside_the_other(db: None) -> None:
    """The calls that a cluster would get, where there is none to take them."""
    if has_citus():
        pytest.skip("this database has Citus: see test_on_citus.py")
    with connection.cursor() as cursor:
        cursor.execute(f"""{CITUS}
            CREATE TABLE called (number serial, what text);
            CREATE FUNCTION create_distributed_table(text, text, colocate_with text) RETURNS void
                LANGUAGE sql AS 'INSERT INTO called (what) VALUES (concat_ws('' '', $1, $2, $3));
                INSERT INTO citus_tables VALUES ($1::regclass, $2)';
            CREATE FUNCTION truncate_local_data_after_distributing_table(text) RETURNS void
                LANGUAGE sql AS 'INSERT INTO called (what) VALUES (''freed '' || $1)';
        """)
        first, *others = distribution.tables()
        assert distribution.distribute() == distribution.Outcome([first, *others], [])
        cursor.execute("SELECT what FROM called ORDER BY number")
        assert [what for (what,) in cursor.fetchall()] == [
            f"{first} device_id none",
            *(f"{table} device_id {first}" for table in others),
            *(f"freed {table}" for table in (first, *others)),
        ]
        assert distribution.distribute() == distribution.Outcome([], [first, *others])


def test_on_a_cluster_it_is_safe_to_run_again(db: None) -> None:
    if not has_citus():
        pytest.skip("this database has no Citus")
    assert distribution.distribute() == distribution.Outcome([], distribution.tables())
