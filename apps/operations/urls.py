"""Where machines ask about the platform itself."""

from django.urls import re_path

from apps.operations.views import LiveView, MetricsView, ReadyView

urlpatterns = [
    re_path(r"^health/live/?$", LiveView.as_view(), name="health-live"),
    re_path(r"^health/ready/?$", ReadyView.as_view(), name="health-ready"),
    re_path(r"^metrics/?$", MetricsView.as_view(), name="metrics"),
]
