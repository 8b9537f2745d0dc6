"""Keeps what is made of the catalogue for as long as the catalogue stays as it is.

Every statement that writes a table of the catalogue gives it a new edition, by triggers of the
database (docs/decisions/fast-reads.md). A query that reads the edition beside its rows therefore
knows whether what a process made of the catalogue before still holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar
from uuid import UUID

from django.db import connection, models
from django.db.models.expressions import RawSQL

from apps.api.exceptions import ServiceUnavailable

T = TypeVar("T")
J = TypeVar("J")

EDITION = "(SELECT number FROM sensors_edition)"

# SQL for migrations: each table whose rows the JSON of sensors and kits is made of has these.
WATCH = """
CREATE TRIGGER new_edition BEFORE INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION sensors_new_edition();
CREATE TRIGGER new_edition_after_truncate AFTER TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION sensors_new_edition();
"""
UNWATCH = """
DROP TRIGGER new_edition ON {table};
DROP TRIGGER new_edition_after_truncate ON {table};
"""


def current_edition() -> UUID | None:
    """The edition of the catalogue now; None where its row is lost, until the next change.

    By hand, since Django takes longer to write this query than PostgreSQL to answer it.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {EDITION}")
        number: UUID | None = cursor.fetchone()[0]
        return number


def edition() -> RawSQL:
    """The edition of the catalogue that a query sees, to annotate its rows with."""
    return RawSQL(EDITION, [], output_field=models.UUIDField())


def entry(kept: Mapping[int, J], pk: int) -> J:
    """What is kept of a row that a query has just read.

    A row that is deleted between that query and the making is in neither edition: 503, since the
    one who asks again at once is told right.
    """
    if pk not in kept:
        raise ServiceUnavailable("The catalogue has just changed, please try again", wait=1)
    return kept[pk]


class KeptPerEdition(Generic[T]):
    """What `make` makes of the catalogue, made again in each process for each edition.

    It is shared by all requests: nobody changes it.
    """

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._kept: tuple[UUID, T] | None = None

    def of(self, edition: UUID | None) -> T:
        """What belongs to an edition that a query has just read; without one, nothing is kept.

        Nor is anything kept where the catalogue has changed since that query, be it by this very
        transaction: it may be rolled back, and then that edition is back as it was.
        """
        kept = self._kept
        if kept is not None and kept[0] == edition:
            return kept[1]
        made = self._make()
        if edition is not None and edition == current_edition():
            self._kept = (edition, made)
        return made
