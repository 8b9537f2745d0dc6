"""What the platform tells everyone of itself: how large it is, and which version runs."""

from __future__ import annotations

import platform

import django
from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.views import ApiView
from apps.operations import totals

SHARED_CACHE = f"public, max-age={totals.KEPT_SECONDS}"


class TotalsView(ApiView):
    """`GET /v0/metrics`: how many devices and users there are (contract: shapes).

    Under `/v0/` alone: `/metrics` is for Prometheus.
    """

    authentication_classes = []

    def get(self, request: Request) -> Response:
        """The same for everyone, at most a minute old."""
        return Response(totals.current(), headers={"Cache-Control": SHARED_CACHE})


class VersionView(ApiView):
    """`GET /v0/version`: what runs here (contract: shapes)."""

    authentication_classes = []

    def get(self, request: Request) -> Response:
        """`branch` and `revision` are what the build was told, else `unknown`."""
        return Response(
            {
                "env": "development" if settings.DEBUG else "production",
                "version": settings.VERSION,
                "python": platform.python_version(),
                "django": django.get_version(),
                "branch": settings.VERSION_BRANCH,
                "revision": settings.VERSION_GIT,
            },
            headers={"Cache-Control": SHARED_CACHE},
        )
