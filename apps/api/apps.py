"""How the API speaks, whatever it speaks about."""

from django.apps import AppConfig
from django.core import checks

from apps.api.ransack.checks import check_declarations


class ApiConfig(AppConfig):
    """How the API speaks, whatever it speaks about."""

    name = "apps.api"

    def ready(self) -> None:
        """A search that is declared over what is not there is found when the server starts."""
        checks.register(check_declarations)
