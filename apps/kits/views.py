"""Kits over HTTP (reference: Kits)."""

from __future__ import annotations

from apps.api.catalogue import CatalogueViewSet
from apps.api.records import find
from apps.kits.models import Kit
from apps.kits.serializers import KitSerializer
from apps.sensors.editions import edition


class KitViewSet(CatalogueViewSet):
    """`/v0/kits` and `/v0/kits/<id|slug>` (reference: Get All Kits; contract: Kit).

    Digits are an id, anything else a slug, whatever its case: `sck:1,1`.
    """

    serializer_class = KitSerializer
    queryset = Kit.objects.for_detail()
    queryset_to_show = Kit.objects.only("pk").annotate(edition=edition())
    lookup_value_regex = "[^/]+"

    def get_object(self) -> Kit:
        """The kit that the URL names; raises RecordNotFound."""
        named = self.kwargs["pk"]
        by = "pk" if named.isascii() and named.isdecimal() else "slug__iexact"
        kit: Kit = find(self.get_queryset(), **{by: named})
        self.check_object_permissions(self.request, kit)
        return kit
