"""Devices over HTTP (reference: Devices)."""

from __future__ import annotations

import orjson
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.views import ApiView, ApiViewSet
from apps.devices import world_map
from apps.devices.models import Device
from apps.devices.serializers import Json, device_json


class DeviceSerializer(serializers.BaseSerializer[Device]):
    """A whole device as the viewer sees it."""

    def to_representation(self, instance: Device) -> Json:
        """See `device_json`."""
        return device_json(instance, self.context["request"].user, timezone.now())


class DeviceViewSet(ListModelMixin, RetrieveModelMixin, ApiViewSet):
    """`GET /v0/devices` and `/v0/devices/:id` (reference: Get a Device, Get All Devices)."""

    serializer_class = DeviceSerializer
    queryset = Device.objects.all()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Device]:
        """What the viewer may see: a private device is not there for strangers."""
        viewer = self.request.user
        return Device.objects.visible_to(viewer).for_detail(viewer).order_by("pk")


class WorldMapView(ApiView):
    """`GET /v0/devices/world_map`: every public device with a position, the same for everyone.

    An array; cached for at most 60 s, so that no parameter but `callback` and `pretty` counts
    (reference: World Map of Devices).
    """

    authentication_classes = []

    def get(self, request: Request) -> HttpResponseBase:
        """The cached bytes, as they are wherever no one asks for another shape."""
        copy = world_map.current()
        if request.query_params.keys() & {"callback", "pretty"}:
            response: HttpResponseBase = Response(orjson.loads(copy.body))
        else:
            zipped = "gzip" in request.headers.get("Accept-Encoding", "")
            response = HttpResponse(
                copy.gzipped if zipped else copy.body, content_type="application/json"
            )
            response["ETag"] = f'W/"{copy.tag}"'
            if zipped:
                response["Content-Encoding"] = "gzip"
            patch_vary_headers(response, ["Accept-Encoding"])
        response["Cache-Control"] = f"public, max-age={world_map.STALE}"
        return response


class FreshWorldMapView(ApiView):
    """`GET /v0/devices/fresh_world_map`: the same, uncached, for signed-in users."""

    permission_classes = [IsAuthenticated]

    def get(self, request: Request) -> HttpResponseBase:
        """Computed for this request."""
        return Response(orjson.loads(world_map.compute(generation=0).body))
