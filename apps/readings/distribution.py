"""Spreads the time series over the machines of a Citus cluster (docs/scaling.md)."""

from __future__ import annotations

from dataclasses import dataclass

from django.apps import apps
from django.db import connection, models, transaction

# The oldest that serves the PostgreSQL that the platform runs on
OLDEST_CITUS = 14
COLUMN = "device_id"


class NotDistributable(Exception):
    """Why the time series cannot be distributed here, and what would help."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The tables that were distributed now, and those that were before."""

    distributed: list[str]
    already: list[str]


def tables() -> list[str]:
    """The tables of the time series: those whose primary key begins with the device.

    They are found by their models, so that a new one cannot be forgotten. What a device has few
    of, and the platform's small tables, stay on the coordinator.
    """
    return sorted(
        model._meta.db_table
        for model in apps.get_app_config("readings").get_models()
        if isinstance(key := model._meta.pk, models.CompositePrimaryKey)
        and key.field_names[0] == COLUMN
    )


def distribute() -> Outcome:
    """Distribute every table of the time series by device; safe to run again.

    The tables share their shards, so that all that is kept of a device lies together and one
    machine answers each question. Rows that are there are moved; meanwhile their tables are
    locked. All or nothing. Raises NotDistributable, and changes nothing, where the server is no
    coordinator of a Citus cluster.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        # The move may wait for writers longer than a request would.
        cursor.execute("SET LOCAL lock_timeout = 0")
        _require_cluster()
        columns = _distribution_columns()
        wrong = {table: column for table, column in columns.items() if column != COLUMN}
        if wrong:
            raise NotDistributable(
                f"{', '.join(sorted(wrong))} is distributed already, but not by {COLUMN}: undo that"
                " with undistribute_table() first"
            )
        missing = [table for table in tables() if table not in columns]
        for table in missing:
            others = [other for other in tables() if other in columns]
            cursor.execute(
                "SELECT create_distributed_table(%s, %s, colocate_with => %s)",
                [table, COLUMN, others[0] if others else "none"],
            )
            columns[table] = COLUMN
    for table in missing:
        _free_moved_rows(table)
    return Outcome(missing, [table for table in tables() if table not in missing])


def _require_cluster() -> None:
    """Pass on the coordinator of a cluster that has a machine for shards; else raise."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT extversion FROM pg_extension WHERE extname = 'citus'")
        if (found := cursor.fetchone()) is None:
            raise NotDistributable(
                f"the database has no Citus: install Citus {OLDEST_CITUS} or newer on every machine"
                " and run CREATE EXTENSION citus in this database on each (docs/scaling.md)"
            )
        if int(found[0].partition(".")[0]) < OLDEST_CITUS:
            raise NotDistributable(f"Citus is {found[0]}: {OLDEST_CITUS} or newer is needed")
        cursor.execute("SELECT citus_is_coordinator()")
        if cursor.fetchone() != (True,):
            raise NotDistributable("this is a worker: connect to the coordinator")
        cursor.execute(
            "SELECT count(*) FROM pg_dist_node WHERE noderole = 'primary' AND shouldhaveshards"
        )
        if cursor.fetchone() == (0,):
            raise NotDistributable(
                "no machine of the cluster keeps shards: SELECT citus_add_node('host', 5432)"
            )


def _distribution_columns() -> dict[str, str]:
    """By which column each of our tables that is distributed already is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name::text, distribution_column FROM citus_tables"
            " WHERE table_name::text = ANY (%s)",
            [tables()],
        )
        return dict(cursor.fetchall())


def _free_moved_rows(table: str) -> None:
    """Give back the space of rows that were moved: the old copy is hidden, but still on disk."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT truncate_local_data_after_distributing_table(%s)", [table])
