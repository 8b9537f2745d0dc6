"""Who."""

from django.apps import AppConfig


class UsersConfig(AppConfig):
    """Who."""

    name = "apps.users"
