"""A small API of toy views, so that the rules are tested apart from any real endpoint."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_protect
from rest_framework import mixins, serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.conditional import known_by
from apps.api.pagination import CataloguePagination, CursorPagination, PageNumberPagination
from apps.api.permissions import (
    AdminOnly,
    AdminToWrite,
    OwnerToWrite,
    SelfToWrite,
    SignedIn,
    SignedInToWrite,
)
from apps.api.renderers import JSONRenderer
from apps.api.routing import Router
from apps.api.views import ApiView, ApiViewSet, Destroys, GenericApiView, RootView
from apps.devices.models import Device, Tag
from apps.users.models import User
from tests.api.toys import RAISED, NamedUser, Toy

handler400 = "apps.api.errors.bad_request"
handler403 = "apps.api.errors.permission_denied"
handler404 = "apps.api.errors.page_not_found"
handler500 = "apps.api.errors.server_error"


class Echo(Toy):
    """Answers what it was sent."""

    def get(self, request: Request) -> Response:
        return Response({"query": request.query_params.dict(), "user": str(request.user)})

    def post(self, request: Request) -> Response:
        return Response(request.data)

    def patch(self, request: Request) -> Response:
        return Response(request.data)

    def delete(self, request: Request) -> Response:
        return Response(request.data)


class NoParser(Toy):
    """Neither reads nor wraps."""

    renderer_classes = [JSONRenderer]

    def get(self, request: Request) -> Response:
        if request.query_params.get("fail"):
            raise RuntimeError("boom in a view without JSON-P")
        return Response({"wrapped": False})


class Values(Toy):
    """Values of every kind that the renderer has to write."""

    def get(self, request: Request) -> Response:
        return Response(
            {
                "time": datetime(2016, 6, 8, 10, 30, 0, 999_999, tzinfo=UTC),
                "uuid": uuid.UUID(int=7),
                "decimal": Decimal("1.5"),
                "text": "Ñandú \u2028\u2029 </script>",
            }
        )


class Person(serializers.Serializer[Any]):
    """A serializer with a rule of each kind."""

    username = serializers.CharField(min_length=3, max_length=5)
    age = serializers.IntegerField(min_value=1, max_value=120, required=False)
    role = serializers.ChoiceField(["citizen", "admin"], required=False)
    tags = serializers.ListField(child=serializers.IntegerField(), required=False)


class People(Toy):
    """Validates; saves nothing."""

    def post(self, request: Request) -> Response:
        person = Person(data=request.data)
        person.is_valid(raise_exception=True)
        return Response(person.validated_data, status=201)


class Raises(Toy):
    """Raises what it is asked to."""

    def get(self, request: Request, name: str) -> Response:
        raise RAISED[name]()


class Database(Toy):
    """Answers after a statement that PostgreSQL takes `seconds` for, if any are asked for."""

    def get(self, request: Request) -> Response:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(%s)", [request.query_params.get("seconds", 0)])
        return Response({"answer": 1})


class TagSerializer(serializers.ModelSerializer[Tag]):
    """The rows of the toy lists; knows nothing of uniqueness, as in a race."""

    class Meta:
        model = Tag
        fields = ["id", "name", "uuid"]
        read_only_fields = ["id", "uuid"]


class Tags(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    Destroys,
    ApiViewSet,
):
    """Tags, changed by admins."""

    authentication_classes = [NamedUser]
    throttle_classes: Any = []
    permission_classes = [AdminToWrite]
    queryset = Tag.objects.order_by("name")
    serializer_class = TagSerializer
    pagination_class = CataloguePagination

    @action(detail=False)
    def newest(self, request: Request) -> Response:
        return Response({"newest": True})


class OpenTags(Tags):
    """The same, to be written by anyone."""

    permission_classes = []


class Names(Toy):
    """A list that is no queryset."""

    def get(self, request: Request) -> Response:
        pages = PageNumberPagination()
        rows = pages.paginate_queryset(list(range(60)), request)
        return pages.get_paginated_response(rows)


class NewestFirst(CursorPagination):
    """By the time of creation."""

    time_field = "created_at"


class Cursored(Toy):
    """Tags by cursor; `values=1` lists dictionaries."""

    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        rows: Any = Tag.objects.all()
        if request.query_params.get("values"):
            rows = rows.values("name", "created_at")
        found = pages.paginate_queryset(rows, request, self)
        names = [row["name"] if isinstance(row, dict) else row.name for row in found]
        return pages.get_paginated_response(names)


class Marked(Toy):
    """Its version is known before its work."""

    mark: str | None = "1"
    worked = 0

    @known_by(lambda view, request: Marked.mark)
    def get(self, request: Request) -> Response:
        Marked.worked += 1
        return Response({"version": Marked.mark}, status=int(request.query_params.get("as", 200)))


class Streamed(Toy):
    """A stream."""

    def get(self, request: Request) -> Any:
        return StreamingHttpResponse(iter([b"a", b"b"]), content_type="text/csv")


class Clock(Toy):
    """Never kept by anyone."""

    def get(self, request: Request) -> Response:
        return Response({"now": 1}, headers={"Cache-Control": "no-store"})


class Public(Toy):
    """The same for everyone, long enough to be worth compressing."""

    def get(self, request: Request) -> Response:
        return Response({"rows": ["same"] * 100}, headers={"Cache-Control": "public, max-age=60"})


class Me(Toy):
    """For users alone."""

    permission_classes = [SignedIn]

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.username})


class Admins(Toy):
    """For admins alone."""

    permission_classes = [AdminOnly]

    def get(self, request: Request) -> Response:
        return Response({})


class Created(Toy):
    """Read by anyone, written by users."""

    permission_classes = [SignedInToWrite]

    def get(self, request: Request) -> Response:
        return Response({})

    def post(self, request: Request) -> Response:
        return Response({}, status=201)


class OwnedDevice(Toy, GenericApiView):
    """A device, changed by its owner."""

    permission_classes = [OwnerToWrite]
    queryset = Device.objects.all()

    def get(self, request: Request, pk: str) -> Response:
        return Response({"id": self.get_object().pk})

    def patch(self, request: Request, pk: str) -> Response:
        return Response({"id": self.get_object().pk, "changed": True})


class OwnUser(Toy, GenericApiView):
    """A user, changed by himself."""

    permission_classes = [SelfToWrite]
    queryset = User.objects.all()
    lookup_field = "username"

    def patch(self, request: Request, username: str) -> Response:
        return Response({"id": self.get_object().pk})


class Limited(ApiView):
    """Under the limits of the settings."""

    authentication_classes = [NamedUser]

    def get(self, request: Request) -> Response:
        return Response({})


class Door(Limited):
    """Under no limit."""

    throttle_classes: Any = []


def plain(request: HttpRequest, name: str) -> HttpResponse:
    """A view of Django's, outside the API."""
    if name == "user":
        return HttpResponse(str(request.user))
    raise RAISED[name]()


