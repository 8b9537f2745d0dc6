"""Orders are total, and nulls stand where PostgreSQL puts them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.api.ransack.backend import search
from tests.api.ransack.conftest import Find
from tests.api.ransack.library import Author, Book, at

pytestmark = pytest.mark.usefixtures("library")


def make(*values: tuple[str | None, int | None]) -> list[int]:
    """Authors of these names and years of birth."""
    return [Author.objects.create(name=name, born=born).pk for name, born in values]


def test_ties_are_broken_by_id(find: Find) -> None:
    one, two, three = make(("b", 1), ("a", 1), ("b", 1))
    assert find(Author, "q[sort]=name") == [two, one, three]
    assert find(Author, "q[sort]=name desc") == [one, three, two]
    assert find(Author, "q[sort]=born") == [one, two, three]
    assert find(Author, "q[sort]=name asc, id desc") == [two, three, one]
    assert find(Author, "q[sort]=id DESC") == [three, two, one]


def test_nulls_sort_as_postgresql_sorts_them(find: Find) -> None:
    null, one, two = make(("x", None), ("x", 1), ("x", 2))
    assert find(Author, "q[s]=born asc") == [one, two, null]
    assert find(Author, "q[s]=born desc") == [null, two, one]


def test_the_order_of_the_list_stays_where_none_is_asked_for() -> None:
    one, two = make(("b", 1), ("a", 2))
    newest_first = Author.objects.order_by("-pk")
    for query in ("", "q[s]=", "q[name_present]=1"):
        assert [each.pk for each in search(newest_first, query)] == [two, one]
    assert [each.pk for each in search(newest_first, "q[s]=id")] == [one, two]


def test_renamed_and_computed_attributes_sort(find: Find) -> None:
    late = Author.objects.create(joined_at=at("2020-01-01T00:00:00+00:00")).pk
    early = Author.objects.create(joined_at=at("2010-01-01T00:00:00+00:00")).pk
    assert find(Author, "q[s]=member_since") == [early, late]
    short, long = (Book.objects.create(title=each).pk for each in ("x", "a very long title"))
    assert find(Book, "q[s]=size") == [long, short]
    assert find(Book, "q[size_eq]=LONG") == [long]


def test_association_columns_sort(find: Find) -> None:
    adam, eve, none = (Author.objects.create(name=name) for name in ("adam", "eve", "none"))
    for by, title in ((adam, "m"), (adam, "z"), (eve, "n"), (eve, "b")):
        Book.objects.create(author=by, title=title)
    orphan = Book.objects.create(title="orphan").pk
    assert find(Book, "q[s]=author_name desc, title")[0] == orphan
    assert find(Book, "q[s]=author_name")[-1] == orphan
    assert find(Author, "q[s]=books_title") == [eve.pk, adam.pk, none.pk]
    assert find(Author, "q[s]=books_title desc") == [none.pk, adam.pk, eve.pk]
    assert find(Author, "q[s]=books_title&q[books_title_not_eq]=b") == [adam.pk, none.pk]


def test_what_cannot_be_sorted_is_a_400(refuse: Callable[..., str]) -> None:
    assert refuse(Author, "q[sort]=email").startswith('q[sort]: "email" cannot be searched')
    assert refuse(Author, "q[s][]=id&q[s][]=emial asc").startswith('q[s][]: "emial" cannot')
    assert refuse(Author, "q[s][0][name]=books_hidden").startswith('q[s][0]: "books_hidden"')
