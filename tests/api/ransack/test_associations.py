"""Searching over associations: rows are found once, hidden rows never, negatives mean none."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.api.ransack.backend import search
from apps.api.ransack.schema import resolve
from tests.api.ransack.conftest import Find
from tests.api.ransack.library import Author, Book, Shelf


def book(author: Author | None, title: str | None = None, *shelves: Shelf, **more: object) -> Book:
    """A book of an author's, on shelves."""
    made = Book.objects.create(author=author, title=title, **more)
    made.shelves.set(shelves)
    return made


def author(name: str = "") -> Author:
    """An author without books."""
    return Author.objects.create(name=name)


def test_a_to_one_association(find: Find) -> None:
    adam, orphan = book(author("Adam"), "x").pk, book(None, "y").pk
    eve = book(author("Eve"), "z").pk
    assert find(Book, "q[author_name_eq]=adam") == [adam]
    assert find(Book, "q[author_name_not_eq]=adam") == [eve]
    assert find(Book, "q[author_name_null]=1") == [orphan]
    assert find(Book, "q[author_id_present]=1") == [adam, eve]
    assert find(Book, "q[author_name_or_title_eq_any][]=adam&q[m]=or&q[title_eq]=Y") == [
        adam,
        orphan,
    ]


def test_a_row_is_found_once_however_many_associated_rows_match(find: Find) -> None:
    top, low = Shelf.objects.create(label="top"), Shelf.objects.create(label="low")
    busy, idle = author(), author()
    for _ in range(3):
        book(busy, "dune", top, low)
    assert find(Author, "q[books_title_cont]=dune") == [busy.pk]
    assert find(Author, "q[shelves_label_in][]=top&q[shelves_label_in][]=low") == [busy.pk]
    assert find(Author, "q[books_shelves_label_present]=1&q[books_title_eq]=dune") == [busy.pk]
    assert find(Author, "q[books_title_or_shelves_label_cont]=o&q[s]=books_title") == [busy.pk]
    assert find(Author, "q[books_title_not_eq]=dune") == [idle.pk]


def test_conditions_on_one_association_speak_of_the_same_row(find: Find) -> None:
    one, two = author(), author()
    book(one, "dune", language="en")
    book(two, "dune", language="de")
    book(two, "emma", language="en")
    both = "q[books_title_eq]=dune&q[books_language_eq]=en"
    assert find(Author, both) == [one.pk]
    assert find(Author, f"{both}&q[m]=or") == [one.pk, two.pk]
    assert find(Author, "q[books_title_and_books_language_present]=1") == [one.pk, two.pk]
    nested = "q[books_title_eq]=dune&q[g][0][books_language_eq]=en&q[g][0][name_eq]=x&q[g][0][m]=or"
    assert find(Author, nested) == [one.pk]
    apart = "q[books_title_eq]=dune&q[book_language_eq]=en"  # two names: two rows
    assert find(Author, apart) == [one.pk, two.pk]


def test_a_negative_means_none_of_them(find: Find) -> None:
    red, blue = Shelf.objects.create(label="red"), Shelf.objects.create(label="blue")
    unlabelled = Shelf.objects.create()
    one, two, none, null = (
        book(None, "x", *shelves).pk for shelves in ([red, blue], [blue], [], [unlabelled])
    )
    assert find(Book, "q[shelves_label_not_eq]=red") == [two, none, null]
    assert find(Book, "q[shelves_label_not_in][]=red&q[shelves_label_not_in][]=blue") == [
        none,
        null,
    ]
    assert find(Book, "q[shelves_label_not_cont_any][]=r&q[shelves_label_not_cont_any][]=b") == [
        one,
        two,
        none,
        null,
    ]
    assert find(Book, "q[shelves_label_does_not_match]=b%25") == [none, null]
    assert find(Book, "q[shelves_label_not_eq]=red&q[shelves_label_eq]=blue") == [two]
    assert find(Book, "q[shelves_label_null]=1") == [none, null]
    assert find(Book, "q[shelves_id_null]=1") == [none]
    assert find(Book, "q[shelves_label_not_null]=1") == [one, two]
    assert find(Book, "q[shelves_label_not_null]=0") == [none, null]
    assert find(Book, "q[shelves_label_blank]=1") == [none, null]
    assert find(Book, "q[shelves_label_present]=1") == [one, two]


