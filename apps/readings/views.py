"""Readings over HTTP (reference: Get Historical Readings; contract: Readings)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.conditional import known_by
from apps.api.conversions import boolean
from apps.api.pagination import CursorPagination, PageNumberPagination
from apps.api.parsers import BulkJSONParser, MultiPartParser
from apps.api.permissions import OwnerToWrite, SignedIn
from apps.api.renderers import JSONRenderer
from apps.api.views import ApiView
from apps.devices.models import Device
from apps.devices.serializers import hidden_sensors, sees_secrets
from apps.devices.whole import seen
from apps.readings import exports, forms, history, posts, rolled_up
from apps.readings.models import IngestError


class ReadingsView(ApiView):
    """`/v0/devices/:id/readings`: the history of a device, and what it sends by REST.

    Raw readings are listed newest first, narrowed by `sensor_id`, `from` (inclusive) and `to`
    (exclusive). Pages follow a cursor, so that they stay right while new readings arrive and a
    deep page costs no more than the first. With `rollup` it is one sensor in buckets; as CSV or
    NDJSON it is a stream of all raw readings of the range, oldest first.
    """

    queryset = Device.objects.all()
    permission_classes = [OwnerToWrite]
    write_scope = "readings"
    renderer_classes = forms.OFFERED
    content_negotiation_class = forms.FormatNegotiation
    parser_classes = [BulkJSONParser, FormParser, MultiPartParser]
    found: Device | None = None
    joined: list[rolled_up.Joined] | None = None

    def version(self, request: Request, pk: str) -> str:
        """The device's change counter: a client that holds it already is answered 304.

        Where the range follows the clock, so does the answer.
        """
        query = request.query_params
        device = self.device(request, pk)
        wanted = history.Range.from_parameters(query)
        # Whether GPS is the owner's alone decides what a stranger is shown.
        known = f"{device.readings_version} {device.precise_location}"
        if self.is_rolled_up(request) or self.streams(request):
            known = f"{known} {self.sensors(device.pk)}"
        if self.is_rolled_up(request):
            resolved = rolled_up.Request.from_parameters(query)
            return f"{known} {resolved.start} {resolved.end}"
        return f"{known} {wanted.start} {wanted.end}"

    @known_by(version)
    def get(self, request: Request, pk: str) -> HttpResponseBase:
        """An array of `{"device_id","recorded_at","added_at","data":{"7":50.0,"7_raw":0,…}}`.

        With `rollup` an object (contract: History), otherwise by `format` or Accept a stream.
        """
        device = self.device(request, pk)
        hidden = hidden_sensors(device, sees_secrets(device, request.user))
        if self.is_rolled_up(request):
            asked = rolled_up.Request.from_parameters(request.query_params)
            return Response(rolled_up.as_json(device.pk, asked, self.sensors(device.pk), hidden))
        wanted = history.Range.from_parameters(request.query_params, hidden)
        if self.streams(request):
            return self.stream(request, device.pk, wanted)
        pages, series = CursorPagination(), wanted.of(device.pk)
        found = pages.paginate(lambda before, count: series.before(before).newest(count), request)
        return pages.get_paginated_response(history.as_json(found, wanted))

    def post(self, request: Request, pk: str) -> Response:
        """Store `{"data":[{"recorded_at","sensors":[{"id","value"}]}]}` and answer the receipt.

        201, 200 or 422 (contract: In by REST), once all is committed.
        """
        device = seen(pk, request.user, "owner_id", "kit_id")
        self.check_object_permissions(request, device)
        data = posts.elements(dict(request.data).get("data"))
        receipt = posts.take(device, data, timezone.now())
        return Response(receipt.as_json(), status=receipt.status)

    def stream(self, request: Request, device_id: int, wanted: history.Range) -> HttpResponseBase:
        """The readings as a file, in pieces that are made while it is sent."""
        form = request.accepted_renderer.format
        raw = boolean("raw", request.query_params.get("raw"))
        pieces: Iterable[bytes] = (
            exports.as_csv(device_id, wanted, raw=raw)
            if form == forms.Csv.format
            else exports.as_ndjson(device_id, wanted)
        )
        if request.method == "HEAD":
            pieces = ()  # a server may read them all, to send none
        name = f"device-{device_id}.{form}"
        return StreamingHttpResponse(
            exports.ending_visibly(pieces, form),
            content_type=f"{request.accepted_media_type}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def device(self, request: Request, pk: str) -> Device:
        """What of the device decides who sees which of its readings; raises RecordNotFound."""
        if self.found is None:
            columns = ("owner_id", "readings_version", "precise_location")
            self.found = seen(pk, request.user, *columns)
        return self.found

    def sensors(self, device_id: int) -> list[rolled_up.Joined]:
        """The device's sensors, with what they are called; asked for once."""
        if self.joined is None:
            self.joined = rolled_up.joined(device_id)
        return self.joined

    def is_rolled_up(self, request: Request) -> bool:
        """Whether buckets are asked for; a stream is of raw readings always."""
        return "rollup" in request.query_params and not self.streams(request)

    def streams(self, request: Request) -> bool:
        """Whether a stream is asked for."""
        return isinstance(request.accepted_renderer, forms.Csv | forms.Ndjson)

    def handle_exception(self, exc: Exception) -> Response:
        """Errors on the way to a stream are JSON, in the envelope."""
        if hasattr(self.request, "accepted_renderer") and self.streams(self.request):
            self.request.accepted_renderer = JSONRenderer()
            self.request.accepted_media_type = JSONRenderer.media_type
        return super().handle_exception(exc)


class IngestErrorsView(ApiView):
    """`GET /v0/devices/:id/ingest_errors`: what was refused, for the owner and admins."""

    permission_classes = [SignedIn]
    queryset = Device.objects.all()

    def get(self, request: Request, pk: str) -> Response:
        """Newest first: `id created_at last_at count source reason payload`."""
        device = seen(pk, request.user, "owner_id")
        if not sees_secrets(device, request.user):
            raise PermissionDenied("What was refused of a device is shown to its owner")
        pages = PageNumberPagination()
        found = IngestError.objects.filter(device_id=device.pk)
        page: Any = pages.paginate_queryset(found, request, self)
        return pages.get_paginated_response([_error_json(error) for error in page])


def _error_json(error: IngestError) -> dict[str, Any]:
    """A refusal as it is listed (contract: In by REST)."""
    return {
        "id": error.pk,
        "created_at": error.created_at,
        "last_at": error.last_at,
        "count": error.count,
        "source": error.source,
        "reason": error.reason,
        "payload": error.payload,
    }
