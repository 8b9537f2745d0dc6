"""Parameter names with brackets: `q[g][0][name_eq]=a` as dictionaries within dictionaries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from .exceptions import InvalidSearch

# A text, the texts of `name[]`, or what stands in the brackets that follow.
Node: TypeAlias = "str | list[str] | dict[str, Node]"

SEGMENT = re.compile(r"\[([^\[\]]*)\]")
WELL_FORMED = re.compile(r"(\[[^\[\]]*\])+")


def belongs(name: str, key: str) -> bool:
    """Whether a parameter of this name is part of the search that goes by `key`."""
    return name == key or name.startswith(f"{key}[")


def nest(parameters: Iterable[tuple[str, str]], key: str, depth: int) -> dict[str, Node]:
    """The parameters under `key`, nested as their brackets say.

    Of a name that comes twice the last value counts, as with Rails; `name[]` collects them.
    Raises InvalidSearch for brackets that do not match or are more than `depth`, for `[]` before
    the end, and where one name is both a value and a group.
    """
    root: dict[str, Node] = {}
    for name, value in parameters:
        if not belongs(name, key):
            continue
        if name == key:
            if value.strip():
                raise InvalidSearch(
                    key, f"a search is written {key}[<attribute>_<predicate>]=<value>"
                )
            continue
        _put(root, name, segments(name, key, depth), value)
    return root


def segments(name: str, key: str, depth: int) -> list[str]:
    """`["g", "0", "name_eq"]` for `q[g][0][name_eq]`; the last may be empty (`q[id_in][]`)."""
    tail = name.removeprefix(key)
    if not WELL_FORMED.fullmatch(tail):
        raise InvalidSearch(name, "the brackets do not match")
    found = SEGMENT.findall(tail)
    if len(found) > depth:
        raise InvalidSearch(name, f"more than {depth} pairs of brackets")
    if "" in found[:-1] or found == [""]:
        raise InvalidSearch(name, f"[] belongs at the end of an array; number groups: {key}[g][0]")
    return found


def _put(root: dict[str, Node], name: str, path: list[str], value: str) -> None:
    """Set one value in the tree, with the groups on the way to it."""
    *groups, last = path
    node = root
    for group in groups[:-1] if last == "" else groups:
        below = node.setdefault(group, {})
        if not isinstance(below, dict):
            raise InvalidSearch(name, "is given both as a value and as a group")
        node = below
    if last == "":
        collected = node.setdefault(groups[-1], [])
        if not isinstance(collected, list):
            raise InvalidSearch(name, "is given both as an array and as something else")
        collected.append(value)
    elif isinstance(node.get(last, ""), str):
        node[last] = value
    else:
        raise InvalidSearch(name, "is given both as a value and as a group or an array")
