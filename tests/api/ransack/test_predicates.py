"""Each predicate and compound, on each kind of attribute, beside a plain Python evaluation."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.api.ransack.backend import search
from apps.api.ransack.kinds import Boolean, Text
from apps.api.ransack.predicates import PREDICATES, Predicate, Takes
from tests.api.ransack.conftest import Find
from tests.api.ransack.library import Author, at
from tests.api.ransack.reference import holds

TEXTS = ["", " ", "adam", "Adam", "ADAM smith", "50%", "50x", "a_b", "axb", "a\\b", "a\\%b", "a'b"]
U1, U2 = UUID(int=1), UUID("5ce4ffc4-5c3b-4e9a-8f0f-6b9b2a0f9c9d")
NOON = at("2015-04-28T12:00:00+00:00")
TIMES = [NOON + timedelta(microseconds=each) for each in (-1, 0, 1, 999_999, 1_000_000)]

# What the rows hold, and what is asked for; None and every one of these stands in a row.
ROWS: dict[str, list[Any]] = {
    "name": TEXTS,
    "born": [-5, 0, 1, 1990, 2**31 - 1],
    "rating": [-0.5, 0.0, 1.25, 1e300],
    "royalty": [Decimal("-1.50"), Decimal("0"), Decimal("12.34")],
    "active": [True, False],
    "token": [U1, U2],
    "joined_at": TIMES,
}
WANTED: dict[str, list[Any]] = {
    "name": ["adam", "ADAM", "dam", "%", "50%", "_", "a_b", "\\", "a\\%b", "A%", "'", "smith", "é"],
    "born": [-5, 0, 1, 2, 2**63 - 1],
    "rating": [-0.5, 1.25, 2.0],
    "royalty": [Decimal("12.34"), Decimal("0.00"), Decimal("7")],
    "active": [True, False],
    "token": [U1, U2, UUID(int=3)],
    "joined_at": [NOON, NOON + timedelta(microseconds=500_000), NOON + timedelta(seconds=1)],
}
PUBLIC = {"joined_at": "member_since"}


def written(value: Any) -> str:
    """A value as a query writes it."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


def kinds_for(predicate: Predicate) -> list[str]:
    """The attributes that a predicate is for."""
    if predicate.only is Text:
        return ["name"]
    if predicate.only is Boolean:
        return ["active"]
    return list(ROWS)


def askings(predicate: Predicate, attribute: str) -> list[list[Any]]:
    """Lists of values to ask for."""
    if predicate.takes is Takes.FLAG:
        return [[True], [False]]
    values = WANTED[attribute]
    if "match" in predicate.name:
        values = [each for each in values if each != "\\"]  # an error of its own
    single = [[each] for each in values]
    if predicate.takes is Takes.ONE:
        return single
    return [*single, *map(list, product(values[:4], values[1:5]))]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("predicate", PREDICATES.values(), ids=lambda each: each.name)
def test_a_predicate_finds_what_plain_python_finds(predicate: Predicate) -> None:
    for attribute in kinds_for(predicate):
        rows = {
            Author.objects.create(**{attribute: value}).pk: value
            for value in [None, *ROWS[attribute]]
        }
        for wanted in askings(predicate, attribute):
            name = f"q[{PUBLIC.get(attribute, attribute)}_{predicate.name}][]"
            query = [(name, written(value)) for value in wanted]
            found = search(Author.objects.filter(pk__in=rows), query)
            expected = {pk for pk, have in rows.items() if holds(predicate.name, have, wanted)}
            assert set(found.values_list("pk", flat=True)) == expected, (attribute, wanted)