@csrf_protect
def form(request: HttpRequest) -> HttpResponse:
    """A form for browsers."""
    return HttpResponse("ok")


router = Router()
router.register("tags", Tags, "tag")
router.register("open-tags", OpenTags, "open-tag")

api: list[URLPattern | URLResolver] = [
    path("echo", Echo.as_view()),
    path("unwrapped", NoParser.as_view()),
    path("values", Values.as_view()),
    path("people", People.as_view()),
    path("raise/<name>", Raises.as_view()),
    path("database", Database.as_view()),
    path("names", Names.as_view()),
    path("cursored", Cursored.as_view()),
    path("marked", Marked.as_view()),
    path("streamed", Streamed.as_view()),
    path("clock", Clock.as_view()),
    path("public", Public.as_view()),
    re_path(r"^me/?$", Me.as_view()),
    path("admins", Admins.as_view()),
    path("created", Created.as_view()),
    path("owned/<pk>", OwnedDevice.as_view()),
    path("own/<username>", OwnUser.as_view()),
    path("limited", Limited.as_view()),
    path("door", Door.as_view()),
    path("plain/<name>", plain),
    path("form", form),
    path("", include(router.urls)),
    path("", RootView.as_view()),
]
urlpatterns = [path("v0", RootView.as_view()), path("v0/", include(api)), path("", include(api))]
