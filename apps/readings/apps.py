"""The time series."""

from django.apps import AppConfig


class ReadingsConfig(AppConfig):
    """The time series."""

    name = "apps.readings"
