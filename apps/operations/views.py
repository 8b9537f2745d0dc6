"""What machines ask about the platform itself: health and figures."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.views import ApiView
from apps.operations import figures, health


@method_decorator(never_cache, "dispatch")
class OperationsView(ApiView):
    """Answers that are never kept, for whoever asks, without credentials and as often as wanted."""

    authentication_classes = []
    throttle_classes = []


class LiveView(OperationsView):
    """`GET /health/live`: this process answers. It asks nothing else."""

    def get(self, request: Request) -> Response:
        """`{"status":"ok"}`."""
        return Response({"status": "ok"})


class ReadyView(OperationsView):
    """`GET /health/ready`: whether to send requests here; 503 where not."""

    def get(self, request: Request) -> Response:
        """`{"status":"ok"|"degraded"|"unavailable","database":"ok",…}`, one word a part."""
        found = health.readiness()
        return Response(
            {"status": found.status, **found.parts},
            status=200 if found.ready else 503,
            headers={} if found.ready else {"Retry-After": "10"},
        )


class MetricsView(OperationsView):
    """`GET /metrics`: figures of operation as Prometheus reads them."""

    def get(self, request: Request) -> HttpResponse:
        """Text, one figure a line."""
        return HttpResponse(generate_latest(figures.registry()), content_type=CONTENT_TYPE_LATEST)
