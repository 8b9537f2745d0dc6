"""Admin pages of the OAuth library's models, fast with many users and without their secrets.

The library registers these classes, which the settings name (`…_ADMIN_CLASS`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.http import HttpRequest
from oauth2_provider.admin import AccessTokenAdmin as LibraryAccessTokenAdmin
from oauth2_provider.admin import ApplicationAdmin as LibraryApplicationAdmin
from oauth2_provider.admin import GrantAdmin as LibraryGrantAdmin
from oauth2_provider.admin import IDTokenAdmin as LibraryIDTokenAdmin
from oauth2_provider.admin import RefreshTokenAdmin as LibraryRefreshTokenAdmin

from apps.sensors.admin_pages import PlatformAdmin

USER = ("user__username", "user__email")
APPLICATION = ("application__name", "application__client_id")


class ApplicationAdmin(LibraryApplicationAdmin, PlatformAdmin[Any]):  # type: ignore[misc]
    """Applications: an administrator sees and edits all but the secret.

    A secret is shown once, to the owner of the application, when it is made (contract: OAuth 2.0);
    so that no administrator ever knows one, applications are not made here.
    """

    list_display = ("id", "name", "user", "client_type", "authorization_grant_type", "created")
    list_display_links = ("id", "name")
    list_select_related = ("user",)
    list_filter = ("client_type", "authorization_grant_type", "skip_authorization")
    search_fields = ("name", "=client_id", *USER)
    ordering = ("-id",)
    raw_id_fields = ()
    autocomplete_fields = ("user",)
    view_on_site = False  # its page is for its owner alone
    exclude = ("client_secret", "hash_client_secret")
    readonly_fields = (
        *LibraryApplicationAdmin.readonly_fields,
        "client_id",
        "created",
        "updated",
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Applications are made by their owners."""
        return False


class TokenAdmin(PlatformAdmin[Any]):
    """What tokens have in common: they are looked at and revoked, never edited."""

    list_select_related = ("user", "application")
    list_filter: ClassVar[tuple[str, ...]] = ()
    search_fields = (*USER, *APPLICATION)
    ordering = ("-id",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the OAuth endpoints make tokens."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits a token; revoking is an action of the list."""
        return False

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out whatever could stand for the token."""
        return (*(super().get_exclude(request, obj) or ()), "token", "token_checksum")


class AccessTokenAdmin(TokenAdmin, LibraryAccessTokenAdmin):  # type: ignore[misc]
    """Access tokens, of which the database keeps a checksum alone."""

    list_display = ("id", "user", "application", "scope", "created", "expires")
    list_filter = ("expires",)
    date_hierarchy = "created"
    masked_token = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """No field for the masked token: there is nothing to mask."""
        return ()


class RefreshTokenAdmin(TokenAdmin, LibraryRefreshTokenAdmin):  # type: ignore[misc]
    """Refresh tokens, likewise."""

    list_display = ("id", "user", "application", "created", "revoked")
    list_filter = ("revoked",)
    date_hierarchy = "created"
    masked_token = None

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """No field for the masked token: there is nothing to mask."""
        return ()


class GrantAdmin(TokenAdmin, LibraryGrantAdmin):  # type: ignore[misc]
    """Authorization codes, which live for a minute."""

    list_display = ("id", "user", "application", "scope", "created", "expires")

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Leave out the code and what proves who asked for it."""
        return ("code", "code_challenge", "nonce", "claims")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """No field for the masked code either."""
        return ()


class IDTokenAdmin(TokenAdmin, LibraryIDTokenAdmin):  # type: ignore[misc]
    """Tokens of OpenID Connect, which is off: there are none."""

    list_display = ("id", "user", "application", "expires")
