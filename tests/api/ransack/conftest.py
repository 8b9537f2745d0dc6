"""The library's tables, and shorthands for searching in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, models
from django.db.models.functions import Length
from pytest_django import DjangoDbBlocker

from apps.api.ransack.backend import search
from apps.api.ransack.exceptions import InvalidSearch
from tests.api.ransack.library import Author, Book, Shelf

Find = Callable[..., list[Any]]


@pytest.fixture(scope="session")
def library_tables(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The tables of the library, as long as the tests run."""
    models.CharField.register_lookup(Length)
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        for model in (Author, Shelf, Book):
            editor.create_model(model)
    yield
    with django_db_blocker.unblock(), connection.schema_editor() as editor:
        for model in (Book, Shelf, Author):
            editor.delete_model(model)


@pytest.fixture
def library(library_tables: None, db: None) -> None:
    """The tables of the library, empty at the start of each test."""


@pytest.fixture
def find(library: None) -> Find:
    """`find(Book, "q[title_eq]=x", viewer)` are the primary keys that a search finds, in order.

    What is found is counted, too, and has to be found once.
    """

    def search_in(model: type[models.Model], query: str, viewer: Any = None) -> list[Any]:
        found = search(model._base_manager.order_by("pk"), query, viewer)
        keys = list(found.values_list("pk", flat=True))
        assert len(set(keys)) == len(keys) == found.count()
        return keys

    return search_in


@pytest.fixture
def refuse() -> Callable[..., str]:
    """`refuse(Book, "q[x_eq]=1")` is the message of the 400 that a search ends in."""

    def message(model: type[models.Model], query: str) -> str:
        with pytest.raises(InvalidSearch) as caught:
            search(model._base_manager.all(), query)
        assert (caught.value.status_code, caught.value.get_codes()) == (400, "bad_request")
        return str(caught.value.detail)

    return message