def test_hidden_rows_are_as_if_they_were_not_there(find: Find) -> None:
    shelf = Shelf.objects.create(label="deep")
    open_, secret, none = author("open"), author("secret"), author("none")
    book(open_, "dune", shelf)
    book(secret, "dune", shelf, hidden=True)
    everyone = [open_.pk, secret.pk, none.pk]
    for query, public, librarian in [
        ("q[books_title_eq]=dune", everyone[:1], everyone[:2]),
        ("q[books_title_not_eq]=dune", everyone[1:], everyone[2:]),
        ("q[books_id_null]=1", everyone[1:], everyone[2:]),
        ("q[books_title_null]=1", everyone[1:], everyone[2:]),
        ("q[books_title_present]=0", everyone[1:], everyone[2:]),
        ("q[books_title_not_null]=0", everyone[1:], everyone[2:]),
        ("q[books_title_not_null]=1", everyone[:1], everyone[:2]),
        ("q[books_size_eq]=short", everyone[:1], everyone[:2]),
        ("q[books_size_eq]=none", [], []),
        ("q[books_size_null]=1", everyone[1:], everyone[2:]),
        ("q[books_size_not_eq]=short", everyone[1:], everyone[2:]),
        ("q[shelves_label_eq]=deep", everyone[:1], everyone[:2]),
        ("q[shelves_label_not_eq]=deep", everyone[1:], everyone[2:]),
        ("q[books_shelves_label_null]=1", everyone[1:], everyone[2:]),
        ("q[name_eq]=none&q[m]=or&q[books_title_eq]=dune", [*everyone[::2]], everyone),
        ("q[books_title_null]=1&q[books_language_null]=1", everyone[1:], everyone[2:]),
    ]:
        assert find(Author, query) == public, query
        assert find(Author, query, "librarian") == librarian, query


def test_no_order_gives_a_hidden_row_away(find: Find) -> None:
    open_, secret = author(), author()
    book(open_, "m")
    book(secret, "z", hidden=True)
    book(secret, "a")
    assert find(Author, "q[s]=books_title desc") == [open_.pk, secret.pk]
    assert find(Author, "q[s]=books_title desc", "librarian") == [secret.pk, open_.pk]
    assert find(Author, "q[s]=books_size desc, id desc") == [secret.pk, open_.pk]


def test_an_association_inside_another_finds_rows_without_any(find: Find) -> None:
    shelf = Shelf.objects.create(label="x")
    mixed, full = author(), author()
    book(mixed, "a")
    book(mixed, "b", shelf)
    book(full, "c", shelf)
    assert find(Author, "q[books_shelves_label_null]=1") == [mixed.pk]
    assert find(Author, "q[books_shelves_label_eq]=x&q[books_title_eq]=a") == []


def test_a_name_never_leads_back_to_where_it_came_from() -> None:
    assert resolve(Author, "books_author_name") is None
    assert resolve(Author, "mentor_name") is None
    assert resolve(Book, "author_shelves_label") is None


NO_SHELF: list[Shelf | None] = [None]
Join = Callable[[Iterable[Any]], bool]
SHELVES = ["red", "blue", None]
LEAVES = st.sampled_from(
    ["title_eq]=a", "language_eq]=en", "shelves_label_eq]=red", "shelves_place_eq]=up"]
    + ["shelves_label_null]=1", "author_name_eq]=ann", "shelves_label_cont]=b"]
)


def rows() -> list[tuple[Book, list[Shelf]]]:
    """Books of all kinds, with their shelves."""
    shelves = [
        Shelf.objects.create(label=label, place=place)
        for label, place in product(SHELVES, ["up", None])
    ]
    ann = author("ann")
    found = []
    for number, (title, language, by) in enumerate(product("ab", ["en", "de"], [ann, None])):
        for chosen in ([], [shelves[number % 6]], [shelves[number % 6], shelves[-number % 6]]):
            found.append((book(by, title, *chosen, language=language), chosen))
    return found


def holds_in(leaf: str, row: Book, shelf: Shelf | None) -> bool:
    """Whether one condition holds of a book joined to one of its shelves, or to none."""
    label, place = (shelf.label, shelf.place) if shelf else (None, None)
    return {
        "title_eq]=a": row.title == "a",
        "language_eq]=en": row.language == "en",
        "shelves_label_eq]=red": label == "red",
        "shelves_place_eq]=up": place == "up",
        "shelves_label_null]=1": label is None,
        "shelves_label_cont]=b": "b" in (label or ""),
        "author_name_eq]=ann": row.author_id is not None,
    }[leaf]


@pytest.mark.usefixtures("library")
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            st.lists(LEAVES, min_size=1, max_size=3, unique=True), st.sampled_from([all, any])
        ),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([all, any]),
)
def test_any_nesting_finds_what_one_join_finds(
    groups: list[tuple[list[str], Join]], outer: Join
) -> None:
    found_in = rows()
    words: dict[Join, str] = {all: "and", any: "or"}
    query = f"q[m]={words[outer]}" + "".join(
        f"&q[g][{number}][m]={words[inner]}" + "".join(f"&q[g][{number}][{leaf}" for leaf in leaves)
        for number, (leaves, inner) in enumerate(groups)
    )
    expected = {
        row.pk
        for row, shelves in found_in
        if any(
            outer(inner(holds_in(leaf, row, shelf) for leaf in leaves) for leaves, inner in groups)
            for shelf in (shelves or NO_SHELF)
        )
    }
    everything = Book.objects.filter(pk__in=[row.pk for row, _ in found_in])
    found = list(search(everything, query, "librarian").values_list("pk", flat=True))
    assert sorted(found) == sorted(expected)
