"""What a browser sees."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """What a browser sees."""

    name = "apps.pages"
