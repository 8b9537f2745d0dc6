"""How PostgreSQL plans a statement, alone or as the coordinator of a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.db import connection

SHARD = re.compile(r"_\d{5,}$")


def has_citus() -> bool:
    """Whether the suite runs on a cluster (`test_on_citus.py`)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'citus'")
        return cursor.fetchone() is not None


def explain(sql: str) -> Any:
    """The plan of a statement that has its constants in it."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + sql.replace("%", "%%"), [])
        return cursor.fetchone()[0]


def relations(plan: Any) -> set[str]:
    """The tables that a plan opens; of a shard the table that it is of."""
    return {SHARD.sub("", name) for name in values(plan, "Relation Name")}


def tasks(plan: Any) -> list[int]:
    """To how many shards each part of a plan goes; empty without a cluster."""
    return list(values(plan, "Task Count"))


def values(plan: Any, name: str) -> Iterator[Any]:
    """Every value of a name, wherever it stands; plans of machines are within the coordinator's."""
    if isinstance(plan, list):
        for part in plan:
            yield from values(part, name)
    elif isinstance(plan, dict):
        for key, value in plan.items():
            if key == name:
                yield value
            else:
                yield from values(value, name)
