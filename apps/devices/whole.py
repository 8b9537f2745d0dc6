"""Whole devices by their ids, as one viewer sees them."""

from __future__ import annotations

import functools
from collections.abc import Collection
from typing import Any, NamedTuple

from apps.api.compiled import Compiled
from apps.devices.models import Device


class Viewer(NamedTuple):
    """What of a viewer decides which devices he sees, and what of them."""

    pk: int | None
    is_authenticated: bool
    is_admin: bool


def whole(ids: Collection[int], viewer: Any) -> dict[int, Device]:
    """Those of the devices that `viewer` may see, by id, with all that is shown of a device."""
    seen_by = Viewer(viewer.pk, viewer.is_authenticated, getattr(viewer, "is_admin", False))
    return _query(seen_by).fetch(ids)


@functools.lru_cache(maxsize=128)
def _query(viewer: Viewer) -> Compiled[Device]:
    """The query of whole devices; nearly all who ask are the anonymous viewer."""
    return Compiled(Device.objects.visible_to(viewer).for_detail(viewer))
