"""Devices over HTTP (reference: Devices)."""

from __future__ import annotations

import orjson
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.mixins import (
    CreateModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from apps.api.exceptions import RecordNotFound
from apps.api.permissions import OwnerToWrite, SignedIn
from apps.api.ransack.backend import RansackFilter
from apps.api.views import ApiView, ApiViewSet, Destroys, Lists
from apps.devices import world_map
from apps.devices.filters import DeviceFilter
from apps.devices.inputs import DeviceInput
from apps.devices.models import Device
from apps.devices.serializers import Json, device_json
from apps.devices.whole import number, whole


class DeviceSerializer(DeviceInput):
    """What a client says of a device, and a whole device as the viewer sees it."""

    def to_representation(self, instance: Device) -> Json:
        """See `device_json`; the device is one that `for_detail` fetched."""
        return device_json(instance, self.context["request"].user, timezone.now())

    def create(self, validated_data: Json) -> Device:
        """Register the device."""
        return self._whole(Device.objects.register(**validated_data))

    def update(self, instance: Device, validated_data: Json) -> Device:
        """Change what was sent and nothing else."""
        instance.change(**validated_data)
        return self._whole(instance)

    def _whole(self, device: Device) -> Device:
        """The device as it now is, with all that is shown of it."""
        return whole([device.pk], self.context["request"].user)[device.pk]


class DeviceViewSet(
    Lists,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    Destroys,
    ApiViewSet,
):
    """`/v0/devices` and `/v0/devices/:id` (reference: Devices)."""

    serializer_class = DeviceSerializer
    permission_classes = [OwnerToWrite]
    filter_backends = [DjangoFilterBackend, RansackFilter]
    filterset_class = DeviceFilter
    queryset = Device.objects.all()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Device]:
        """What the viewer may see, to be searched: of those found, `whole` tells the rest."""
        return Device.objects.visible_to(self.request.user).only("pk")

    def get_object(self) -> Device:
        """The device that the URL names; a private one is not there for strangers."""
        pk = number(self.kwargs["pk"])
        device = whole([pk], self.request.user).get(pk)
        if device is None:
            raise RecordNotFound(Device, "id", self.kwargs["pk"])
        self.check_object_permissions(self.request, device)
        return device

    def paginate_queryset(self, queryset: QuerySet[Device]) -> list[Device]:  # type: ignore[override]
        """The devices of the page, fetched whole only once it is known which they are.

        In one query PostgreSQL would also put together all that the page skips.
        """
        ids = [device.pk for device in super().paginate_queryset(queryset) or []]
        found = whole(ids, self.request.user)
        return [found[pk] for pk in ids if pk in found]

    def perform_create(self, serializer: BaseSerializer[Device]) -> None:
        """The device belongs to whoever adds it."""
        serializer.save(owner=self.request.user)
        transaction.on_commit(world_map.drop)

    def perform_update(self, serializer: BaseSerializer[Device]) -> None:
        """What the map shows may have changed: place, privacy, name."""
        serializer.save()
        transaction.on_commit(world_map.drop)

    def perform_destroy(self, instance: Device) -> None:
        """The device leaves every answer; an admin may restore or purge it."""
        instance.archive()
        transaction.on_commit(world_map.drop)


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

    permission_classes = [SignedIn]

    def get(self, request: Request) -> HttpResponseBase:
        """Computed for this request."""
        return Response(orjson.loads(world_map.compute(generation=0).body))
