"""Ransack in Django REST framework: a filter backend, and the time limit of the list it filters."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .brackets import belongs
from .compiler import Compiler
from .parser import LIMITS, Limits, Parameters, parse
from .timeout import search_timeout

M = TypeVar("M", bound=Model)
R = TypeVar("R")

KEY = "q"


def search(
    queryset: QuerySet[M, R], parameters: Parameters, viewer: Any = None, limits: Limits = LIMITS
) -> QuerySet[M, R]:
    """The rows of `queryset` that a search finds, in the order that it asks for.

    Where it asks for no order, that of `queryset` stays. `viewer` is handed to the `visible` of
    the models on the way. Makes no query; raises InvalidSearch.
    """
    wanted = parse(parameters, limits, KEY)
    compiler = Compiler(queryset.model, viewer, queryset.db)
    if condition := compiler.q(wanted.grouping):
        queryset = queryset.filter(condition)
    if wanted.sorts:
        queryset = queryset.order_by(*compiler.order(wanted.sorts))
    return queryset


def is_searched(request: Request) -> bool:
    """Whether a request searches or sorts at all."""
    return any(belongs(name, KEY) for name in request.query_params)


class RansackFilter(BaseFilterBackend):
    """Searches and sorts a list by the parameters `q[...]`; the model says what can be searched.

    Stands last in `filter_backends`, so that an order asked for wins over that of the others.
    """

    def filter_queryset(
        self, request: Request, queryset: QuerySet[M, R], view: APIView
    ) -> QuerySet[M, R]:
        """What the request looks for; raises InvalidSearch, a 400."""
        return search(queryset, request.query_params, request.user)


class TimedSearch:
    """Mixin, before `ListModelMixin`: a list that is searched has `search_milliseconds` to answer.

    The limit holds for each statement: the count, the page, and what is fetched with it.
    """

    search_milliseconds = 5000

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The list of the next class; raises SearchTooSlow, a 400."""
        following: Any = super()
        limit = search_timeout(self.search_milliseconds)
        with limit if is_searched(request) else nullcontext():
            answer: Response = following.list(request, *args, **kwargs)
        return answer
