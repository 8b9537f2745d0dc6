"""Pages of a list: by number with a Total, or by a cursor where pages have to stay put.

The rows are the body; where in the list they stand is told by headers (reference: Pagination).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from django.db.models import QuerySet
from django.db.models.expressions import OrderBy
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.conversions import positive_integer
from apps.api.exceptions import BadRequest

if TYPE_CHECKING:  # the framework imports this module while its own views are imported
    from rest_framework.views import APIView

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# No table is so long; beyond it PostgreSQL need not be asked, nor could take the number.
FARTHEST_OFFSET = 10**12


class LinkedPages(BasePagination):
    """What both kinds share: `per_page`, and the headers."""

    page_size = 25
    max_page_size = 100

    request: Request
    per_page: int

    def read_page_size(self, request: Request) -> None:
        """Take `per_page` from the query: more than the most is the most (contract: Pagination)."""
        self.request = request
        wanted = positive_integer("per_page", request.query_params.get("per_page"), self.page_size)
        self.per_page = min(wanted, self.max_page_size)

    def response(
        self, data: Any, links: Mapping[str, Mapping[str, Any]], **headers: str
    ) -> Response:
        """The rows with `Per-Page`, other headers, and `Link` where there are links.

        `links` is relation → the parameters that lead there, in the order of the header.
        """
        headers = {**headers, "Per-Page": str(self.per_page)}
        if links:
            found = [f'<{self.url(place)}>; rel="{name}"' for name, place in links.items()]
            headers["Link"] = ", ".join(found)
        return Response(data, headers=headers)

    def url(self, place: Mapping[str, Any]) -> str:
        """This request's URL at another place of the list, with all its other parameters.

        Its host is the one that was asked, which ALLOWED_HOSTS vouches for: a client that came by
        an inner name or a proxy stays there. Clients split the header at commas and drop spaces,
        so nothing but letters and digits is left unencoded in the query.
        """
        pairs = [
            (name, value)
            for name, values in self.request.query_params.lists()
            for value in values
            if name not in {"page", "per_page", "cursor"}
        ]
        query = urlencode(
            [*pairs, *place.items(), ("per_page", self.per_page)], quote_via=quote, safe=""
        )
        return self.request.build_absolute_uri(f"{quote(self.request.path)}?{query}")


class PageNumberPagination(LinkedPages):
    """`page` and `per_page`; `Link`, `Total`, `Per-Page`. For querysets and sequences.

    A queryset is given a total order by its primary key, so that no row is skipped or repeated.
    """

    page: int
    total: int

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """The rows of the page asked for, none past the end; raises BadRequest."""
        self.read_page_size(request)
        self.page = positive_integer("page", request.query_params.get("page"), 1)
        rows = totally_ordered(queryset) if isinstance(queryset, QuerySet) else queryset
        offset = (self.page - 1) * self.per_page
        found: list[Any] = []
        if offset <= FARTHEST_OFFSET:
            # One row more than a page tells whether there is a next one.
            found = list(rows[offset : offset + self.per_page + 1])
        if found and len(found) <= self.per_page:
            self.total = offset + len(found)  # this is the last page: no need to count
        elif not found and offset == 0:
            self.total = 0
        else:
            self.total = rows.count() if isinstance(rows, QuerySet) else len(rows)
        return found[: self.per_page]

    def get_paginated_response(self, data: Any) -> Response:
        """The rows with their headers."""
        last = max(1, -(-self.total // self.per_page))
        links: dict[str, dict[str, Any]] = {}
        if last > 1 or self.page > last:
            links = {"first": {"page": 1}, "last": {"page": last}}
            if self.page < last:
                links["next"] = {"page": self.page + 1}
            if self.page > 1:
                links["prev"] = {"page": min(self.page - 1, last)}
        return self.response(data, links, Total=str(self.total))


class CataloguePagination(PageNumberPagination):
    """For short lists that clients want in one piece: sensors, kits, components, and the like."""

    max_page_size = 1000


class CursorPagination(LinkedPages):
    """Newest first by a time that is unique in the list; `Link` has `first` and `next` alone.

    A page starts after the last row of the one before it, so that new rows change nothing and a
    deep page costs no more than the first. There is no Total, and no jumping to a page: `page`
    beyond 1 is refused, since answering the first page again would go on for ever.
    """

    time_field = "recorded_at"

    after: datetime | None
    before_next: datetime | None

    def paginate_queryset(
        self, queryset: Any, request: Request, view: APIView | None = None
    ) -> list[Any]:
        """The rows of the page, as models or `values()`; raises BadRequest."""

        def read(before: datetime | None, count: int) -> list[Any]:
            rows = queryset.order_by(f"-{self.time_field}")
            if before is not None:
                rows = rows.filter(**{f"{self.time_field}__lt": before})
            return list(rows[:count])

        return self.paginate(read, request)

    def paginate(
        self, read: Callable[[datetime | None, int], list[Any]], request: Request
    ) -> list[Any]:
        """The rows of the page; `read` gives the newest so many before a time, or of all."""
        self.read_page_size(request)
        if positive_integer("page", request.query_params.get("page"), 1) > 1:
            raise BadRequest("page is not offered by this list: follow the Link header's next")
        self.after = read_cursor(request.query_params.get("cursor"))
        found = read(self.after, self.per_page + 1)
        more = len(found) > self.per_page
        self.before_next = self._time(found[self.per_page - 1]) if more else None
        return found[: self.per_page]

    def get_paginated_response(self, data: Any) -> Response:
        """The rows with their headers."""
        links: dict[str, dict[str, Any]] = {}
        if self.after or self.before_next:
            links["first"] = {}
        if self.before_next:
            links["next"] = {"cursor": write_cursor(self.before_next)}
        return self.response(data, links)

    def _time(self, row: Any) -> datetime:
        time = row[self.time_field] if isinstance(row, Mapping) else getattr(row, self.time_field)
        assert isinstance(time, datetime)
        return time


def write_cursor(time: datetime) -> str:
    """A time to the microsecond as text that clients hand back unread."""
    microseconds = (time - EPOCH) // timedelta(microseconds=1)
    return base64.urlsafe_b64encode(str(microseconds).encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> datetime | None:
    """The time that `write_cursor` wrote; None for none or blank; raises BadRequest."""
    if not text:
        return None
    padding = "=" * (-len(text) % 4)
    try:
        digits = base64.b64decode(f"{text}{padding}", altchars=b"-_", validate=True)
        return EPOCH + timedelta(microseconds=int(digits))
    except (binascii.Error, ValueError, OverflowError):
        raise BadRequest("cursor is not one that this list gave out") from None


def totally_ordered(queryset: QuerySet[Any]) -> QuerySet[Any]:
    """The queryset with its primary key as the last order, unless that is in its order already."""
    query = queryset.query
    order: Sequence[Any] = query.order_by or (
        queryset.model._meta.ordering or () if query.default_ordering else ()
    )
    if query.combinator or any(_names_key(term, queryset) for term in order):
        return queryset
    return queryset.order_by(*order, "pk")


def _names_key(term: Any, queryset: QuerySet[Any]) -> bool:
    """Whether a term of an order is the primary key."""
    expression = term.expression if isinstance(term, OrderBy) else term
    name = getattr(expression, "name", expression)
    if not isinstance(name, str):
        return False
    return name.removeprefix("-") in {"pk", queryset.model._meta.pk.name}
