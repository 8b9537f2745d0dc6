"""Components over HTTP: which sensors the devices have that a viewer may see."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework.mixins import RetrieveModelMixin
from rest_framework.serializers import BaseSerializer

from apps.api.pagination import CataloguePagination
from apps.api.views import ApiViewSet, Lists
from apps.devices.latest import Newest, iso
from apps.devices.models import Component, Device


def component_json(component: Any) -> dict[str, Any]:
    """A component that was fetched `with_newest` (contract: Component)."""
    newest = component.newest
    return {
        "id": component.pk,
        "uuid": component.uuid,
        "device_id": component.device_id,
        "sensor_id": component.sensor_id,
        "key": component.key,
        "last_reading_at": iso(Newest(*newest).at) if newest else None,
        "created_at": component.created_at,
        "updated_at": component.updated_at,
    }


class ComponentSerializer(BaseSerializer[Component]):
    """A component, only ever read."""

    def to_representation(self, instance: Component) -> dict[str, Any]:
        """See `component_json`."""
        return component_json(instance)


class ComponentViewSet(Lists, RetrieveModelMixin, ApiViewSet):
    """`/v0/components` and `/v0/components/:id`: read only, since devices make them (contract)."""

    serializer_class = ComponentSerializer
    pagination_class = CataloguePagination
    queryset = Component.objects.all()
    lookup_value_regex = "[0-9]+"

    def get_queryset(self) -> QuerySet[Component]:
        """Components of the devices that the viewer may see, and of no others."""
        devices = Device.objects.visible_to(self.request.user)
        seen = Component.objects.filter(device__in=devices)
        return seen.only("pk") if self.action == "list" else seen.with_newest()

    def paginate_queryset(self, queryset: QuerySet[Component]) -> list[Component]:  # type: ignore[override]
        """The components of the page, fetched only once it is known which they are.

        In one query PostgreSQL would also read the newest readings of all that the page skips.
        """
        ids = [component.pk for component in super().paginate_queryset(queryset) or []]
        found = Component.objects.with_newest().in_bulk(ids)
        return [found[pk] for pk in ids if pk in found]
