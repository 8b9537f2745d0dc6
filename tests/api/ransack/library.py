"""A library to search in: authors, their books, and the shelves that books stand on.

The models live in a registry of their own, so that nothing else knows of them. Text is collated
by code point ("C"), as Python compares it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.apps.registry import Apps
from django.db import models

from apps.api.ransack.schema import Computed, Ransackable

registry = Apps(["tests.api.ransack"])


def length_of_title(prefix: str) -> models.Case:
    """`long` where a title has more than ten characters, else `short`; `none` where it has none."""
    return models.Case(
        models.When(**{f"{prefix}title": None}, then=models.Value("none")),
        models.When(**{f"{prefix}title__length__gt": 10}, then=models.Value("long")),
        default=models.Value("short"),
    )


class Author(models.Model):
    """Has a column of every kind, all of them nullable, and a secret."""

    name = models.CharField(max_length=100, null=True, db_collation="C")
    biography = models.TextField(null=True, db_collation="C")
    born = models.IntegerField(null=True)
    rating = models.FloatField(null=True)
    royalty = models.DecimalField(null=True, max_digits=6, decimal_places=2)
    active = models.BooleanField(null=True)
    token = models.UUIDField(null=True)
    joined_at = models.DateTimeField(null=True)
    email = models.CharField(max_length=100, null=True)
    mentor = models.ForeignKey("self", on_delete=models.CASCADE, null=True)

    ransackable: ClassVar[Ransackable] = Ransackable(
        attributes=(
            "id",
            "name",
            "biography",
            "born",
            "rating",
            "royalty",
            "active",
            "token",
            "mentor_id",
        ),
        renamed={"member_since": "joined_at"},
        associations={
            "books": "books",
            "book": "books",
            "shelves": "books__shelves",
            "mentor": "mentor",
        },
    )

    objects: ClassVar[models.Manager[Author]] = models.Manager()

    class Meta:
        apps = registry
        app_label = "ransack"


class Shelf(models.Model):
    """Where books stand."""

    label = models.CharField(max_length=100, null=True, db_collation="C")
    place = models.CharField(max_length=100, null=True, db_collation="C")
    code = models.CharField(max_length=100, null=True)

    ransackable: ClassVar[Ransackable] = Ransackable(attributes=("id", "label", "place"))

    objects: ClassVar[models.Manager[Shelf]] = models.Manager()

    class Meta:
        apps = registry
        app_label = "ransack"


class Book(models.Model):
    """A book; a hidden one is seen only by the viewer named `librarian`."""

    title = models.CharField(max_length=100, null=True, db_collation="C")
    language = models.CharField(max_length=2, null=True, db_collation="C")
    author = models.ForeignKey(Author, on_delete=models.CASCADE, null=True, related_name="books")
    author_id: int | None
    shelves = models.ManyToManyField(Shelf, related_name="books")
    hidden = models.BooleanField(default=False)

    ransackable: ClassVar[Ransackable] = Ransackable(
        attributes=("id", "title", "language", "author_id"),
        computed={"size": Computed(length_of_title, models.CharField())},
        associations={"author": "author", "shelves": "shelves"},
        visible=lambda viewer: visible_books(viewer),
    )

    objects: ClassVar[models.Manager[Book]] = models.Manager()

    class Meta:
        apps = registry
        app_label = "ransack"


def visible_books(viewer: Any) -> models.QuerySet[Book]:
    """What a viewer may see of the books."""
    books = Book._base_manager.all()
    return books if viewer == "librarian" else books.filter(hidden=False)


def at(text: str) -> datetime:
    """A time with its zone, from ISO 8601."""
    return datetime.fromisoformat(text)
