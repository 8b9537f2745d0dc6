"""From a query string to a tree: a pure function that knows the predicates, but no model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from django.http import QueryDict

from .brackets import Node, belongs, nest
from .exceptions import InvalidSearch, quoted
from .predicates import COMPARISONS, FLAGS, PREDICATES, Takes, detect
from .tree import Combinator, Condition, Grouping, Search, Sort

Parameters = str | QueryDict | Iterable[tuple[str, str]]

# What `q[...]` may hold besides conditions; ransack has the long names as well.
COMBINATOR = ("m", "combinator")
GROUPINGS = ("g", "groupings")
CONDITIONS = ("c", "conditions")
SORTS = ("s", "sort", "sorts")
OR_AND = re.compile(r"_(or|and)_")


@dataclass(frozen=True)
class Limits:
    """How large a search may be; what is larger is refused with a 400 that says the limit."""

    groupings: int = 5  # within one another
    conditions: int = 50
    attributes: int = 10  # of one condition
    values: int = 1000  # of all conditions
    sorts: int = 10
    length: int = 1000  # of one name or value, in characters

    @property
    def brackets(self) -> int:
        """The deepest name: two for each grouping, and `[c][0][a][0][name]`."""
        return 2 * self.groupings + 5


LIMITS = Limits()


def parse(parameters: Parameters, limits: Limits = LIMITS, key: str = "q") -> Search:
    """The search that stands in the parameters under `key`; others are left alone.

    `parameters` are a query string, a QueryDict or pairs of name and value. Whatever they hold,
    the answer is a tree, or InvalidSearch with a message that names the parameter.
    """
    pairs = [(name, value) for name, value in _pairs(parameters) if belongs(name, key)]
    for name, value in pairs:
        if max(len(name), len(value)) > limits.length:
            raise InvalidSearch(name, f"more than {limits.length} characters")
    return _Reader(limits, key).search(nest(pairs, key, limits.brackets))


def _pairs(parameters: Parameters) -> Iterator[tuple[str, str]]:
    if isinstance(parameters, str):
        yield from parse_qsl(parameters.removeprefix("?"), keep_blank_values=True)
    elif isinstance(parameters, QueryDict):
        yield from ((name, value) for name, values in parameters.lists() for value in values)
    else:
        yield from parameters


@dataclass
class _Reader:
    """Reads nested parameters, and counts against the limits what it has read so far."""

    limits: Limits
    key: str
    seen: dict[str, int] = field(default_factory=dict)

    def search(self, node: dict[str, Node]) -> Search:
        """All of it: the root is a grouping that may hold sorts."""
        rest = {name: child for name, child in node.items() if name not in SORTS}
        sorts = [
            sort
            for name in SORTS
            if name in node
            for sort in self.sorts(f"{self.key}[{name}]", node[name])
        ]
        return Search(self.grouping(self.key, rest, self.limits.groupings), tuple(sorts))

    def grouping(self, at: str, node: Node, depth: int) -> Grouping:
        """`q` itself, or one of `q[g]`, with at most `depth` groupings within one another in it."""
        conditions: list[Condition] = []
        groupings: list[Grouping] = []
        combinator: Combinator = "and"
        for name, child in _dictionary(at, node).items():
            here = f"{at}[{name}]"
            if name in COMBINATOR:
                combinator = _combinator(here, child)
            elif name in GROUPINGS:
                if depth == 0:
                    raise InvalidSearch(here, f"more than {self.limits.groupings} groupings deep")
                groupings += [self.grouping(*each, depth - 1) for each in _members(here, child)]
            elif name in CONDITIONS:
                conditions += [
                    condition
                    for each in _members(here, child)
                    if (condition := self.long_condition(*each))
                ]
            elif condition := self.short_condition(here, name, child):
                conditions.append(condition)
        filled = tuple(each for each in groupings if each.conditions or each.groupings)
        return Grouping(combinator, tuple(conditions), filled)

    def short_condition(self, at: str, name: str, node: Node) -> Condition | None:
        """`q[name_or_description_cont]=x`; None where it is blank."""
        values = _texts(at, node, "value")
        if not values:
            return None
        if (found := detect(name)) is None:
            raise InvalidSearch(at, f"{quoted(name)} ends in no predicate: {_known_predicates()}")
        attributes, predicate = found
        first, *rest = OR_AND.split(attributes)  # attribute, word, attribute, word, attribute
        words, others = rest[::2], rest[1::2]
        if len(set(words)) > 1:
            raise InvalidSearch(at, f"_or_ and _and_ cannot be mixed; use {self.key}[g][0]")
        combinator: Combinator = "or" if "or" in words else "and"
        return self.condition(at, [first, *others], combinator, predicate, values)

    def long_condition(self, at: str, node: Node) -> Condition | None:
        """`q[c][0]`: `[a]` attributes, `[p]` predicate, `[v]` values, `[m]`; None where blank."""
        parts = _dictionary(at, node)
        if unknown := set(parts) - {"a", "p", "v", "m"}:
            raise InvalidSearch(f"{at}[{min(unknown)}]", "a condition has a, p, v and m")
        values = _texts(f"{at}[v]", parts.get("v", ""), "value")
        if not values:
            return None
        predicate = _text(f"{at}[p]", parts.get("p", ""))
        if predicate not in PREDICATES:
            raise InvalidSearch(
                f"{at}[p]", f"{quoted(predicate)} is no predicate: {_known_predicates()}"
            )
        attributes = _texts(f"{at}[a]", parts.get("a", ""), "name")
        combinator = _combinator(f"{at}[m]", parts.get("m", ""))
        return self.condition(at, attributes, combinator, predicate, values)

    def condition(
        self,
        at: str,
        attributes: list[str],
        combinator: Combinator,
        predicate: str,
        values: list[str],
    ) -> Condition:
        """A condition, once it is within the limits and has as many values as it takes."""
        if not all(attributes) or not attributes:
            raise InvalidSearch(at, "names no attribute before its predicate")
        if len(attributes) > self.limits.attributes:
            raise InvalidSearch(at, f"more than {self.limits.attributes} attributes")
        if PREDICATES[predicate].takes is not Takes.MANY and len(values) > 1:
            raise InvalidSearch(at, f"{predicate} takes one value, {len(values)} are given")
        self.count(at, "conditions", 1, self.limits.conditions)
        self.count(at, "values", len(values), self.limits.values)
        return Condition(at, tuple(attributes), combinator, predicate, tuple(values))

    def sorts(self, at: str, node: Node) -> Iterator[Sort]:
        """`name asc, id desc`, an array of such, or `[0][name]` and `[0][dir]`."""
        for here, member in [(at, node)] if isinstance(node, str) else _members(at, node):
            if isinstance(member, str):
                texts = member.split(",")
            else:
                parts = _dictionary(here, member)
                if unknown := set(parts) - {"name", "dir"}:
                    raise InvalidSearch(f"{here}[{min(unknown)}]", "a sort has name and dir")
                name = _text(f"{here}[name]", parts.get("name", ""))
                direction = _text(f"{here}[dir]", parts.get("dir", ""))
                texts = [f"{name} {direction}"] if name else []
            for words in filter(None, map(str.split, texts)):
                self.count(at, "sorts", 1, self.limits.sorts)
                yield _sort(here, words)

    def count(self, at: str, what: str, more: int, most: int) -> None:
        """Count `more` of something; raises InvalidSearch where there are too many then."""
        self.seen[what] = self.seen.get(what, 0) + more
        if self.seen[what] > most:
            raise InvalidSearch(at, f"more than {most} {what} in one search")


def _sort(at: str, words: list[str]) -> Sort:
    attribute, *direction = words
    if len(direction) > 1 or direction and direction[0].lower() not in {"asc", "desc"}:
        said = quoted(" ".join(words))
        raise InvalidSearch(at, f"{said} is not an attribute followed by asc or desc")
    return Sort(at, attribute, bool(direction) and direction[0].lower() == "desc")


def _combinator(at: str, node: Node) -> Combinator:
    word = _text(at, node).lower()
    if word == "or":
        return "or"
    if word in {"and", ""}:
        return "and"
    raise InvalidSearch(at, "has to be and, or or")


def _text(at: str, node: Node) -> str:
    if not isinstance(node, str):
        raise InvalidSearch(at, "has to be a single value")
    return node.strip()


def _dictionary(at: str, node: Node) -> dict[str, Node]:
    if isinstance(node, dict):
        return node
    if not _texts(at, node, ""):
        return {}
    raise InvalidSearch(at, f"is a group: write {at}[...]=<value>")


def _members(at: str, node: Node) -> list[tuple[str, Node]]:
    """What an array holds, whether it is written `[]`, or `[0]`, `[1]`; with its name in full."""
    if isinstance(node, list):
        return [(f"{at}[]", each) for each in node]
    parts = _dictionary(at, node)
    for name in parts:
        if not (name.isascii() and name.isdigit()):
            raise InvalidSearch(f"{at}[{name}]", f"is an array: number its elements, {at}[0]")
    return [(f"{at}[{name}]", each) for name, each in parts.items()]


def _texts(at: str, node: Node, name: str) -> list[str]:
    """The values of a scalar or an array, without blanks; `[0][value]=x` where they have a name."""
    texts = []
    for here, each in [(at, node)] if isinstance(node, str) else _members(at, node):
        if isinstance(each, dict) and set(each) == {name}:
            here, each = f"{here}[{name}]", each[name]
        texts.append(_text(here, each))
    return [text for text in texts if text]


def _known_predicates() -> str:
    names = ", ".join(row.name for row in (*COMPARISONS, *FLAGS))
    return f"it can be {names} (most of them followed by _any or _all)"
