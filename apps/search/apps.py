"""One query over users and devices."""

from django.apps import AppConfig


class SearchConfig(AppConfig):
    """One query over users and devices."""

    name = "apps.search"
