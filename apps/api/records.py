"""Finds the one record that a URL names."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.db.models import Model, QuerySet

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