@pytest.mark.usefixtures("library")
@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(
    predicate=st.sampled_from([each for each in PREDICATES.values() if each.only is Text]),
    have=st.text("aA%_\\'\"é.*\n", max_size=6),
    wanted=st.lists(st.text("aA%_\\'\"é.*", min_size=1, max_size=4), min_size=1, max_size=3),
)
def test_patterns_and_wildcards(predicate: Predicate, have: str, wanted: list[str]) -> None:
    values = wanted if predicate.takes is Takes.MANY else wanted[:1]
    if "match" in predicate.name:
        values = [each.rstrip("\\") or "a" for each in values]
    author = Author.objects.create(biography=have)
    query = [(f"q[biography_{predicate.name}][]", value) for value in values]
    found = search(Author.objects.filter(pk=author.pk), query).exists()
    assert found is bool(holds(predicate.name, have, values))


@pytest.mark.parametrize(
    "text",
    [
        "2015-04-28T12:00:00Z",
        "2015-04-28T12:00:00.238Z",
        "2015-04-28T14:00:00+02:00",
        "2015-04-28T14:00:00+0200",
        "2015-04-28 14:00:00 02:00",
        "2015-04-28 12:00:00 UTC",
        "2015-04-28 12:00:00",
        "2015-04-28t12:00z",
        "1430222400",
        "1430222400.9",
    ],
)
def test_times_are_written_in_many_ways(find: Find, text: str) -> None:
    author = Author.objects.create(joined_at=NOON)
    assert find(Author, urlencode({"q[member_since_eq]": text})) == [author.pk]
    assert find(Author, urlencode({"q[member_since_gt]": text})) == []
    assert find(Author, "q[member_since_lt]=2015-04-29&q[member_since_gteq]=2015-04-28") == [
        author.pk
    ]


@pytest.mark.parametrize(
    ("yes", "no"), [("true", "false"), ("T", "F"), ("1", "0"), ("TRUE", "FALSE"), (" t ", " f ")]
)
def test_booleans_are_written_in_many_ways(find: Find, yes: str, no: str) -> None:
    active, resting = (Author.objects.create(active=each).pk for each in (True, False))
    assert find(Author, f"q[active_eq]={yes}") == find(Author, f"q[active_true]={yes}") == [active]
    assert find(Author, f"q[active_not_true]={yes}") == [resting]
    assert find(Author, f"q[active_eq]={no}") == find(Author, f"q[active_true]={no}") == [resting]
    assert find(Author, f"q[active_false]={no}") == [active]


def test_uuids_are_written_with_and_without_hyphens(find: Find) -> None:
    author = Author.objects.create(token=U2)
    assert find(Author, f"q[token_eq]={U2.hex.upper()}") == [author.pk]


def test_conditions_combine_as_said(find: Find) -> None:
    both, first, second, neither = (
        Author.objects.create(name=name, born=born).pk
        for name, born in (("a", 1), ("a", 2), ("b", 1), ("b", 2))
    )
    assert find(Author, "q[name_eq]=a&q[born_eq]=1") == [both]
    assert find(Author, "q[name_eq]=a&q[born_eq]=1&q[m]=or") == [both, first, second]
    groups = "q[m]=or&q[g][0][name_eq]=a&q[g][0][born_eq]=1&q[g][1][name_eq]=b&q[g][1][born_eq]=2"
    assert find(Author, groups) == [both, neither]
    nested = "q[g][0][m]=or&q[g][0][name_eq]=b&q[g][0][g][0][born_gt]=1&q[born_lt]=2"
    assert find(Author, nested) == [second]
    assert find(Author, "") == [both, first, second, neither]


def test_several_attributes_combine_as_said(find: Find) -> None:
    both = Author.objects.create(name="xa", biography="xa").pk
    one = Author.objects.create(name="xa").pk
    assert find(Author, "q[name_or_biography_cont]=A") == [both, one]
    assert find(Author, "q[name_and_biography_cont]=A") == [both]
    assert find(Author, "q[name_and_biography_present]=1") == [both]
    long = "q[c][0][a][0][name]=name&q[c][0][a][1][name]=biography&q[c][0][p]=end_any"
    values = "&q[c][0][v][0][value]=x&q[c][0][v][1][value]=a"
    assert find(Author, f"{long}{values}&q[c][0][m]=or") == [both, one]
    assert find(Author, f"{long}{values}") == [both]
