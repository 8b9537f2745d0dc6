"""Setting up devices over HTTP, before they have an owner (contract: Onboarding)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.permissions import SignedIn
from apps.api.texts import OptionalText
from apps.api.throttling import FloodThrottle, RequestThrottle
from apps.api.views import ApiView
from apps.devices import onboarding, world_map
from apps.devices.inputs import Description
from apps.devices.models import OrphanDevice
from apps.devices.serializers import device_json
from apps.devices.whole import whole

HEADER = "OnboardingSession"


class OrphanInput(Description):
    """What may be said of an orphan; all other fields are ignored."""

    name = OptionalText(max_length=200)


def orphan_json(orphan: OrphanDevice) -> dict[str, Any]:
    """An orphan, for who holds its session."""
    return {
        "id": orphan.pk,
        "name": orphan.name,
        "description": orphan.description,
        "kit_id": orphan.kit_id,
        "exposure": orphan.exposure,
        "latitude": orphan.latitude,
        "longitude": orphan.longitude,
        "user_tags": orphan.user_tags,
        "device_token": orphan.device_token,
        "onboarding_session": orphan.onboarding_session,
        # Whether the device itself has said hello, by the name that it goes by in old clients
        "device_handshake": orphan.seen_at is not None,
        "seen_at": orphan.seen_at,
        "created_at": orphan.created_at,
        "updated_at": orphan.updated_at,
    }


class OnboardingDeviceView(ApiView):
    """`/v0/onboarding/device`: begin with POST; then GET and PATCH by the header of the session.

    Anyone may begin, so one address may so many times an hour: enough for a workshop.
    """

    throttle_classes = [RequestThrottle, FloodThrottle]
    flood_rate = "120/h"

    def post(self, request: Request) -> Response:
        """201 and `{"onboarding_session","device_token"}`."""
        orphan = onboarding.begin(**_checked(request))
        told = {
            "onboarding_session": orphan.onboarding_session,
            "device_token": orphan.device_token,
        }
        return Response(told, status=201)

    def get(self, request: Request) -> Response:
        """The orphan; `seen_at` says when the device was heard of."""
        return Response(orphan_json(onboarding.in_session(_session(request))))

    @transaction.atomic
    def patch(self, request: Request) -> Response:
        """Change what was sent and nothing else."""
        orphan = onboarding.held(_session(request))
        onboarding.change(orphan, **_checked(request, orphan))
        return Response(orphan_json(orphan))


class OnboardingRegisterView(ApiView):
    """`POST /v0/onboarding/register`: who is signed in claims the orphan of the session."""

    permission_classes = [SignedIn]

    def post(self, request: Request) -> Response:
        """201 and the new device, whole; 200 where it was claimed by the same user before."""
        id_, is_new = onboarding.claim(_session(request), request.user)
        transaction.on_commit(world_map.drop)
        device = whole([id_], request.user)[id_]
        body = device_json(device, request.user, timezone.now())
        return Response(body, status=201 if is_new else 200)


def _session(request: Request) -> str:
    """The session that a request names; none is unknown like any other that is wrong."""
    return request.headers.get(HEADER, "").strip()


def _checked(request: Request, orphan: OrphanDevice | None = None) -> dict[str, Any]:
    """What a request says of an orphan, by the names of the model."""
    sent = OrphanInput(orphan, data=request.data, partial=orphan is not None)
    sent.is_valid(raise_exception=True)
    checked: dict[str, Any] = sent.validated_data
    return checked
