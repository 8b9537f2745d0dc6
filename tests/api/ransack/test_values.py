"""Values and names that do not fit: a 400 that names the parameter, never a database error."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.api.ransack.backend import search
from apps.api.ransack.exceptions import InvalidSearch
from apps.api.ransack.predicates import PREDICATES
from tests.api.ransack.conftest import Find
from tests.api.ransack.library import Author

Refuse = Callable[..., str]
INTEGER = "is not an integer of at most 64 bits"
TIME = "is not a time (2015-04-28T14:16:08Z"
FLAG = "is not a boolean (true, false, t, f, 1 or 0)"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("id_eq", "abc", INTEGER),
        ("id_in", "1,2", INTEGER),
        ("id_eq", "1.0", INTEGER),
        ("id_eq", "1_0", INTEGER),
        ("id_eq", "٣", INTEGER),
        ("id_eq", "9223372036854775808", INTEGER),
        ("id_lt", "9" * 999, INTEGER),
        ("mentor_id_eq", "x", INTEGER),
        ("rating_gt", "high", "is not a number"),
        ("rating_gt", "nan", "is not a number"),
        ("rating_gt", "inf", "is not a number"),
        ("rating_gt", "1e999", "is not a number"),
        ("royalty_eq", "1e999999", "is not a number"),
        ("active_eq", "yes", FLAG),
        ("active_true", "2", FLAG),
        ("name_null", "maybe", FLAG),
        ("token_eq", "5ce4ffc4", "is not a UUID"),
        ("member_since_gt", "yesterday-ish", TIME),
        ("member_since_gt", "2015", TIME),
        ("member_since_gt", "2015-02-30", TIME),
        ("member_since_gt", "2015-02-03T25:00", TIME),
        ("member_since_gt", "9999-12-31T23:59:59", TIME),
        ("member_since_lt", "0001-01-01T00:00:00+14:00", TIME),
        ("name_eq", "a\0b", "is not a text that a database can hold"),
        ("name_cont", "\ud800", "is not a text that a database can hold"),
        ("name_matches", "a\\", "ends in \\, which escapes nothing"),
        ("name_true", "1", 'true is for attributes that hold true or false, and "name" does not'),
        ("id_not_false", "1", "not_false is for attributes that hold true or false"),
        ("id_cont", "1", 'cont is for attributes that hold text, and "id" does not'),
        ("member_since_start", "2015", "start is for attributes that hold text"),
        ("token_matches_any", "5%", "matches_any is for attributes that hold text"),
    ],
)
def test_a_value_that_does_not_fit_is_a_400(name: str, value: str, said: str) -> None:
    with pytest.raises(InvalidSearch) as caught:
        search(Author.objects.all(), [(f"q[{name}]", value)])
    assert str(caught.value.detail).startswith(f"q[{name}]: ")
    assert said in str(caught.value.detail)


def test_one_bad_value_among_good_ones_is_a_400(refuse: Refuse) -> None:
    said = refuse(Author, "q[id_in][]=1&q[id_in][]=x&q[id_in][]=")
    assert said == f'q[id_in]: "x" {INTEGER}'


@pytest.mark.parametrize("name", ["email_eq", "emial_eq", "books_hidden_true", "shelves_code_eq"])
def test_an_unlisted_name_is_answered_like_an_unknown_one(refuse: Refuse, name: str) -> None:
    said = refuse(Author, f"q[{name}]=1")
    attribute = name.rpartition("_")[0]
    assert said.startswith(f'q[{name}]: "{attribute}" cannot be searched; these can: id, name, ')
    assert "email" not in said.partition("these can")[2]
    assert refuse(Author, f"q[s]={attribute}").startswith(f'q[s]: "{attribute}" cannot')


@pytest.mark.parametrize(
    "text",
    [
        "'; DROP TABLE ransack_author; --",
        "' OR '1'='1",
        '" OR 1=1 --',
        "\\'; SELECT pg_sleep(9) --",
        "$$ || (SELECT 1) || $$",
        "%s %(name)s %%",
        "x') UNION SELECT email FROM ransack_author --",
    ],
)
def test_values_are_values(find: Find, text: str) -> None:
    said = Author.objects.create(name=text).pk
    Author.objects.create(name="innocent", email="secret")
    for predicate in ("eq", "cont", "start", "end", "in", "eq_any", "cont_all"):
        assert find(Author, urlencode({f"q[name_{predicate}]": text})) == [said]


@pytest.mark.parametrize(
    "name",
    [
        'name" OR 1=1 --_eq',
        "name__startswith_eq",
        "mentor__email_eq",
        "pk_eq",
        "password_or_name_eq",
        "name_or_email_eq",
        "__class___eq",
        "ransackable_eq",
        "objects_eq",
        "books__hidden_eq",
        "books_author_email_eq",
        "mentor_email_eq",
        "books_authors_name_eq",
    ],
)
def test_names_are_names(refuse: Refuse, name: str) -> None:
    assert "cannot be searched" in refuse(Author, urlencode({f"q[{name}]": "1"}))
    assert "cannot be searched" in refuse(Author, urlencode({"q[s]": name.replace(" ", "")}))


NAMES = st.sampled_from(
    ["id", "name", "rating", "royalty", "active", "token", "member_since", "books_title", "email"]
    + ["books_size", "shelves_label", "mentor_id", "book_shelves_place"]
)
VALUES = st.one_of(
    st.text(max_size=20),
    st.integers().map(str),
    st.floats().map(str),
    st.datetimes().map(str),
    st.sampled_from(["1", "true", "\\", "%", "2015-01-01", "1e5", "-0", "0001-01-01", "1" * 30]),
)


@pytest.mark.usefixtures("library")
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.tuples(NAMES, st.sampled_from([*PREDICATES])).map("_".join), VALUES),
        min_size=1,
        max_size=4,
    ),
    NAMES,
)
def test_any_search_is_answered_or_a_400(conditions: list[tuple[str, str]], sort: str) -> None:
    query = [(f"q[g][0][{name}][]", value) for name, value in conditions]
    try:
        found = search(Author.objects.all(), [*query, ("q[s]", sort), ("q[g][0][m]", "or")])
    except InvalidSearch:
        return
    assert found.count() == len(found) == 0
