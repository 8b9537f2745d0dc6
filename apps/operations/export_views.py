"""One's own data over HTTP (`GET /v0/me/export`)."""

from __future__ import annotations

from typing import Any, cast

from django.http import StreamingHttpResponse
from rest_framework.exceptions import PermissionDenied
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.api.permissions import SignedIn
from apps.api.renderers import JSONRenderer
from apps.api.throttling import FloodThrottle, RequestThrottle
from apps.api.views import ApiView
from apps.operations import export
from apps.users import scopes
from apps.users.authentication import Credential
from apps.users.models import User


class ZipRenderer(BaseRenderer):
    """Says that the endpoint has a form for whoever accepts zip alone; errors are JSON."""

    media_type = "application/zip"
    format = "zip"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        """An error in JSON, as every other."""
        return JSONRenderer().render(data, *args, **kwargs)


class ExportView(ApiView):
    """`GET /v0/me/export`: all that the platform holds on whoever asks, as a zip."""

    permission_classes = [SignedIn]
    renderer_classes = [JSONRenderer, ZipRenderer]
    throttle_classes = [RequestThrottle, FloodThrottle]
    flood_rate = "20/h"
    flood_methods = ("GET",)

    def get(self, request: Request) -> StreamingHttpResponse:
        """The zip; 403 for a token that may not do all that its user may."""
        credential, user = cast(Credential | None, request.auth), cast(User, request.user)
        lacking = scopes.every_scope() - credential.scopes if credential else None
        if lacking:
            raise PermissionDenied(f"The token lacks the scope '{min(lacking)}'")
        answer = StreamingHttpResponse(export.archive(user), content_type="application/zip")
        answer.headers["Content-Disposition"] = 'attachment; filename="smartcitizen.zip"'
        answer.headers["Content-Encoding"] = "identity"  # it is compressed already
        answer.headers["Cache-Control"] = "no-store, private"
        return answer
