"""Where the search is."""

from django.urls import re_path

from apps.search.views import SearchView

urlpatterns = [re_path(r"^search/?$", SearchView.as_view(), name="search")]
