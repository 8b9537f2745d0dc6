"""The filter backend in a list view, and searches that take too long."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import Func, QuerySet
from django.test import RequestFactory
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.ransack.backend import RansackFilter, TimedSearch, search
from apps.api.ransack.exceptions import SearchTooSlow
from apps.api.ransack.timeout import search_timeout
from tests.api.ransack.library import Author, Book

pytestmark = pytest.mark.usefixtures("library")


class AuthorSerializer(serializers.ModelSerializer[Author]):
    """What the list shows."""

    class Meta:
        model = Author
        fields = ["id", "name"]


class Pages(PageNumberPagination):
    """Counts before it shows."""

    page_size = 2


class Authors(TimedSearch, ListAPIView[Author]):
    """A list as an application declares it."""

    queryset = Author.objects.order_by("pk")
    serializer_class = AuthorSerializer
    filter_backends = [RansackFilter]
    pagination_class = Pages
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()


class SlowAuthors(Authors):
    """A list on which a tenth of a second is spent for each row."""

    search_milliseconds = 150

    def get_queryset(self) -> QuerySet[Author]:
        """Every row sleeps before it says its name."""
        naps = Func(
            0.1, function="pg_sleep", template="(%(function)s(%(expressions)s) IS NULL)::int"
        )
        slow: QuerySet[Author] = super().get_queryset().alias(nap=naps)
        return slow.filter(nap__gte=0)


def get(view: type[Authors], query: str) -> Response:
    """The answer of a view."""
    request = RequestFactory().get(f"/authors?{query}")
    answer: Response = view.as_view()(request)
    return answer


def test_a_list_is_searched_sorted_counted_and_paged() -> None:
    for name in ("air", "Airy", "water", "fair"):
        Author.objects.create(name=name)
    data: dict[str, Any] = get(Authors, "q[name_cont]=AIR&q[s]=name desc&page=1").data
    assert data["count"] == 3
    assert [each["name"] for each in data["results"]] == ["fair", "air"]
    assert get(Authors, "page=2").data["count"] == 4


def test_the_viewer_is_who_asks() -> None:
    Book.objects.create(title="x", hidden=True, author=Author.objects.create())
    request: Any = Request(RequestFactory().get("/?q[books_title_eq]=x"))
    for user, count in (("librarian", 1), ("reader", 0)):
        request.user = user
        found = RansackFilter().filter_queryset(request, Author.objects.all(), Authors())
        assert found.count() == count


def test_a_search_makes_no_query_before_its_rows_are_asked_for(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(0):
        found = search(Author.objects.all(), "q[books_title_eq]=x&q[s]=books_title")
    with django_assert_num_queries(1):
        list(found)


def test_a_search_composes_with_a_list_that_is_filtered_already() -> None:
    twice = Author.objects.create(name="a")
    Book.objects.create(author=twice, title="x", language="en")
    Book.objects.create(author=twice, title="y", language="de")
    english = Author.objects.filter(books__language="en")
    assert search(english, "q[books_title_eq]=y").count() == 1
    assert search(Author.objects.none(), "q[books_title_eq]=y").count() == 0


def test_a_search_that_takes_too_long_is_a_400(settings: Any) -> None:
    for _ in range(5):
        Author.objects.create(name="x")
    answer = get(SlowAuthors, "q[name_eq]=x")
    assert answer.status_code == 400
    assert "The search took too long and was stopped" in str(answer.data)
    assert Author.objects.count() == 5  # the transaction around it is as it was


def test_a_list_without_a_search_has_no_limit() -> None:
    for _ in range(2):
        Author.objects.create(name="x")
    assert get(SlowAuthors, "").status_code == 200


def timeout() -> str:
    """The limit in force."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        shown: str = cursor.fetchone()[0]
        return shown


def test_the_limit_ends_with_the_search() -> None:
    before = timeout()
    with search_timeout(1234):
        assert timeout() == "1234ms"
    assert timeout() == before
    with pytest.raises(SearchTooSlow), search_timeout(20), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    assert timeout() == before


def test_other_errors_of_the_database_are_not_taken_for_a_timeout() -> None:
    with pytest.raises(OperationalError), search_timeout(5000):
        raise OperationalError("the server is gone")


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_the_limit_ends_with_its_own() -> None:
    with pytest.raises(SearchTooSlow), search_timeout(20), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    assert not connection.in_atomic_block
    assert timeout() == "0"


def test_an_index_serves_what_it_can() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON ransack_author (lower(name))")
        cursor.execute("CREATE INDEX ON ransack_author (joined_at)")
        cursor.execute("SET LOCAL enable_seqscan = off")
        for query in (
            "q[name_eq]=x",
            "q[name_in][]=x&q[name_in][]=y",
            "q[member_since_eq]=2015-01-01",
        ):
            assert "Index" in search(Author.objects.all(), query).explain()
