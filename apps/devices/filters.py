"""What narrows and orders a list of devices beside the search of `q` (contract: Device)."""

from __future__ import annotations

from django_filters import rest_framework as filters

from apps.api.exceptions import BadRequest
from apps.devices.models import Device
from apps.devices.positions import read_box, read_kilometres, read_point
from apps.devices.querysets import DeviceQuerySet


class DeviceFilter(filters.FilterSet):
    """`near=lat,lng` (nearest first), `within=<km>`, `with_tags=a|b`, `bbox=west,south,east,north`.

    Blank ones count for nothing; unreadable ones are 400 and named.
    """

    within = filters.CharFilter(method="narrow_within")
    with_tags = filters.CharFilter(method="narrow_with_tags")
    bbox = filters.CharFilter(method="narrow_bbox")
    near = filters.CharFilter(method="order_near")

    class Meta:
        model = Device
        fields: list[str] = []

    def order_near(self, devices: DeviceQuerySet, name: str, value: str) -> DeviceQuerySet:
        """In order of distance; an explicit sort of `q` is applied after it and wins."""
        return devices.near(read_point(name, value))

    def narrow_within(self, devices: DeviceQuerySet, name: str, value: str) -> DeviceQuerySet:
        """Within a distance of `near`."""
        near = str((self.data or {}).get("near", "")).strip()
        if not near:
            raise BadRequest("within needs near=lat,lng")
        return devices.within(read_point("near", near), read_kilometres(name, value))

    def narrow_with_tags(self, devices: DeviceQuerySet, name: str, value: str) -> DeviceQuerySet:
        """With any of the tags."""
        return devices.with_tags(part.strip() for part in value.split("|") if part.strip())

    def narrow_bbox(self, devices: DeviceQuerySet, name: str, value: str) -> DeviceQuerySet:
        """In the box."""
        return devices.in_box(read_box(name, value))
