"""The table of predicates: what stands behind the last `_` of `q[name_cont]`, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import reduce
from operator import and_, or_
from typing import Any

from django.db.models import Q

from .kinds import Boolean, Kind, Operand, Text

ESCAPED = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


class Takes(Enum):
    """What a predicate is given."""

    ONE = "one value of the attribute's kind"
    MANY = "one or more values of the attribute's kind"
    FLAG = "true or false: whether it is to hold"


@dataclass(frozen=True)
class Predicate:
    """One row of the table.

    `build(kind, operand, value)` is the comparison; `inverted` says that the predicate is its
    negation. `combine` joins the comparisons of a compound (`_any`, `_all`). `only` is the one
    kind of attribute that it is for, where it is not for all.
    """

    name: str
    build: Callable[[Any, Operand, Any], Q]
    takes: Takes = Takes.ONE
    inverted: bool = False
    only: type[Kind] | None = None
    combine: Callable[[Q, Q], Q] | None = None

    @property
    def negative(self) -> bool:
        """Whether it means "none of them" over a to-many association (ransack: by its name)."""
        return "not_" in self.name

    def q(self, kind: Kind, operand: Operand, values: Sequence[Any]) -> Q:
        """The predicate as a `Q`; `values` are of the kind, or one flag, and never empty."""
        if self.takes is Takes.FLAG:
            found = self.build(kind, operand, None)
            return ~found if self.inverted is bool(values[0]) else found
        if self.combine is not None:
            return reduce(self.combine, (self._one(kind, operand, value) for value in values))
        return self._one(kind, operand, values if self.takes is Takes.MANY else values[0])

    def holds_for_null(self, values: Sequence[Any]) -> bool:
        """Whether it holds where there is no value at all: `null=1`, `present=0` and their like."""
        return (
            self.takes is Takes.FLAG
            and self.only is None
            and (self.inverted is not bool(values[0]))
        )

    def _one(self, kind: Kind, operand: Operand, value: Any) -> Q:
        found = self.build(kind, operand, value)
        return ~found if self.inverted else found


def equal(kind: Kind, operand: Operand, value: Any) -> Q:
    """`eq`."""
    return kind.equal(operand, value)


def below(kind: Kind, operand: Operand, value: Any) -> Q:
    """`lt`."""
    return kind.below(operand, value)


def up_to(kind: Kind, operand: Operand, value: Any) -> Q:
    """`lteq`."""
    return kind.up_to(operand, value)


def above(kind: Kind, operand: Operand, value: Any) -> Q:
    """`gt`."""
    return kind.above(operand, value)


def at_least(kind: Kind, operand: Operand, value: Any) -> Q:
    """`gteq`."""
    return kind.at_least(operand, value)


def among(kind: Kind, operand: Operand, values: Sequence[Any]) -> Q:
    """`in`."""
    return kind.among(operand, values)


def matches(kind: Text, operand: Operand, pattern: str) -> Q:
    """`matches`: a pattern of LIKE, whose escape character is the backslash, ignoring case."""
    return kind.like(operand, pattern)


def contains(kind: Text, operand: Operand, text: str) -> Q:
    """`cont`: the text anywhere, ignoring case; wildcards are literal."""
    return kind.like(operand, f"%{text.translate(ESCAPED)}%")


def starts(kind: Text, operand: Operand, text: str) -> Q:
    """`start`: the text at the beginning, ignoring case; wildcards are literal."""
    return kind.like(operand, f"{text.translate(ESCAPED)}%")


def ends(kind: Text, operand: Operand, text: str) -> Q:
    """`end`: the text at the end, ignoring case; wildcards are literal."""
    return kind.like(operand, f"%{text.translate(ESCAPED)}")


def is_true(kind: Boolean, operand: Operand, _: None) -> Q:
    """`true`."""
    return kind.equal(operand, True)


def is_false(kind: Boolean, operand: Operand, _: None) -> Q:
    """`false`."""
    return kind.equal(operand, False)


def is_null(kind: Kind, operand: Operand, _: None) -> Q:
    """`null`."""
    return kind.null(operand)


def is_blank(kind: Kind, operand: Operand, _: None) -> Q:
    """`blank`."""
    return kind.blank(operand)


COMPARISONS = (
    Predicate("eq", equal),
    Predicate("not_eq", equal, inverted=True),
    Predicate("matches", matches, only=Text),
    Predicate("does_not_match", matches, inverted=True, only=Text),
    Predicate("lt", below),
    Predicate("lteq", up_to),
    Predicate("gt", above),
    Predicate("gteq", at_least),
    Predicate("in", among, Takes.MANY),
    Predicate("not_in", among, Takes.MANY, inverted=True),
    Predicate("cont", contains, only=Text),
    Predicate("not_cont", contains, inverted=True, only=Text),
    Predicate("i_cont", contains, only=Text),
    Predicate("not_i_cont", contains, inverted=True, only=Text),
    Predicate("start", starts, only=Text),
    Predicate("not_start", starts, inverted=True, only=Text),
    Predicate("end", ends, only=Text),
    Predicate("not_end", ends, inverted=True, only=Text),
)
# Ransack has no compounds of these.
FLAGS = (
    Predicate("true", is_true, Takes.FLAG, only=Boolean),
    Predicate("not_true", is_true, Takes.FLAG, inverted=True, only=Boolean),
    Predicate("false", is_false, Takes.FLAG, only=Boolean),
    Predicate("not_false", is_false, Takes.FLAG, inverted=True, only=Boolean),
    Predicate("present", is_blank, Takes.FLAG, inverted=True),
    Predicate("blank", is_blank, Takes.FLAG),
    Predicate("null", is_null, Takes.FLAG),
    Predicate("not_null", is_null, Takes.FLAG, inverted=True),
)


def compounds(predicate: Predicate) -> Iterator[Predicate]:
    """`eq_any` holds where `eq` does for one of the values, `eq_all` where it does for each.

    `in` as one of a compound is given a single value, as in ransack: there it is `eq`.
    """
    build = equal if predicate.takes is Takes.MANY else predicate.build
    for suffix, combine in (("any", or_), ("all", and_)):
        name = f"{predicate.name}_{suffix}"
        yield replace(predicate, name=name, build=build, takes=Takes.MANY, combine=combine)


PREDICATES = {
    row.name: row
    for row in (*COMPARISONS, *FLAGS, *(each for base in COMPARISONS for each in compounds(base)))
}
# `name_not_eq` is `not_eq` of `name`, not `eq` of `name_not`: the longest name is tried first.
_LONGEST_FIRST = sorted(PREDICATES, key=len, reverse=True)


def detect(key: str) -> tuple[str, str] | None:
    """`name_not_eq` as `("name", "not_eq")`; None where it ends in no predicate."""
    for name in _LONGEST_FIRST:
        if key.endswith(f"_{name}"):
            return key.removesuffix(f"_{name}"), name
    return None
