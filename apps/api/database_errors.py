"""What an error of the database means to the client: away for a moment, or a value that clashes."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import F, Field, GeneratedField, Model, ProtectedError, RestrictedError

from apps.api.exceptions import Unprocessable
from apps.api.validation import BASE, TAKEN

UNIQUE_VIOLATION = "23505"
FOREIGN_KEY_VIOLATION = "23503"
# SQLSTATEs of a server that is there but takes no work now, and may in a moment: shutting down,
# starting, full of clients; disk or memory full; read-only; a lock that was not to be had.
TURNED_AWAY = {"57P01", "57P02", "57P03", "53300", "53100", "53200", "25006"}
TURNED_AWAY |= {"55P03", "40P01", "40001"}
CONNECTION_EXCEPTION = "08"
QUERY_CANCELED = "57014"
KEY = re.compile(r"Key \((.*?)\)=\(")


def unreachable(error: BaseException) -> bool:
    """Whether `error` says that the database cannot be reached (contract: 503).

    Takes Django's exceptions and the driver's own, which COPY raises. An error without an
    SQLSTATE never came from a server: connecting failed, or the connection was lost. A connection
    that is lost while a statement runs is a plain `DatabaseError` to the driver, of no kind.
    """
    driver: Any = connection.Database  # type: ignore[attr-defined]
    kinds = (OperationalError, InterfaceError, driver.OperationalError, driver.InterfaceError)
    if not isinstance(error, kinds) and type(error) not in {DatabaseError, driver.DatabaseError}:
        return False
    code = _sqlstate(error)
    return code is None or code in TURNED_AWAY or code.startswith(CONNECTION_EXCEPTION)


def took_too_long(error: BaseException) -> bool:
    """Whether `error` says that a statement was stopped by its time limit (contract: 503).

    The web server sets one (`smartcitizen/wsgi.py`); a search has a shorter one, with a 400.
    """
    return _sqlstate(error) == QUERY_CANCELED


def clash(error: IntegrityError) -> Unprocessable | None:
    """The 422 for a value that clashes with another row, as when two requests race.

    None for any other violation, such as of a check constraint: a serializer should have refused
    the value, so that is a fault of ours.
    """
    code = _sqlstate(error)
    if code == UNIQUE_VIOLATION:
        return Unprocessable({_field(error): [TAKEN]})
    if code == FOREIGN_KEY_VIOLATION:
        if "still referenced" in _diagnostic(error, "message_detail"):
            return Unprocessable({BASE: [_depended_on("records")]})
        return Unprocessable({_field(error): ["must exist"]})
    return None


def kept_from_deletion(error: ProtectedError | RestrictedError) -> Unprocessable:
    """The 422 for deleting a row that others need, naming what they are."""
    rows = (
        error.protected_objects if isinstance(error, ProtectedError) else error.restricted_objects
    )
    names = sorted({str(row._meta.verbose_name_plural) for row in rows})
    return Unprocessable({BASE: [_depended_on(" and ".join(names))]})


def _depended_on(what: str) -> str:
    return f"cannot delete record because dependent {what} exist"


def _sqlstate(error: BaseException) -> str | None:
    """PostgreSQL's code of the error; Django keeps the driver's exception as the cause."""
    code: str | None = getattr(error, "pgcode", None) or getattr(error.__cause__, "pgcode", None)
    return code


def _diagnostic(error: BaseException, name: str) -> str:
    """One of PostgreSQL's notes on the error; empty where there is none."""
    return getattr(getattr(error.__cause__, "diag", None), name, None) or ""


def _field(error: IntegrityError) -> str:
    """The one field that the violated constraint is about, else `base`."""
    found = KEY.match(_diagnostic(error, "message_detail"))
    model = _model_of_table(_diagnostic(error, "table_name"))
    if not found or not model:
        return BASE
    # The key is a list of columns or an expression, such as `lower(username::text)`.
    words = set(re.findall(r"\w+", found[1]))
    names = {_source(field) for field in model._meta.concrete_fields if field.column in words}
    return names.pop() if len(names) == 1 else BASE


def _model_of_table(table: str) -> type[Model] | None:
    return next((model for model in apps.get_models() if model._meta.db_table == table), None)


def _source(field: Field) -> str:  # type: ignore[type-arg]
    """A field as clients name it: a generated one by the field that it is made of."""
    if isinstance(field, GeneratedField):
        parts = field.expression.flatten()  # type: ignore[attr-defined]
        names = [part.name for part in parts if isinstance(part, F)]  # type: ignore[attr-defined]
        return str(names[0])
    return field.attname
