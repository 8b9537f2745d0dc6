"""`/v0/applications`: one's own OAuth applications as JSON (contract: OAuth 2.0)."""

from __future__ import annotations

from typing import Any

from oauth2_provider.models import Application
from rest_framework.decorators import action
from rest_framework.mixins import (
    CreateModelMixin,
    ListModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import records
from apps.api.exceptions import Unprocessable
from apps.api.permissions import SignedIn
from apps.api.views import ApiViewSet, Destroys
from apps.users.oauth import applications
from apps.users.oauth.serializers import ApplicationInput, application_json

# No cache keeps an answer with a secret in it.
NOT_KEPT = {"Cache-Control": "no-store"}


class ApplicationViewSet(
    ListModelMixin, RetrieveModelMixin, CreateModelMixin, UpdateModelMixin, Destroys, ApiViewSet
):
    """List, detail and writes of one's own applications; those of others are 404, admins' too.

    `secret` is in the answer that makes an application or gives it a new one, and nowhere else.
    """

    queryset = Application.objects.none()
    serializer_class = ApplicationInput
    permission_classes = [SignedIn]
    filter_backends: Any = []

    def get_queryset(self) -> Any:
        """Whoever asks sees his own."""
        return applications.owned_by(self.request.user)

    def get_object(self) -> Application:
        """The one that the URL names; raises RecordNotFound."""
        return records.find(self.get_queryset(), id=self.kwargs["pk"])

    @action(detail=True, methods=["post"])
    def rotate_secret(self, request: Request, pk: str) -> Response:
        """`POST /v0/applications/:id/rotate_secret`: a new secret; the old one ends at once."""
        application = self.get_object()
        if not applications.is_confidential(application):
            raise Unprocessable({"confidential": ["must be true to have a secret"]})
        secret = applications.rotate_secret(application)
        return Response(application_json(application, secret), headers=NOT_KEPT)

    def get_success_headers(self, data: Any) -> dict[str, str]:
        """Where a new application is."""
        location = self.request.build_absolute_uri(f"/v0/applications/{data['id']}")
        return {"Location": location, **NOT_KEPT}
