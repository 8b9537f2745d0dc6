"""The dashboard within the first page of the admin site, which is a template of Django's."""

from __future__ import annotations

from django import template

from apps.operations import dashboard

register = template.Library()


@register.simple_tag
def platform_dashboard() -> dashboard.Dashboard:
    """The figures of this moment."""
    return dashboard.read()
