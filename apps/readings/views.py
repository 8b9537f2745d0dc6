"""Readings over HTTP (reference: Get Historical Readings; contract: Readings)."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.conditional import known_by
from apps.api.pagination import CursorPagination
from apps.api.records import find
from apps.api.views import ApiView
from apps.devices.models import Device
from apps.readings import history, rolled_up


class HistoryView(ApiView):
    """`GET /v0/devices/:id/readings`: the raw readings of a device, newest first.

    Narrowed by `sensor_id`, `from` (inclusive) and `to` (exclusive). Pages follow a cursor, so
    that they stay right while new readings arrive and a deep page costs no more than the first.
    """

    queryset = Device.objects.all()

    def version(self, request: Request, pk: str) -> str:
        """The device's change counter: a client that holds it already is answered 304."""
        device = find(Device.objects.visible_to(request.user).only("readings_version"), pk=pk)
        # Where the range follows the clock, so does the answer.
        query = request.query_params
        wanted = history.Range.from_parameters(query)
        if "rollup" in query:
            resolved = rolled_up.Request.from_parameters(query)
            return f"{device.readings_version} {resolved.start} {resolved.end}"
        return f"{device.readings_version} {wanted.start} {wanted.end}"

    @known_by(version)
    def get(self, request: Request, pk: str) -> Response:
        """An array of `{"device_id","recorded_at","added_at","data":{"7":50.0,"7_raw":0,…}}`."""
        if "rollup" in request.query_params:
            asked = rolled_up.Request.from_parameters(request.query_params)
            return Response(rolled_up.as_json(int(pk), asked))
        wanted = history.Range.from_parameters(request.query_params)
        pages = CursorPagination()
        found = pages.paginate_queryset(history.readings(int(pk), wanted), request, self)
        return pages.get_paginated_response(history.as_json(found, wanted.sensor_id))
