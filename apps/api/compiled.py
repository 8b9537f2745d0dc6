"""Queries by a key whose SQL is made once: making it costs Django more than running it.

A detail is one row by its id, the same query each time but for that id. Django builds and compiles
it anew for each request; here the compiled text is kept, with what turns its rows into records.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Generic, TypeVar, cast

from django.contrib.postgres.fields import ArrayField
from django.db import connections
from django.db.models import (
    BigIntegerField,
    BooleanField,
    F,
    Func,
    IntegerField,
    Model,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)

# Stand in the compiled parameters where the keys go: an id and a text that no row has.
IDS = [-1]
TEXTS = ["\0"]
LARGEST = BigIntegerField.MAX_BIGINT


class IsAny(Func):
    """`id = ANY(array)`: one parameter, however many keys."""

    template = "(%(expressions)s)"
    arg_joiner = " = "
    output_field: Any = BooleanField()


class Compiled(Generic[M]):
    """A queryset of records, compiled, to be asked for some by id or another unique column.

        whole = Compiled(Device.objects.active().select_related("owner"))
        whole.fetch([7, 12])
        tokens = Compiled(AccessToken.objects.all(), by="token_checksum")
        tokens.one("9f86d081…")

    Annotations, `select_related` and `only` are kept; `prefetch_related` is not. Nothing in the
    queryset may depend on who asks or on the time, or that is what every later request is told.
    Safe in threads: what is shared is only read.
    """

    def __init__(self, queryset: QuerySet[M], by: str = "pk") -> None:
        meta = queryset.model._meta
        self._by = meta.pk.attname if by == "pk" else by
        numbers = isinstance(meta.get_field(self._by), IntegerField)
        column: Any = BigIntegerField() if numbers else TextField()
        self._stand_in = IDS if numbers else TEXTS
        keys = Value(self._stand_in, output_field=ArrayField(column))
        self._queryset = queryset.filter(IsAny(F(by), Func(keys, function="ANY")))
        self._compiler = self._queryset.query.get_compiler(self._queryset.db)
        self._sql, self._parameters = self._compiler.as_sql()
        shown = self._compiler.select[: self._compiler.col_count]
        self._converters = self._compiler.get_converters([column for column, *_ in shown])

    def fetch(self, keys: Collection[Any]) -> dict[Any, M]:
        """The records of these keys by key; those that are not in the queryset are left out."""
        fitting = [key for key in keys if isinstance(key, str) or abs(key) <= LARGEST]
        if not fitting:
            return {}
        parameters = tuple(fitting if part == self._stand_in else part for part in self._parameters)
        compiler = copy.copy(self._compiler)
        compiler.connection = connections[self._queryset.db]
        compiler.as_sql = lambda: (self._sql, parameters)
        compiler.get_converters = lambda columns: self._converters
        records: Iterable[M] = ModelIterable(cast(Any, _Ready(self._queryset, compiler)))
        return {getattr(record, self._by): record for record in records}

    def one(self, key: Any) -> M | None:
        """The record of one key; None where there is none in the queryset."""
        return self.fetch([key]).get(key)


class _Ready:
    """What the iterable of records takes for a queryset: one whose query is compiled already."""

    _known_related_objects: ClassVar[dict[Any, Any]] = {}

    def __init__(self, queryset: QuerySet[Any], compiler: SQLCompiler) -> None:
        self.db, self.model, self.query = queryset.db, queryset.model, self
        self._compiler = compiler

    def get_compiler(self, using: str) -> SQLCompiler:
        """The compiler, as of the query."""
        return self._compiler
