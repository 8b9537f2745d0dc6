"""Whether the statements over the time series are such that Citus serves them from one shard.

No cluster is needed: what the driver sends is captured with its constants in it, and read by a
parser of SQL. `test_on_citus.py` is the proof where there is a cluster.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import sqlglot
from django.db import connection
from psycopg2.extensions import cursor as DriverCursor
from sqlglot import exp

from apps.readings import distribution

APPS = Path(__file__).parents[2] / "apps"
SERIES = re.compile(rf"({'|'.join(distribution.tables())})(_\d{{4}}_\d{{2}}|_default)?")
DECLARED = re.compile(r'DECLARE "\w+" .*?CURSOR .*?FOR (?=SELECT|WITH)', re.DOTALL)
BLOCKS = (exp.Select, exp.Insert, exp.Update, exp.Delete, exp.Copy)
# What a cluster would work out on each machine by itself: not allowed where a row is replaced.
UNSTABLE = (
    *(exp.CurrentTimestamp, exp.CurrentDate, exp.CurrentTime, exp.Localtimestamp),
    *(exp.Rand, exp.Uuid, exp.Anonymous),
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as it went to the server, the function of ours that sent it, and the modules
    that it was sent for. `copied` are the devices whose rows a COPY brought.
    """

    sql: str
    sender: str = ""
    modules: frozenset[str] = frozenset()
    copied: frozenset[str] = frozenset()


@contextmanager
def captured() -> Iterator[list[Sent]]:
    """What `apps` sends to the database meanwhile, by any cursor, of Django or of the driver."""
    sent: list[Sent] = []

    class Capturing(DriverCursor):
        """Writes down what it sends."""

        def execute(self, query: Any, vars: Any = None) -> None:
            """Send a statement; `self.query` is what the driver made of it."""
            super().execute(query, vars)
            note(bytes(self.query or b"").decode())

        def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
            """Send the rows of a file; the device is the first column of ours."""
            rows = file.read()
            file.seek(0)
            super().copy_expert(sql, file, size)
            note(str(sql), frozenset(re.findall(r"^\d+", rows, re.MULTILINE)))

    def note(sql: str, copied: frozenset[str] = frozenset()) -> None:
        if SERIES.search(sql) and (ours := list(_ours_that_run())):
            modules = frozenset(module for module, _ in ours)
            sender = ".".join(ours[0])
            sent.append(Sent(DECLARED.sub("", sql, count=1), sender, modules, copied))

    connection.ensure_connection()
    driver: Any = connection.connection
    before, driver.cursor_factory = driver.cursor_factory, Capturing
    try:
        yield sent
    finally:
        driver.cursor_factory = before


