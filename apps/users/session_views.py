"""Signing in over the API: an access token for a name and a password (contract: section 2)."""

from __future__ import annotations

from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api.exceptions import Unprocessable
from apps.api.permissions import SignedIn
from apps.api.views import ApiView
from apps.users import access, passwords
from apps.users.models import User


class SignInInput(serializers.Serializer[User]):
    """A username or e-mail address, and a password."""

    username = serializers.CharField(max_length=254)
    password = serializers.CharField(trim_whitespace=False)


class SessionsView(ApiView):
    """`/v0/sessions`: `POST` gives an access token of every scope, `DELETE` takes back its own."""

    write_scope = "public"  # a token that may only read can be taken back too

    def get_permissions(self) -> list[SignedIn]:
        """Anyone signs in; only who is signed in signs out."""
        return [SignedIn()] if self.request.method == "DELETE" else []

    def post(self, request: Request) -> Response:
        """200 and `{"access_token"}`; 422 where the password is wrong, or nobody has the name."""
        sent = SignInInput(data=request.data)
        sent.is_valid(raise_exception=True)
        user = passwords.verified(
            sent.validated_data["username"], sent.validated_data["password"], request
        )
        if user is None:
            raise Unprocessable({"password": ["is incorrect"]})
        return Response({"access_token": access.open_session(user)})

    def delete(self, request: Request) -> Response:
        """Take back the access token that the request came with."""
        token = getattr(request.auth, "token", None)
        if token is None:
            raise ParseError("The request came with no access token that could be taken back")
        token.revoke()
        return Response({"message": "OK"})
