"""Declarations: what is wrong with one is said at once, and no name leads past them."""

from __future__ import annotations

from typing import ClassVar

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import models

from apps.api.ransack.checks import check_declarations
from apps.api.ransack.kinds import Integer, Text, kind_of
from apps.api.ransack.schema import Ransackable, problems, resolve
from tests.api.ransack.library import Author, Book, Shelf, registry


@pytest.mark.parametrize(
    "name",
    ["black_and_white", "either_or", "or_else", "name_not", "name_i", "it_does_not", "x_not_i"],
)
def test_a_name_that_the_grammar_would_tear_apart_is_refused(name: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"ransack: {name} "):
        Ransackable(renamed={name: "name"})
    with pytest.raises(ImproperlyConfigured):
        Ransackable(associations={name: "books"})


def test_an_own_attribute_comes_before_an_association_and_the_longest_association_first() -> None:
    own, over, longest = (
        resolve(Author, name) for name in ("mentor_id", "books_author_id", "books_shelves_label")
    )
    assert own and (own.reach.path, own.kind) == ("", kind_of(Author._meta.pk))
    assert over and (over.reach.path, over.reach.scope) == ("books", "books_")
    assert longest and longest.reach.path == "books__shelves"
    assert isinstance(own.kind, Integer) and isinstance(longest.kind, Text)


def test_every_column_that_is_not_declared_is_out_of_reach() -> None:
    prefixes = ["", "books_", "book_", "shelves_", "author_", "mentor_"]
    ways = {first + second for first in prefixes for second in prefixes}
    for model in (Author, Book, Shelf):
        for way in ways:
            for column in ("email", "hidden", "code", "joined_at", "mentor", "author", "pk"):
                assert resolve(model, way + column) is None


def test_the_problems_of_a_declaration_are_found() -> None:
    class Broken(models.Model):
        """Declares what is not there."""

        data = models.JSONField()
        author = models.ForeignKey(Author, on_delete=models.CASCADE, related_name="+")
        itself = models.ForeignKey("self", on_delete=models.CASCADE)
        ransackable: ClassVar[Ransackable] = Ransackable(
            attributes=("id", "nothing", "data"),
            renamed={"other": "nowhere"},
            associations={"author": "author", "itself": "itself", "void": "void"},
        )

        class Meta:
            apps = registry
            app_label = "ransack"

    found = list(problems(Broken))
    assert [each.split(":")[0] for each in found] == ["nothing", "data", "other", "itself", "void"]
    assert "has no column nowhere" in found[2]
    assert "JSONField, which cannot be searched" in found[1]
    assert [list(problems(model)) for model in (Book, Shelf)] == [[], []]


def test_a_model_without_a_declaration_shows_nothing() -> None:
    class Silent(models.Model):
        """Says nothing of itself."""

        class Meta:
            apps = registry
            app_label = "ransack"

    assert resolve(Silent, "id") is None
    assert list(problems(Silent)) == []


def test_the_declarations_of_the_installed_apps_are_right() -> None:
    assert check_declarations() == []
