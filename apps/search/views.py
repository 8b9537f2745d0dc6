"""The search over HTTP (reference: Global Search)."""

from __future__ import annotations

from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.exceptions import ParameterMissing
from apps.api.views import GenericApiView
from apps.search.finder import Found
from apps.search.serializers import FoundSerializer


class SearchView(ListModelMixin, GenericApiView):
    """`GET /v0/search?q=…`: users and devices together, the same for everyone."""

    serializer_class = FoundSerializer

    def get(self, request: Request) -> Response:
        """A page of what is found, best match first; 400 `parameter_missing` without `q`."""
        return self.list(request)

    def get_queryset(self) -> Found:  # type: ignore[override]
        """Not a queryset: the pagination takes any sequence."""
        query = self.request.query_params.get("q", "")
        if not query.strip():
            raise ParameterMissing("q")
        return Found(query)
