"""Blueprints of hardware."""

from django.apps import AppConfig


class KitsConfig(AppConfig):
    """Blueprints of hardware."""

    name = "apps.kits"
