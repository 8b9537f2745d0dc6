"""What a search says, before anybody knows which model it is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Combinator = Literal["and", "or"]


@dataclass(frozen=True)
class Condition:
    """`q[name_or_description_cont]=air`: attributes, how they combine, a predicate and values.

    `parameter` is the name in the request, for messages. `values` is never empty.
    """

    parameter: str
    attributes: tuple[str, ...]
    combinator: Combinator
    predicate: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Grouping:
    """Conditions and further groupings, all of which (`and`) or one of which (`or`) must hold."""

    combinator: Combinator = "and"
    conditions: tuple[Condition, ...] = ()
    groupings: tuple[Grouping, ...] = ()


@dataclass(frozen=True)
class Sort:
    """`q[sort]=name desc`: one attribute to sort by."""

    parameter: str
    attribute: str
    descending: bool = False


@dataclass(frozen=True)
class Search:
    """All of one request: which rows, and in which order (as the rows come, where empty)."""

    grouping: Grouping = Grouping()
    sorts: tuple[Sort, ...] = ()
