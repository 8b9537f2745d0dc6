"""Things in the world."""

from django.apps import AppConfig


class DevicesConfig(AppConfig):
    """Things in the world."""

    name = "apps.devices"
