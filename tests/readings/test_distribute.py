"""`manage.py distribute` without a cluster; `test_on_citus.py` is for where there is one."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.readings import distribution


def has_citus() -> bool:
    """Whether the suite runs on a cluster."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
        return cursor.fetchone() is not None


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


def test_on_a_cluster_it_is_safe_to_run_again(db: None) -> None:
    if not has_citus():
        pytest.skip("this database has no Citus")
    assert distribution.distribute() == distribution.Outcome([], distribution.tables())
