"""Applications as JSON, and what their owner may say of them, checked."""

from __future__ import annotations

from typing import Any

from oauth2_provider.models import Application
from oauth2_provider.settings import oauth2_settings
from rest_framework import serializers

from apps.api.validation import BLANK
from apps.devices.serializers import Json
from apps.users.oauth import allowed_scopes, applications, redirect_uris

CONFIDENTIAL = {True: Application.CLIENT_CONFIDENTIAL, False: Application.CLIENT_PUBLIC}
MOST_REDIRECT_URIS = 20


def application_json(application: Application, secret: str | None = None) -> Json:
    """An application as its owner sees it (contract: OAuth 2.0); with a secret only if given."""
    found = {
        "id": application.pk,
        "name": application.name,
        "uid": application.client_id,
        "redirect_uri": "\n".join(application.redirect_uris.split()),
        "scopes": " ".join(applications.scopes_of(application)),
        "confidential": applications.is_confidential(application),
        "grant_type": applications.GRANT_NAMES.get(
            application.authorization_grant_type, application.authorization_grant_type
        ),
        "created_at": application.created,
        "updated_at": application.updated,
    }
    return found | ({"secret": secret} if secret else {})


class Words(serializers.Field[Any, Any, Any, Any]):
    """Words with white space between them, or a list of words; as a value, a list, each once."""

    def to_internal_value(self, data: Any) -> list[str]:
        """Read them."""
        if isinstance(data, str):
            data = data.split()
        if not isinstance(data, list) or not all(isinstance(word, str) for word in data):
            raise serializers.ValidationError("is invalid")
        return list(dict.fromkeys(word for entry in data for word in entry.split()))


class ApplicationInput(serializers.Serializer[Application]):
    """The fields of `POST` and `PATCH /v0/applications`; left out on PATCH, a field stays.

    All others are ignored: neither the owner, nor the client id, nor a secret, nor that nobody is
    asked for consent, can be had by naming it.
    """

    name = serializers.CharField(max_length=255)
    redirect_uri = Words(required=False)
    scopes = Words(required=False)
    confidential = serializers.BooleanField(default=True)
    grant_type = serializers.ChoiceField(list(applications.GRANTS), default="authorization_code")

    def validate_redirect_uri(self, uris: list[str]) -> list[str]:
        """Refuse too many; which ones are good depends on the other fields."""
        if len(uris) > MOST_REDIRECT_URIS:
            raise serializers.ValidationError(
                f"is too long (maximum is {MOST_REDIRECT_URIS} addresses)"
            )
        return uris

    def validate_scopes(self, names: list[str]) -> list[str]:
        """Refuse a scope that is none; no scope at all is all of them."""
        if unknown := [name for name in names if name not in oauth2_settings.SCOPES]:
            raise serializers.ValidationError(f"unknown: {', '.join(unknown)}"[:200])
        return allowed_scopes.ordered(names) or list(oauth2_settings.SCOPES)

    def validate(self, attrs: Json) -> Json:
        """The fields of the model that these values mean, where they go together."""
        now = self.current() | attrs
        errors: dict[str, list[str]] = {}
        if now["grant_type"] == "client_credentials" and not now["confidential"]:
            errors["confidential"] = ["must be true with client_credentials"]
        native = now["grant_type"] == "authorization_code" and not now["confidential"]
        found = [
            f"{words} ({uri})"
            for uri in now["redirect_uri"]
            if (words := redirect_uris.trouble(uri, native))
        ]
        if not now["redirect_uri"] and now["grant_type"] != "client_credentials":
            found = [BLANK]
        if found:
            errors["redirect_uri"] = found
        if errors:
            raise serializers.ValidationError(errors)
        values = {
            "name": now["name"],
            "redirect_uris": " ".join(now["redirect_uri"]),
            "client_type": CONFIDENTIAL[now["confidential"]],
            "authorization_grant_type": applications.GRANTS.get(
                now["grant_type"], now["grant_type"]
            ),
        }
        return values | ({"scopes": now["scopes"]} if "scopes" in attrs else {})

    def current(self) -> Json:
        """What the fields say before this request: those of the application, or the defaults."""
        if self.instance is None:
            return {"redirect_uri": [], "confidential": True, "grant_type": "authorization_code"}
        shown = application_json(self.instance)
        return shown | {"redirect_uri": self.instance.redirect_uris.split()}

    def to_representation(self, instance: Application) -> Json:
        """See `application_json`."""
        return application_json(instance, getattr(instance, "new_secret", None))

    def create(self, validated_data: Json) -> Application:
        """Register it; the answer to this request shows the secret."""
        user = self.context["request"].user
        application, secret = applications.register(user, **validated_data)
        application.new_secret = secret
        return application

    def update(self, instance: Application, validated_data: Json) -> Application:
        """Change it."""
        applications.change(instance, **validated_data)
        return instance
