"""Endpoints of the catalogue: everyone reads the list and each record, admins write them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import PROTECT, Model, ProtectedError, QuerySet
from rest_framework.mixins import (
    CreateModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from rest_framework.permissions import SAFE_METHODS
from rest_framework.serializers import BaseSerializer

from apps.api.pagination import CataloguePagination
from apps.api.permissions import AdminToWrite
from apps.api.views import ApiViewSet, Destroys, Lists


class CatalogueViewSet(
    Lists,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    Destroys,
    ApiViewSet,
):
    """List, detail, and the writes of admins: 401 or 403 for others (contract, section 2).

    A subclass declares `queryset`, which fetches all that its serializer shows, and
    `serializer_class`; where less is enough to show a record than to change it, also
    `queryset_to_show`. Each write is one transaction; wrong input is 422.
    """

    permission_classes = [AdminToWrite]
    pagination_class = CataloguePagination
    lookup_value_regex = "[0-9]+"
    queryset_to_show: QuerySet[Any] | None = None

    def get_queryset(self) -> QuerySet[Any]:
        """What the request needs of the records."""
        if self.request.method in SAFE_METHODS and self.queryset_to_show is not None:
            return self.queryset_to_show.all()
        return super().get_queryset()

    @transaction.atomic
    def perform_create(self, serializer: BaseSerializer[Any]) -> None:
        """Add the record and what belongs to it."""
        serializer.save()

    @transaction.atomic
    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Change the record and what belongs to it."""
        serializer.save()

    @transaction.atomic
    def perform_destroy(self, instance: Model) -> None:
        """Delete the record; one that others need is 422, naming what they are."""
        refuse_where_needed(instance)
        instance.delete()


def refuse_where_needed(record: Model) -> None:
    """Raise ProtectedError with one row of each kind that needs `record`.

    Django's own would read every such row first, and a sensor may have a hundred thousand.
    """
    needing: set[Model] = set()
    for relation in record._meta.related_objects:
        if relation.on_delete is PROTECT:
            rows = relation.related_model._base_manager.filter(**{relation.field.name: record})
            needing.update(rows[:1])
    if needing:
        raise ProtectedError("the record is needed", needing)
