"""How the API speaks, whatever it speaks about."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """How the API speaks, whatever it speaks about."""

    name = "apps.api"
