"""The step of setting up a device that asks whether its owner has an account yet."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.exceptions import RecordNotFound
from apps.api.throttling import FloodThrottle, RequestThrottle
from apps.api.views import ApiView
from apps.users.models import User


class AddressInput(serializers.Serializer[User]):
    """An e-mail address."""

    email = serializers.EmailField(max_length=254)


class OnboardingUserView(ApiView):
    """`POST /v0/onboarding/user`: the username of an e-mail address (contract: Onboarding).

    It tells anyone whether an address has an account, so one address may ask so many times an
    hour: enough for a workshop, too few to try a list.
    """

    throttle_classes = [RequestThrottle, FloodThrottle]
    flood_rate = "60/h"
    write_scope = "public"  # a POST that changes nothing

    def post(self, request: Request) -> Response:
        """200 and `{"username"}`, or 404."""
        sent = AddressInput(data=request.data)
        sent.is_valid(raise_exception=True)
        email = sent.validated_data["email"]
        user = User.objects.active().named(email).first()
        if user is None:
            raise RecordNotFound(User, "email", email)
        return Response({"username": user.username})
