"""What the document says of users, sessions and OAuth (reference: Users)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework import serializers

from apps.api.openapi import shared
from apps.api.openapi.endpoints import (
    INTEGER,
    STRING,
    Endpoint,
    Json,
    JsonField,
    Message,
    Shape,
    catalogue,
    document,
    document_outside,
)
from apps.devices.schema import COMPACT, DeviceSummary, PlaceOfUser
from apps.users.inputs import AccountInput
from apps.users.oauth.serializers import ApplicationInput
from apps.users.onboarding_views import AddressInput
from apps.users.password_reset_views import NAMES, NewPasswordInput
from apps.users.session_views import SignInInput

SECRET = "`[FILTERED]` for others"


class DeviceOfUser(DeviceSummary):
    """A device within its owner."""

    data = JsonField(COMPACT)
    owner = serializers.CharField(help_text="The username")


class User(Shape):
    """A user as the viewer sees him (reference: Get a User)."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    role = serializers.CharField()
    first_name = serializers.CharField(allow_null=True)
    last_name = serializers.CharField(allow_null=True)
    email = serializers.CharField(help_text=SECRET)
    username = serializers.CharField()
    location = PlaceOfUser()
    url = serializers.CharField(allow_null=True)
    avatar = serializers.CharField(allow_null=True)
    profile_picture = serializers.CharField()
    joined_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    legacy_api_key = serializers.CharField(allow_null=True, help_text=SECRET)
    forwarding_token = serializers.CharField(allow_null=True, help_text=SECRET)
    forwarding_username = serializers.CharField(allow_null=True, help_text=SECRET)
    devices = DeviceOfUser(many=True)
    unconfirmed_email = serializers.CharField(
        required=False, allow_null=True, help_text="For the user himself and admins alone"
    )


class Application(Shape):
    """An OAuth application of one's own; `secret` in the answer that makes it, never again."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    uid = serializers.CharField(help_text="The client id")
    redirect_uri = serializers.CharField(help_text="One address a line")
    scopes = serializers.CharField()
    confidential = serializers.BooleanField()
    grant_type = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    secret = serializers.CharField(required=False)


class Session(Shape):
    """An access token of every scope."""

    access_token = serializers.CharField()


class Username(Shape):
    """The name of an account."""

    username = serializers.CharField()


class Whom(Shape):
    """Whose password is to be reset: one of these."""

    username = serializers.CharField(required=False)
    email = serializers.CharField(required=False)
    email_or_username = serializers.CharField(required=False)


class Words(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]
    """Words with white space between them, or a list of words."""

    target_class = "apps.users.oauth.serializers.Words"

    def map_serializer_field(self, auto_schema: Any, direction: Any) -> Json:
        """Either form."""
        return {"anyOf": [STRING, {"type": "array", "items": STRING}]}


# reference: Get a User
ALEX: Json = {
    "id": 2,
    "uuid": "1e5f1b52-5f5e-4b9c-8c5d-0a6a7f4f7f43",
    "role": "citizen",
    "first_name": None,
    "last_name": None,
    "email": "[FILTERED]",
    "username": "alex",
    "location": {"city": None, "country": None, "country_code": None},
    "url": None,
    "avatar": None,
    "profile_picture": "",
    "joined_at": "2015-02-02T15:54:37Z",
    "created_at": "2015-02-02T15:54:37Z",
    "updated_at": "2015-02-02T15:54:37Z",
    "legacy_api_key": "[FILTERED]",
    "forwarding_token": "[FILTERED]",
    "forwarding_username": "[FILTERED]",
    "devices": [],
}
NAMED = "The id, or the username"

users = catalogue(
    "/v0/users",
    "a user",
    "users",
    User,
    AccountInput,
    named=NAMED,
    examples={"list": [ALEX], "one": ALEX},
)
users["POST /v0/users"] = Endpoint(
    "Sign up", User, status=201, body=AccountInput, headers=("Location",)
)
document(
    "Users",
    {
        **users,
        "GET /v0/me": Endpoint("Get yourself", User, example=ALEX),
        "PATCH /v0/me": Endpoint("Change yourself", User, body=AccountInput),
        "DELETE /v0/me": Endpoint("Close your account", Message, errors=(422,)),
        "POST /v0/sessions": Endpoint("Sign in", Session, body=SignInInput),
        "DELETE /v0/sessions": Endpoint("Take back the access token that you come with", Message),
        "POST /v0/password_resets": Endpoint(
            "Have a link to a new password mailed",
            Message,
            body=Whom,
            description=f"One of {', '.join(f'`{name}`' for name in NAMES)}.",
            errors=(404,),
            example={"message": "Password Reset Instructions Delivered"},
        ),
        "GET /v0/password_resets/{token}": Endpoint("Whose password the link sets", User),
        "PATCH /v0/password_resets/{token}": Endpoint(
            "Set the new password", User, body=NewPasswordInput
        ),
    },
)
document(
    "Onboarding",
    {
        "POST /v0/onboarding/user": Endpoint(
            "Whether an e-mail address has an account", Username, body=AddressInput, errors=(404,)
        )
    },
)

applications = catalogue(
    "/v0/applications", "an application", "your applications", Application, ApplicationInput
)
applications["POST /v0/applications"] = Endpoint(
    "Register an application", Application, status=201, body=ApplicationInput, headers=("Location",)
)
applications["POST /v0/applications/{id}/rotate_secret"] = Endpoint(
    "Give an application a new secret", Application
)
document("OAuth", applications)

OAUTH_ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": STRING, "error_description": STRING},
}


def _of_oauth(summary: str, fields: tuple[str, ...], answer: Json, *more: int) -> Json:
    """An endpoint of RFC 6749, 7009 or 7662: a form in, JSON out."""
    form: Json = {"type": "object", "properties": dict.fromkeys(fields, STRING)}
    wrong = {"description": "Refused", "content": {"application/json": {"schema": OAUTH_ERROR}}}
    return {
        "post": {
            "operationId": f"post_oauth_{summary.split()[0].lower()}",
            "summary": summary,
            "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": form}}},
            "security": [{}, {"basic": []}],
            "responses": {
                "200": {"description": "Done", "content": {"application/json": {"schema": answer}}},
                **{str(status): wrong for status in (400, 401, 403, *more)},
                **shared.errors(429, 500, 503),
            },
        }
    }


CLIENT = ("client_id", "client_secret")
TOKEN: Json = {
    "type": "object",
    "required": ["access_token", "token_type", "scope"],
    "properties": {
        "access_token": STRING,
        "token_type": STRING,
        "expires_in": INTEGER,
        "scope": STRING,
        "refresh_token": STRING,
    },
}
GRANT = ("grant_type", "code", "redirect_uri", "code_verifier", "refresh_token", "scope", *CLIENT)
document_outside(
    "OAuth",
    {
        "/oauth/token": _of_oauth("Token for a grant (RFC 6749)", GRANT, TOKEN),
        "/oauth/revoke": _of_oauth(
            "Revoke a token (RFC 7009)", ("token", "token_type_hint", *CLIENT), {}
        ),
        "/oauth/introspect": _of_oauth(
            "Introspect a token (RFC 7662)",
            ("token", *CLIENT),
            {
                "type": "object",
                "required": ["active"],
                "properties": {"active": {"type": "boolean"}},
            },
        ),
        "/.well-known/oauth-authorization-server": {
            "get": {
                "operationId": "get_oauth_metadata",
                "summary": "What the provider can do (RFC 8414)",
                "security": [{}],
                "responses": {
                    "200": {
                        "description": "The metadata",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    **shared.errors(500, 503),
                },
            }
        },
    },
)