def _ours_that_run() -> Iterator[tuple[str, str]]:
    """The modules and functions of ours that are running, the innermost first, but for those that
    wrap the driver."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(APPS) and not path.is_relative_to(APPS / "api"):
            yield frame.f_globals["__name__"], frame.f_code.co_qualname.partition(".<locals>")[0]
        frame = frame.f_back


def faults(sent: Sent, *, of_all_devices: bool = False) -> list[str]:
    """What Citus would refuse, or could not serve from one shard; nothing where all is well.

    A statement that is of all devices by nature names none, but is refused the same things.
    """
    found: list[str] = []
    devices: set[str] = set()
    for tree in sqlglot.parse(sent.sql, dialect="postgres"):
        if isinstance(tree, exp.Command):
            found += [] if of_all_devices else ["is not understood"]
            continue
        if tree is None or not any(SERIES.fullmatch(t.name) for t in tree.find_all(exp.Table)):
            continue
        found += _refused(tree, one_shard=not of_all_devices)
        for block in tree.find_all(*BLOCKS):
            if of_all_devices or not (series := _series(block)):
                continue
            named = _devices(block, series, sent.copied)
            devices |= named - {"as selected"}
            if not named:
                found.append(f"names no device by a constant for {series[0].name}")
    return found + (["names several devices"] if len(devices) > 1 else [])


def _series(block: exp.Expression) -> list[exp.Table]:
    """The tables of the time series that a query names itself, not in queries within it."""
    return [
        table
        for table in block.find_all(exp.Table)
        if SERIES.fullmatch(table.name)
        and table.find_ancestor(*BLOCKS) is block
        and not table.find_ancestor(exp.Lock)
    ]


def _devices(block: exp.Expression, series: list[exp.Table], copied: frozenset[str]) -> set[str]:
    """The devices that a query names, by a constant for each of its tables; else none."""
    if isinstance(block, exp.Copy):
        return set(copied)
    if isinstance(block, exp.Insert):
        return _inserted(block)
    where = block.args.get("where")
    conditions = [where.this] if where else []
    conditions += [join.args["on"] for join in block.args.get("joins") or [] if join.args.get("on")]
    equal: dict[str, set[str]] = {}
    while conditions:
        condition = conditions.pop()
        if isinstance(condition, exp.And | exp.Paren):
            conditions += list(condition.iter_expressions())
        elif isinstance(condition, exp.EQ):
            one, other = condition.left, condition.right
            if _is_device(one) and (constant := _constant(other)):
                equal.setdefault(one.table, set()).add(constant)
    of_any = equal.get("", set()) if len(series) == 1 else set()
    named = [equal.get(table.alias_or_name, set()) | of_any for table in series]
    return set().union(*named) if all(named) else set()


def _inserted(block: exp.Insert) -> set[str]:
    """The devices of the rows that are inserted; those of a query are of what it selects from."""
    columns = [column.name for column in block.this.expressions]
    if "device_id" not in columns:
        return set()
    place = columns.index("device_id")
    if isinstance(block.expression, exp.Values):
        constants = {_constant(row.expressions[place]) for row in block.expression.expressions}
        return set() if None in constants else {one for one in constants if one}
    if isinstance(block.expression, exp.Select):
        value = block.expression.expressions[place].unalias()
        if constant := _constant(value):
            return {constant}
        if _is_device(value):
            return {"as selected"}
    return set()


def _is_device(node: exp.Expression) -> bool:
    return isinstance(node, exp.Column) and node.name == "device_id"


def _constant(node: exp.Expression) -> str | None:
    """The text of a constant, whatever it is cast to."""
    while isinstance(node, exp.Cast | exp.Paren):
        node = node.this
    return node.this if isinstance(node, exp.Literal) else None


def _refused(tree: exp.Expression, *, one_shard: bool) -> Iterator[str]:
    """What Citus refuses in a statement that names the time series."""
    for column in tree.find_all(exp.Column):
        if column.name in {"xmax", "xmin", "ctid"}:
            yield f"asks for {column.name}"
    if not one_shard and any(tree.find_all(exp.Lock)):
        yield "locks rows of many shards"
    assigned = [
        assignment
        for conflict in tree.find_all(exp.OnConflict)
        for assignment in conflict.expressions
    ]
    if any(assignment.find(*UNSTABLE) for assignment in assigned):
        yield "replaces by what each machine would work out by itself"
    for update in tree.find_all(exp.Update):
        assigned += update.expressions
    if any(isinstance(one, exp.EQ) and _is_device(one.left) for one in assigned):
        yield "moves a row to another device"
    for query in tree.find_all(exp.Select):
        if query.parent is not None and _local(query) and _looks_out(query):
            yield "has a correlated subquery on a table of the coordinator"


def _local(query: exp.Select) -> bool:
    """Whether a query names a table that is not of the time series."""
    of_statement = {cte.alias for cte in query.root().find_all(exp.CTE)}
    return any(
        table.find_ancestor(*BLOCKS) is query
        and not SERIES.fullmatch(table.name)
        and table.name not in of_statement
        for table in query.find_all(exp.Table)
    )


def _looks_out(query: exp.Select) -> bool:
    """Whether a query names columns of the query around it, by the name of a table there."""
    sources = [query.args.get("from_"), *(query.args.get("joins") or [])]
    inner = {source.this.alias_or_name for source in sources if source}
    return any(
        column.table and column.table not in inner and column.find_ancestor(exp.Select) is query
        for column in query.find_all(exp.Column)
    )
