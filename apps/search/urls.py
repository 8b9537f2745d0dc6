"""Where the search is."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
