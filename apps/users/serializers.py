"""Users as JSON, with those of their devices that the viewer may see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.devices.location import country_name
from apps.devices.models import Device
from apps.devices.serializers import Json, hidden_sensors, location_json, sees_secrets, summary_json
from apps.users import accounts, legacy_keys, scopes
from apps.users.inputs import AccountInput
from apps.users.models import User

# Contract, User: what stands where the viewer may not see a secret.
FILTERED = "[FILTERED]"


def user_json(user: User, viewer: Any, now: datetime, reveal_key: bool = True) -> Json:
    """A user as `viewer` sees him (reference: Get a User; contract: User).

    `visible_devices` is what `for_detail` fetched. Secrets are for the user himself and admins;
    the legacy API key, which opens everything, only where `reveal_key` says that the viewer came
    with no less.
    """
    mine = bool(viewer.is_authenticated and (viewer.pk == user.pk or viewer.is_admin))
    return {
        "id": user.pk,
        "uuid": user.uuid,
        "role": user.role,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "email": user.email if mine else FILTERED,
        "username": user.username,
        "location": {
            "city": user.city,
            "country_code": user.country_code,
            "country": country_name(user.country_code),
        },
        "url": user.url,
        "avatar": user.avatar,
        "profile_picture": user.avatar or "",
        "joined_at": user.created_at,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "legacy_api_key": legacy_keys.reveal(user) if mine and reveal_key else FILTERED,
        "forwarding_token": user.forwarding_token if mine else FILTERED,
        "forwarding_username": user.forwarding_username if mine else FILTERED,
        "devices": [
            nested_device_json(device, viewer, now)
            for device in user.visible_devices  # type: ignore[attr-defined]
        ],
        **({"unconfirmed_email": user.unconfirmed_email} if mine else {}),
    }


def nested_device_json(device: Device, viewer: Any, now: datetime) -> Json:
    """A device within its owner's JSON, as `viewer` sees it (contract: User).

    Unlike in a device by itself, `owner` is the username and `data` the compact latest data of
    the world map, null for a device that never posted.
    """
    mine = sees_secrets(device, viewer)
    place = location_json(device, mine)
    return summary_json(device, mine, place, now) | {
        "data": device.newest.compact(hidden_sensors(device, mine)),
        "owner": device.owner.username,
    }


class UserSerializer(AccountInput):
    """What a client says of an account, and a user as the viewer sees him."""

    def to_representation(self, instance: User) -> Json:
        """See `user_json`. A token that may do less than the legacy API key does not show it."""
        request = self.context["request"]
        whole = request.auth is None or request.auth.scopes >= scopes.every_scope()
        return user_json(instance, request.user, timezone.now(), reveal_key=whole)

    def create(self, validated_data: Json) -> User:
        """Open an account."""
        new = accounts.sign_up(**validated_data)
        user: User = User.objects.for_detail(new).get(pk=new.pk)
        return user

    def update(self, instance: User, validated_data: Json) -> User:
        """Change the account; an administrator needs no confirmation of an e-mail address."""
        by_admin = bool(self.context["request"].user.is_admin)
        accounts.change(instance, confirm_email=not by_admin, **validated_data)
        return instance


class SignUpSerializer(UserSerializer):
    """A new account, shown as its owner sees it (contract: POST)."""

    def to_representation(self, instance: User) -> Json:
        """See `user_json`."""
        return user_json(instance, instance, timezone.now())
