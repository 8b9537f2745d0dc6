"""Password resets over HTTP: the reference's four steps (reference: Reset a Password)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.exceptions import ParameterMissing, RecordNotFound
from apps.api.requests import ApiRequest
from apps.api.views import ApiView
from apps.users import guesses, password_resets
from apps.users.models import PasswordReset, User
from apps.users.serializers import user_json

# In the order in which they are looked at (contract: Password reset).
NAMES = ("username", "email", "email_or_username")
DELIVERED = {"message": "Password Reset Instructions Delivered"}


class NewPasswordInput(serializers.Serializer[User]):
    """A new password, by the rules of a new account."""

    password = serializers.CharField(trim_whitespace=False, validators=[validate_password])


class ResetsView(ApiView):
    """`POST /v0/password_resets`: has the link mailed (steps 1 and 2)."""

    write_scope = "public"  # anyone may ask, with whatever credential

    def post(self, request: Request) -> Response:
        """200, also for an address that nobody has; 404 for such a username."""
        password_resets.ask(named_in(cast(ApiRequest, request).data))
        return Response(DELIVERED)


class ResetView(ApiView):
    """`/v0/password_resets/TOKEN`: whose password it sets, and setting it (steps 3 and 4).

    Tokens cannot be guessed; who tries all the same is slowed down like a guesser of passwords.
    """

    write_scope = "public"  # the token is what opens it

    def get(self, request: Request, token: str) -> Response:
        """The user, as anyone sees him."""
        return Response(seen_by_anyone(reset_of(request, token).user))

    def patch(self, request: Request, token: str) -> Response:
        """Set the new password; 200 and the user."""
        reset_of(request, token)
        sent = NewPasswordInput(data=request.data)
        sent.is_valid(raise_exception=True)
        user = password_resets.finish(token, sent.validated_data["password"])
        return Response(seen_by_anyone(user))


def named_in(parameters: Mapping[str, Any]) -> str:
    """The username or address that was sent; raises ParameterMissing."""
    for name in NAMES:
        value = parameters.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
    raise ParameterMissing(NAMES[0])


def reset_of(request: Any, token: str) -> PasswordReset:
    """The reset that a token opens; a wrong one is counted (429 after too many) and 404."""
    guesses.refuse(request, None)
    try:
        return password_resets.find(token)
    except RecordNotFound:
        guesses.count(request, None)
        raise


def seen_by_anyone(user: User) -> dict[str, Any]:
    """A user without secrets: whoever has a token has not signed in yet."""
    anyone = AnonymousUser()
    shown = User.objects.active().for_detail(anyone).get(pk=user.pk)
    return user_json(shown, anyone, timezone.now())
