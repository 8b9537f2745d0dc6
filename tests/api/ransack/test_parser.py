"""From a query string to a tree: every form of a search, blanks, limits, and any input at all."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from apps.api.ransack.exceptions import LONGEST_SHOWN, InvalidSearch
from apps.api.ransack.parser import Limits, Parameters, parse
from apps.api.ransack.predicates import PREDICATES, detect
from apps.api.ransack.tree import Condition, Grouping, Search, Sort


def only(query: Parameters) -> Condition:
    """The one condition of a search."""
    (condition,) = parse(query).grouping.conditions
    return condition


def message(query: Parameters, limits: Limits | None = None) -> str:
    """The message of the 400 that a search ends in."""
    with pytest.raises(InvalidSearch) as caught:
        parse(query, limits or Limits())
    return str(caught.value.detail)


def test_a_condition_has_its_attribute_its_predicate_and_its_value() -> None:
    assert only("q[name_eq]=adam") == Condition("q[name_eq]", ("name",), "and", "eq", ("adam",))


def test_what_is_not_under_q_is_left_alone() -> None:
    assert parse("page=2&near=41,2&qx[name_eq]=a&x[q]=1&[q]=1&callback=f") == Search()


@pytest.mark.parametrize(
    ("key", "attribute", "predicate"),
    [
        ("default_key_eq", "default_key", "eq"),
        ("last_reading_at_lt", "last_reading_at", "lt"),
        ("added_at_not_null", "added_at", "not_null"),
        ("name_not_eq_all", "name", "not_eq_all"),
        ("name_does_not_match_any", "name", "does_not_match_any"),
        ("name_not_i_cont", "name", "not_i_cont"),
        ("name_i_cont", "name", "i_cont"),
        ("week_end_eq", "week_end", "eq"),
        ("end_end", "end", "end"),
    ],
)
def test_the_longest_predicate_wins(key: str, attribute: str, predicate: str) -> None:
    assert detect(key) == (attribute, predicate)


def test_there_are_all_predicates_of_ransack_and_their_compounds() -> None:
    flags = {"true", "false", "null"}
    flags |= {f"not_{each}" for each in flags} | {"present", "blank"}
    names = {"eq", "matches", "lt", "lteq", "gt", "gteq", "in", "cont", "i_cont", "start", "end"}
    names |= {"not_eq", "does_not_match", "not_in", "not_cont", "not_i_cont"}
    names |= {"not_start", "not_end"}
    compounds = {f"{name}_{suffix}" for name in names for suffix in ("any", "all")}
    assert set(PREDICATES) == flags | names | compounds


def test_several_attributes_in_one_condition() -> None:
    either = only("q[name_or_description_cont]=x")
    assert (either.attributes, either.combinator) == (("name", "description"), "or")
    both = only("q[name_and_city_and_url_present]=1")
    assert (both.attributes, both.combinator) == (("name", "city", "url"), "and")
    assert "cannot be mixed" in message("q[a_or_b_and_c_eq]=1")


def test_groupings_nest() -> None:
    found = parse(
        "q[m]=or&q[id_eq]=1&q[g][0][name_cont]=a&q[g][0][m]=and"
        "&q[g][0][g][5][city_eq]=b&q[g][0][g][5][m]=OR&q[groupings][1][url_eq]=c"
    )
    city = Condition("q[g][0][g][5][city_eq]", ("city",), "and", "eq", ("b",))
    name = Condition("q[g][0][name_cont]", ("name",), "and", "cont", ("a",))
    url = Condition("q[groupings][1][url_eq]", ("url",), "and", "eq", ("c",))
    assert found.grouping == Grouping(
        "or",
        (Condition("q[id_eq]", ("id",), "and", "eq", ("1",)),),
        (Grouping("and", (name,), (Grouping("or", (city,)),)), Grouping("and", (url,))),
    )


@pytest.mark.parametrize(
    "query",
    [
        "q[id_in][]=1&q[id_in][]=2",
        "q[id_in][0]=1&q[id_in][1]=2",
        "q%5Bid_in%5D%5B%5D=1&q%5Bid_in%5D%5B%5D=2",
        QueryDict("q[id_in][]=1&q[id_in][]=2"),
        [("q[id_in][]", "1"), ("q[id_in][]", "2")],
    ],
)
def test_arrays(query: Parameters) -> None:
    assert only(query).values == ("1", "2")


def test_a_scalar_is_an_array_of_one_and_the_last_of_a_name_counts() -> None:
    assert only("q[id_in]=1").values == ("1",)
    assert only("q[id_eq][]=1").values == ("1",)
    assert only("q[id_eq]=1&q[id_eq]=2").values == ("2",)


def test_the_long_form() -> None:
    found = only(
        "q[c][0][a][0][name]=name&q[c][0][a][1][name]=city&q[c][0][m]=or"
        "&q[c][0][p]=cont_any&q[c][0][v][0][value]=a&q[c][0][v][1][value]=b"
    )
    assert found == Condition("q[c][0]", ("name", "city"), "or", "cont_any", ("a", "b"))
    short = only("q[c][0][a][]=name&q[c][0][p]=eq&q[c][0][v][]=a")
    assert short == Condition("q[c][0]", ("name",), "and", "eq", ("a",))
    assert parse("q[conditions][7][a][0][name]=x&q[conditions][7][p]=eq&q[g][0][c][0][p]=eq")


@pytest.mark.parametrize(
    "query",
    [
        "q[sort]=name asc, id DESC",
        "q[s]=name,id desc",
        "q[sorts][]=name&q[sorts][]=id desc",
        "q[s][0][name]=name&q[s][1][name]=id&q[s][1][dir]=desc",
        "q[s][0]=name asc&q[s][1]=id desc&q[s][2]=&q[s][3][dir]=asc",
    ],
)
def test_sorts(query: str) -> None:
    assert [(each.attribute, each.descending) for each in parse(query).sorts] == [
        ("name", False),
        ("id", True),
    ]


def test_a_sort_says_where_it_came_from() -> None:
    assert parse("q[s][0][name]=id").sorts == (Sort("q[s][0]", "id"),)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "q=",
        "q=%20",
        "q[name_eq]=",
        "q[name_eq]=%20%09",
        "q[nonsense]=",
        "q[id_in][]=&q[id_in][]=%20",
        "q[m]=&q[g]=&q[c]=&q[s]=",
        "q[s]=,%20,",
        "q[g][0]=&q[g][1][name_eq]=&q[g][2][g][0][m]=or",
        "q[c][0][a][0][name]=&q[c][0][p]=eq&q[c][0][v][0][value]=",
        "q[c][0][a][0][name]=name&q[c][0][p]=eq",
    ],
)
def test_blanks_are_ignored(query: str) -> None:
    assert parse(query) == Search()


def test_blank_elements_are_ignored_and_values_are_stripped() -> None:
    assert only("q[id_in][]=&q[id_in][]=%201+&q[id_in][]=").values == ("1",)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q=adam", "q: a search is written q[<attribute>_<predicate>]=<value>"),
        ("q[name]=x", 'q[name]: "name" ends in no predicate: it can be eq, not_eq'),
        ("q[eq]=x", 'q[eq]: "eq" ends in no predicate'),
        ("q[_eq]=x", "q[_eq]: names no attribute"),
        ("q[a_or__eq]=x", "q[a_or__eq]: names no attribute"),
        ("q[name_eq_any_all]=x", "no predicate"),
        ("q[name_null_any]=1", "no predicate"),
        ("q[name_eq][]=1&q[name_eq][]=2", "q[name_eq]: eq takes one value, 2 are given"),
        ("q[name_eq=x", "q[name_eq: the brackets do not match"),
        ("q[name_eq]x=1", "q[name_eq]x: the brackets do not match"),
        ("q[[name_eq]]=1", "q[[name_eq]]: the brackets do not match"),
        ("q[]=1", "q[]: [] belongs at the end"),
        ("q[g][][name_eq]=1", "q[g][][name_eq]: [] belongs at the end"),
        ("q[name_eq]=1&q[name_eq][x]=2", "q[name_eq][x]: is given both"),
        ("q[name_eq][x]=2&q[name_eq]=1", "q[name_eq]: is given both"),
        ("q[name_eq][x]=2&q[name_eq][]=1", "q[name_eq][]: is given both"),
        ("q[name_eq]=2&q[name_eq][]=1", "q[name_eq][]: is given both"),
        ("q[name_eq][x]=2", "q[name_eq][x]: is an array: number its elements"),
        ("q[name_eq][0][x]=2", "q[name_eq][0]: has to be a single value"),
        ("q[g]=x", "q[g]: is a group"),
        ("q[g][x][name_eq]=x", "q[g][x]: is an array"),
        ("q[g][0]=x", "q[g][0]: is a group"),
        ("q[g][0][s]=id", 'q[g][0][s]: "s" ends in no predicate'),
        ("q[m]=xor", "q[m]: has to be and, or or"),
        ("q[m][]=or", "q[m]: has to be a single value"),
        ("q[c][0][x]=1", "q[c][0][x]: a condition has a, p, v and m"),
        ("q[c][0][p]=eq&q[c][0][v][]=1", "q[c][0]: names no attribute"),
        ("q[c][0][a][]=id&q[c][0][v][]=1", 'q[c][0][p]: "" is no predicate'),
        ("q[c][0][a][]=id&q[c][0][p]=is&q[c][0][v][]=1", 'q[c][0][p]: "is" is no predicate'),
        ("q[c][0][a][0][name]=id&q[c][0][p][]=eq&q[c][0][v][]=1", "q[c][0][p]: has to be"),
        ("q[c][0][a][0][x]=id&q[c][0][p]=eq&q[c][0][v][]=1", "q[c][0][a][0]: has to be"),
        ("q[s]=name up", 'q[s]: "name up" is not an attribute followed by asc or desc'),
        ("q[s]=name asc id", "q[s]: "),
        ("q[s][0][name]=id&q[s][0][by]=x", "q[s][0][by]: a sort has name and dir"),
        ("q[s][x]=id", "q[s][x]: is an array"),
    ],
)
def test_what_cannot_be_understood_is_named(query: str, said: str) -> None:
    assert said in message(query)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("q[a_eq]=1&q[b_eq]=1&q[c_eq]=1", "q[c_eq]: more than 2 conditions in one search"),
        ("q[a_in][]=1&q[a_in][]=1&q[a_in][]=1&q[a_in][]=1", "q[a_in]: more than 3 values"),
        ("q[a_or_b_or_c_eq]=1", "more than 2 attributes"),
        ("q[s]=a,b,c", "q[s]: more than 2 sorts"),
        ("q[g][0][g][0][a_eq]=1", "q[g][0][g]: more than 1 groupings deep"),
        ("q" + "[g][0]" * 4 + "[a_eq]=1", "more than 7 pairs of brackets"),
        ("q[a_eq]=" + "x" * 51, "q[a_eq]: more than 50 characters"),
        ("q[" + "a" * 60 + "_eq]=x", "more than 50 characters"),
    ],
)
def test_limits(query: str, said: str) -> None:
    limits = Limits(groupings=1, conditions=2, attributes=2, values=3, sorts=2, length=50)
    assert said in message(query, limits)


def test_a_message_repeats_only_the_beginning_of_what_is_long() -> None:
    assert len(message("q[" + "a" * 900 + "]=x")) < LONGEST_SHOWN * 6


PIECES = st.sampled_from(
    [*"gcmsapv[]_&=,0", "q", "sort", "name", "dir", "value", "_eq", "_in", "_or_", "_and_", "\0"]
    + ["q[", "][", "[]", "[0]", "[g]", "[c]", "[a]", "or", "\ud800", "é", "%", "\\", " ", "1" * 40]
)
SOUP = st.lists(PIECES, max_size=30).map("".join)
NAMES = st.one_of(SOUP.map(lambda soup: f"q[{soup}"), SOUP, st.text(max_size=30))
PAIRS = st.lists(st.tuples(NAMES, st.one_of(SOUP, st.text(max_size=50))), max_size=20)


def survives(query: Parameters) -> None:
    """The answer is a tree, or a 400 with a message that can be sent."""
    try:
        assert isinstance(parse(query), Search)
    except InvalidSearch as error:
        str(error.detail).encode()


@given(PAIRS)
def test_any_pairs_give_a_tree_or_a_400(pairs: list[tuple[str, str]]) -> None:
    survives(pairs)


@given(PAIRS)
def test_any_query_gives_a_tree_or_a_400(pairs: list[tuple[str, str]]) -> None:
    query = urlencode(pairs, errors="replace")
    survives(query)
    survives(QueryDict(query))


@given(st.text(max_size=200))
def test_any_text_gives_a_tree_or_a_400(text: str) -> None:
    survives(text)
    survives(f"q[{text}]=1&q[s]={text}&q[name_in][]={text}")


def test_what_is_very_long_or_very_deep_is_a_400() -> None:
    for query in ("q" + "[g][0]" * 100_000, "q[" * 100_000, "q[x_eq]=" + "y" * 1_000_000):
        assert "more than" in message(query)
