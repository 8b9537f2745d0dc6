"""What each predicate means, written a second time in plain Python, with SQL's unknown as None."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Truth = bool | None

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda have, wanted: bool(have < wanted),
    "lteq": lambda have, wanted: bool(have <= wanted),
    "gt": lambda have, wanted: bool(have > wanted),
    "gteq": lambda have, wanted: bool(have >= wanted),
}
TEXT: dict[str, Callable[[str, str], bool]] = {
    "cont": lambda have, wanted: wanted in have,
    "i_cont": lambda have, wanted: wanted in have,
    "start": lambda have, wanted: have.startswith(wanted),
    "end": lambda have, wanted: have.endswith(wanted),
    "matches": lambda have, wanted: bool(like(wanted).fullmatch(have)),
}
OPPOSITES = {"does_not_match": "matches"}


def like(pattern: str) -> re.Pattern[str]:
    """A pattern of LIKE as a regular expression."""
    wild = {"%": ".*", "_": "."}
    parts = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    return re.compile(
        "".join(
            re.escape(literal) if literal else wild.get(free, re.escape(free))
            for literal, free in parts
        ),
        re.DOTALL,
    )


def holds(predicate: str, have: Any, wanted: list[Any]) -> Truth:
    """Whether `have` fulfils a predicate with the values `wanted`; None where SQL says NULL."""
    for suffix, join in (("_any", either), ("_all", each)):
        if predicate.endswith(suffix):
            base = predicate.removesuffix(suffix)
            return join([holds(base, have, [value]) for value in wanted])
    if predicate in {"null", "blank", "true", "false"}:
        found = flag(predicate, have)
        return found if wanted[0] else opposite(found)
    if predicate == "present":
        return opposite(holds("blank", have, wanted))
    if predicate.startswith("not_"):
        return opposite(holds(predicate.removeprefix("not_"), have, wanted))
    if predicate in OPPOSITES:
        return opposite(holds(OPPOSITES[predicate], have, wanted))
    return None if have is None else compare(predicate, have, wanted)


def compare(predicate: str, have: Any, wanted: list[Any]) -> bool:
    """A comparison of values that are there."""
    if isinstance(have, datetime):
        have, wanted = second(have), [second(value) for value in wanted]
    if predicate in ORDER:
        return ORDER[predicate](have, wanted[0])
    if isinstance(have, str):
        have, wanted = have.lower(), [value.lower() for value in wanted]
    if predicate in {"eq", "in"}:
        return have in wanted
    return TEXT[predicate](have, wanted[0])


def flag(predicate: str, have: Any) -> Truth:
    """A predicate that is told whether it is to hold."""
    if predicate == "null":
        return have is None
    if predicate == "blank":
        return have is None or have == ""
    return None if have is None else have is (predicate == "true")


def second(moment: datetime) -> datetime:
    """The second that is shown of a time."""
    return moment.replace(microsecond=0)


def opposite(truth: Truth) -> Truth:
    """SQL's NOT."""
    return None if truth is None else not truth


def either(truths: list[Truth]) -> Truth:
    """SQL's OR."""
    return True if True in truths else None if None in truths else False


def each(truths: list[Truth]) -> Truth:
    """SQL's AND."""
    return False if False in truths else None if None in truths else True
