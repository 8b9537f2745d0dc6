"""Archives over HTTP: the owner asks for one, and whoever has the link of the mail fetches it."""

from __future__ import annotations

from django.http import FileResponse
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.exceptions import ParameterMissing
from apps.api.permissions import SignedIn
from apps.api.views import ApiView
from apps.devices.models import Device
from apps.devices.whole import seen
from apps.readings import archives


class CsvArchiveView(ApiView):
    """`GET /v0/devices/:id/readings/csv_archive`: mail the owner a link (contract: Also served).

    For the owner alone, since it is he who is mailed; 429 within six hours of the last time.
    """

    permission_classes = [SignedIn]
    queryset = Device.objects.all()

    def get(self, request: Request, pk: str) -> Response:
        """200 once the worker has been told; the file may take minutes."""
        archives.request(self._own(request, pk), timezone.now())
        message = "CSV Archive job added to queue"
        return Response({"id": "ok", "message": message, "errors": None, "url": None})

    def head(self, request: Request, pk: str) -> Response:
        """Whether it may be asked for; asks for nothing."""
        self._own(request, pk)
        return Response()

    def _own(self, request: Request, pk: str) -> int:
        """The id of the viewer's own device."""
        device = seen(pk, request.user, "owner_id")
        if device.owner_id != request.user.pk:
            raise PermissionDenied("The archive of a device is for its owner")
        return device.pk


class CsvArchiveFileView(ApiView):
    """`GET /v0/devices/:id/readings/csv_archive/file?token=`: the file, for who has the link.

    The token is in the query, which is kept out of logs.
    """

    authentication_classes = []

    def get(self, request: Request, pk: str) -> FileResponse:
        """The CSV file, streamed; 404 where the link has expired."""
        token = request.query_params.get("token", "").strip()
        if not token:
            raise ParameterMissing("token")
        archive = archives.opened(int(pk), token, timezone.now())
        return FileResponse(
            archives.path_of(archive).open("rb"),
            as_attachment=True,
            filename=f"device-{pk}.csv",
            headers={"Cache-Control": "private, no-store"},
            content_type="text/csv; charset=utf-8",
        )
