"""Which scopes an application may ask for, as its owner chose them (contract: OAuth 2.0)."""

from __future__ import annotations

from typing import Any

from oauth2_provider.models import Application
from oauth2_provider.scopes import SettingsScopes
from oauth2_provider.settings import oauth2_settings

from apps.users.models import ApplicationScopes


def of(application: Application) -> list[str]:
    """The names of the scopes that an application may ask for, in the order of the settings.

    One that nobody narrowed may ask for all.
    """
    chosen = ApplicationScopes.objects.filter(application_id=application.pk).first()
    return ordered(chosen.scopes.split()) if chosen else list(oauth2_settings.SCOPES)


def ordered(names: list[str]) -> list[str]:
    """Those of the names that are scopes, in the order of the settings and each once."""
    return [name for name in oauth2_settings.SCOPES if name in names]


class ApplicationScopesBackend(SettingsScopes):  # type: ignore[misc]
    """The library's question, which scopes there are: for one application, only its own.

    A request without scopes asks for all that the application may have (contract: OAuth 2.0).
    """

    def get_available_scopes(
        self, application: Application | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """What may be asked for; of no application in particular, everything there is."""
        return of(application) if application else list(oauth2_settings.SCOPES)

    def get_default_scopes(
        self, application: Application | None = None, request: Any = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        """What is meant where nothing is asked for."""
        return self.get_available_scopes(application, request)
