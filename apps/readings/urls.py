"""Where readings are, what was refused, and the doors of the old kits."""

from django.urls import re_path

from apps.readings import kits
from apps.readings.archive_views import CsvArchiveFileView, CsvArchiveView
from apps.readings.views import IngestErrorsView, ReadingsView

urlpatterns = [
    re_path(r"^devices/(?P<pk>[0-9]+)/readings/?$", ReadingsView.as_view(), name="readings"),
    re_path(
        r"^devices/(?P<pk>[0-9]+)/ingest_errors/?$",
        IngestErrorsView.as_view(),
        name="ingest_errors",
    ),
    re_path(
        r"^devices/(?P<pk>[0-9]+)/readings/csv_archive/?$",
        CsvArchiveView.as_view(),
        name="csv_archive",
    ),
    re_path(
        r"^devices/(?P<pk>[0-9]+)/readings/csv_archive/file/?$",
        CsvArchiveFileView.as_view(),
        name="csv_archive_file",
    ),
    re_path(r"^add/?$", kits.add, name="add"),
    re_path(r"^datetime/?$", kits.tell_time, name="datetime"),
]
