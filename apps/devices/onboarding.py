"""Devices that are being set up: from the first step, without an owner, to the one who claims them.

Contract, Onboarding. Who sets one up holds its session, a secret of 122 random bits; the device
itself is told its token, which is short, since people type it. Who holds the session of an orphan
and is signed in claims it; it is a device from then on, and knows itself by the same token.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Q, QuerySet

from apps.api.exceptions import RecordNotFound, Unprocessable
from apps.api.records import find
from apps.api.validation import BLANK
from apps.devices import device_tokens, places
from apps.devices.models import Device, OrphanDevice, Tag

# As long as nobody was seen to set it up for so long, a device has been given up.
ABANDONED_AFTER = timedelta(days=7)
# The session of a device that was claimed is kept as this name of it, which leads nowhere back.
CLAIMED = UUID("6f1c1d0e-3f0b-4f43-9a3e-0d3f4b7f5b52")


def begin(tags: Iterable[Tag] = (), **fields: Any) -> OrphanDevice:
    """Begin to set up a device: an orphan with a session and a token of its own."""
    return device_tokens.with_new_token(
        lambda token: OrphanDevice.objects.create(
            device_token=token, user_tags=_names(tags), **fields
        )
    )


def in_session(session: str) -> OrphanDevice:
    """The orphan of a session; raises RecordNotFound, as for a session that is no UUID."""
    return _found(OrphanDevice.objects.all(), session)


def held(session: str) -> OrphanDevice:
    """The orphan of a session, held until the transaction ends: it is changed or claimed once."""
    return _found(OrphanDevice.objects.select_for_update(), session)


def change(orphan: OrphanDevice, tags: Iterable[Tag] | None = None, **fields: Any) -> None:
    """Change some fields of an orphan that is `held`; `tags` are all its tags from then on."""
    if tags is not None:
        fields["user_tags"] = _names(tags)
    for name, value in fields.items():
        setattr(orphan, name, value)
    orphan.save(update_fields=[*fields, "updated_at"])


@transaction.atomic
def claim(session: str, owner: Any) -> tuple[int, bool]:
    """Make the orphan of a session a device of `owner`'s: its id, and whether it is new.

    Who asks again, because the answer was lost on its way, is told the same device. Raises
    RecordNotFound for an unknown session, also once another has claimed it, and Unprocessable for
    an orphan without a name.
    """
    try:
        orphan = held(session)
    except RecordNotFound:
        claimed = Device.objects.visible_to(owner).filter(owner_id=owner.pk)
        for id_ in claimed.filter(uuid=_claimed_uuid(session)).values_list("pk", flat=True):
            return id_, False
        raise
    if not orphan.name:
        raise Unprocessable({"name": [BLANK]})
    place = {"latitude": orphan.latitude, "longitude": orphan.longitude}
    device = Device.objects.register(
        uuid=_claimed_uuid(session),
        owner=owner,
        name=orphan.name,
        description=orphan.description,
        kit=orphan.kit,
        exposure=orphan.exposure,
        device_token=orphan.device_token,
        tags=Tag.objects.filter(name__in=(orphan.user_tags or "").split(",")),
        **places.fill(place),
    )
    orphan.delete()
    return device.pk, True


def prune(now: datetime) -> int:
    """Delete the orphans that have been given up; returns how many."""
    before = now - ABANDONED_AFTER
    abandoned = OrphanDevice.objects.filter(updated_at__lt=before)
    deleted, _ = abandoned.filter(Q(seen_at=None) | Q(seen_at__lt=before)).delete()
    return deleted


def _found(orphans: QuerySet[OrphanDevice], session: str) -> OrphanDevice:
    return find(orphans, onboarding_session=session)


def _names(tags: Iterable[Tag]) -> str | None:
    """Names of tags as an orphan keeps them, separated by commas, which no name has."""
    return ",".join(tag.name for tag in tags) or None


def _claimed_uuid(session: str) -> UUID:
    """The uuid of the device that a session led to."""
    try:
        return uuid5(CLAIMED, str(UUID(session)))
    except ValueError:
        return CLAIMED  # no session, so no device's
