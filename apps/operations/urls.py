"""Where the platform tells of itself."""

from django.urls import re_path
from rest_framework.authentication import SessionAuthentication

from apps.operations.about_views import TotalsView, VersionView
from apps.operations.export_views import ExportView
from apps.operations.status_views import StatusPage
from apps.operations.views import LiveView, MetricsView, ReadyView

urlpatterns = [
    re_path(r"^health/live/?$", LiveView.as_view(), name="health-live"),
    re_path(r"^health/ready/?$", ReadyView.as_view(), name="health-ready"),
    re_path(r"^metrics/?$", MetricsView.as_view(), name="metrics"),
    re_path(r"^(?:v0/)?me/export/?$", ExportView.as_view(), name="export"),
    # The same for who is signed in to the pages.
    re_path(
        r"^ui/me/export/?$",
        ExportView.as_view(authentication_classes=[SessionAuthentication]),
        name="export_page",
    ),
    re_path(r"^ui/status/?$", StatusPage.as_view(), name="status_page"),
    re_path(r"^v0/metrics/?$", TotalsView.as_view(), name="totals"),
    re_path(r"^(?:v0/)?version/?$", VersionView.as_view(), name="version"),
]
