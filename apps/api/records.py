"""Finds the one record that a URL names, or a field of a body."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, QuerySet
from rest_framework.serializers import PrimaryKeyRelatedField

from apps.api.exceptions import RecordNotFound

M = TypeVar("M", bound=Model)


def find(queryset: QuerySet[M], **lookup: Any) -> M:
    """The row that fits `lookup`, as the client sent it: `find(Device.objects.all(), id="12")`.

    Raises RecordNotFound, naming the model and the first key, where there is none, also because
    the value does not even fit the column.
    """
    key, value = next(iter(lookup.items()))
    try:
        return queryset.get(**lookup)
    except (ObjectDoesNotExist, ValueError, TypeError, ValidationError, OverflowError):
        name = "id" if key == "pk" else key.partition("__")[0]
        raise RecordNotFound(queryset.model, name, value) from None


class RecordId(PrimaryKeyRelatedField[Any]):
    """A field that names another record by its id.

    A number that is not whole names none; the framework would find kit 2 by 2.5.
    """

    def to_internal_value(self, data: Any) -> Any:
        """The record; fails as `must exist` or `is invalid`."""
        if isinstance(data, float) and not data.is_integer():
            self.fail("does_not_exist", pk_value=data)
        return super().to_internal_value(data)
