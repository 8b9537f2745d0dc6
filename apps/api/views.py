"""The base of every view of the API, and the root that lists what there is."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.generics import GenericAPIView
from rest_framework.mixins import DestroyModelMixin, ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from apps.api.errors import CACHE_CONTROL
from apps.api.ransack.backend import RansackFilter, TimedSearch
from apps.api.requests import ApiRequest


class ApiView(APIView):
    """A view under the rules of every request (contract, section 1).

    Adds to the framework's: parameters from query and body in `request.data`, PUT wherever there
    is PATCH, 405 before 401, throttling also of those whose credentials are wrong, and answers
    that no shared cache keeps unless the view says so by its own Cache-Control.
    """

    request: ApiRequest

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """As Django gives HEAD the handler of GET, give PUT that of PATCH."""
        super().setup(request, *args, **kwargs)
        if hasattr(self, "patch") and not hasattr(self, "put"):
            self.put = self.patch

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        """The request as views see it."""
        return ApiRequest(
            request,
            parsers=self.get_parsers(),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Everything that comes before the view's own work, cheap and general things first."""
        self.format_kwarg = None
        negotiated = self.perform_content_negotiation(request)
        request.accepted_renderer, request.accepted_media_type = negotiated
        request.version, request.versioning_scheme = self.determine_version(request)
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        try:
            self.perform_authentication(request)
        except APIException:
            self.check_throttles(request)
            raise
        self.check_throttles(request)
        self.check_permissions(request)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """The framework's, with a Cache-Control."""
        response.headers.setdefault("Cache-Control", CACHE_CONTROL)
        return super().finalize_response(request, response, *args, **kwargs)


class GenericApiView(ApiView, GenericAPIView[Any]):
    """ApiView with a queryset and a serializer."""


class ApiViewSet(ViewSetMixin, GenericApiView):
    """The base of viewsets, after the framework's mixins (list, retrieve, create, update)."""

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> ApiRequest:
        """The request as views see it; the framework's notes the action that it asks for."""
        return cast(ApiRequest, super().initialize_request(request, *args, **kwargs))


class Lists(TimedSearch, ListModelMixin):
    """`GET` of a list, searched and sorted by `q` (contract: Filtering and sorting).

    What the model declares `ransackable` can be searched, anything else is 400. A viewset that
    narrows its list by more puts that before `RansackFilter`, whose order wins.
    """

    filter_backends: Any = [RansackFilter]
    action: str

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Only lists are filtered: a record that is named by its id is that record."""
        following: Any = super()
        found: QuerySet[Any] = queryset
        return following.filter_queryset(found) if self.action == "list" else found


class Destroys(DestroyModelMixin):
    """`DELETE` answers 200 and a message (contract: Device, User)."""

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete the record by `perform_destroy`."""
        super().destroy(request, *args, **kwargs)
        return Response({"message": "OK"})


class RootView(ApiView):
    """`GET /` and `GET /v0`: where everything is (reference: Root Endpoint).

    The page that a browser gets at `/` stands before this in the URL map, and calls this view for
    those who do not prefer HTML.
    """

    ENDPOINTS = {
        "current_user_url": "me",
        "components_url": "components",
        "devices_url": "devices",
        "kits_url": "kits",
        "measurements_url": "measurements",
        "sensors_url": "sensors",
        "tags_url": "tags",
        "users_url": "users",
        "search_url": "search",
    }

    def get(self, request: Request) -> Response:
        """Name → absolute URL, on the host that was asked."""
        urls = {
            name: request.build_absolute_uri(f"/v0/{path}") for name, path in self.ENDPOINTS.items()
        }
        documentation = request.build_absolute_uri("/docs")
        return Response(
            {**urls, "api_documentation_url": documentation, "version_git": settings.VERSION_GIT}
        )
