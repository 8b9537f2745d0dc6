"""What can be measured."""

from django.apps import AppConfig


class SensorsConfig(AppConfig):
    """What can be measured."""

    name = "apps.sensors"
