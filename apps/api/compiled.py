"""Queries by id whose SQL is made once: making it costs Django more than running it.

A detail is one row by its id, the same query each time but for that id. Django builds and compiles
it anew for each request; here the compiled text is kept, with what turns its rows into records.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from typing import Any, ClassVar, Generic, TypeVar, cast

from django.contrib.postgres.fields import ArrayField
from django.db import connections
from django.db.models import BigIntegerField, BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)

# Stands in the compiled parameters where the ids go: an id that no row has.
IDS = [-1]
LARGEST = BigIntegerField.MAX_BIGINT


class IsAny(Func):
    """`id = ANY(array)`: one parameter, however many ids."""

    template = "(%(expressions)s)"
    arg_joiner = " = "
    output_field: Any = BooleanField()


class Compiled(Generic[M]):
    """A queryset of records, compiled, to be asked for some of them by id.

        whole = Compiled(Device.objects.active().select_related("owner"))
        whole.fetch([7, 12])

    Annotations, `select_related` and `only` are kept; `prefetch_related` is not. Nothing in the
    queryset may depend on who asks or on the time, or that is what every later request is told.
    Safe in threads: what is shared is only read.
    """

    def __init__(self, queryset: QuerySet[M]) -> None:
        ids = Value(IDS, output_field=ArrayField(BigIntegerField()))
        self._queryset = queryset.filter(IsAny(F("pk"), Func(ids, function="ANY")))
        self._compiler = self._queryset.query.get_compiler(self._queryset.db)
        self._sql, self._parameters = self._compiler.as_sql()

    def fetch(self, ids: Collection[int]) -> dict[int, M]:
        """The records of these ids by id; those that are not in the queryset are left out."""
        fitting = [id_ for id_ in ids if abs(id_) <= LARGEST]
        if not fitting:
            return {}
        parameters = tuple(fitting if part == IDS else part for part in self._parameters)
        compiler = copy.copy(self._compiler)
        compiler.connection = connections[self._queryset.db]
        compiler.as_sql = lambda: (self._sql, parameters)
        records: Iterable[M] = ModelIterable(cast(Any, _Ready(self._queryset, compiler)))
        return {record.pk: record for record in records}


class _Ready:
    """What the iterable of records takes for a queryset: one whose query is compiled already."""

    _known_related_objects: ClassVar[dict[Any, Any]] = {}

    def __init__(self, queryset: QuerySet[Any], compiler: SQLCompiler) -> None:
        self.db, self.model, self.query = queryset.db, queryset.model, self
        self._compiler = compiler

    def get_compiler(self, using: str) -> SQLCompiler:
        """The compiler, as of the query."""
        return self._compiler
