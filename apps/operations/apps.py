"""What operators need over all apps."""

from django.apps import AppConfig

from apps.operations import ingest_rate


class OperationsConfig(AppConfig):
    """What operators need over all apps."""

    name = "apps.operations"

    def ready(self) -> None:
        """Note what has been counted by now: the first who asks for a rate is told one."""
        ingest_rate.meter.read()
