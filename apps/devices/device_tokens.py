"""Tokens by which kits name themselves over MQTT: short, since people type them."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError, transaction

from apps.devices.models import Device, OrphanDevice

T = TypeVar("T")

# What people do not take for another character when they read or type it: 31**6 tokens.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
LENGTH = 6
TRIES = 20


def with_new_token(use: Callable[[str], T]) -> T:
    """What `use` makes of a token that neither a device nor an orphan has.

    It is called again, with another one, where it raises IntegrityError: somebody has taken the
    token in this moment.
    """
    for _ in range(TRIES):
        token = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
        if any(
            model.objects.filter(device_token=token).exists() for model in (Device, OrphanDevice)
        ):
            continue
        try:
            with transaction.atomic():
                return use(token)
        except IntegrityError:
            continue
    raise RuntimeError("no device token is free")  # of 887 million, twenty were taken


def replace(device: Device) -> str:
    """Give a device a new token and return it; the former one names it no longer."""

    def save(token: str) -> str:
        Device.objects.filter(pk=device.pk).update(device_token=token)
        return token

    device.device_token = with_new_token(save)
    return device.device_token
