"""A search that the database cannot answer in time ends, and ends in a clear 400."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, transaction

from .exceptions import SearchTooSlow

QUERY_CANCELED = "57014"


@contextmanager
def search_timeout(milliseconds: int, using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Gives each statement within at most `milliseconds`; raises SearchTooSlow where it needs more.

    Costs a transaction and one short query, which sets the limit for that transaction alone.
    """
    nested = connections[using].in_atomic_block
    try:
        with transaction.atomic(using=using):
            before = _set(using, str(milliseconds))
            yield
            if nested:  # the transaction goes on, and its other statements have their own time
                _set(using, before)
    except OperationalError as error:
        if _sqlstate(error) == QUERY_CANCELED:
            raise SearchTooSlow from error
        raise


def _set(using: str, value: str) -> str:
    """Set the limit until the transaction ends; answers what it was before."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('statement_timeout'),"
            " set_config('statement_timeout', %s, true)",
            [value],
        )
        before: str = cursor.fetchone()[0]
        return before


def _sqlstate(error: OperationalError) -> str | None:
    """The driver's code: `pgcode` in psycopg2, `sqlstate` in psycopg 3."""
    cause = error.__cause__
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
