"""What operators need over all apps."""

from django.apps import AppConfig


class OperationsConfig(AppConfig):
    """What operators need over all apps."""

    name = "apps.operations"
