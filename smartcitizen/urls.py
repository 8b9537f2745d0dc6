"""The map of the house: one include per app."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from apps.api.openapi.views import SchemaView
from apps.api.views import RootView
from apps.pages.views import admin_sign_in

Url = URLPattern | URLResolver

# What is asked for most comes first: each pattern that is tried costs a microsecond or two.
api: list[Url] = [
    path("", include("apps.devices.urls")),
    path("", include("apps.readings.urls")),
    path("", include("apps.sensors.urls")),
    path("", include("apps.kits.urls")),
    path("", include("apps.users.urls")),
    path("", include("apps.search.urls")),
    re_path(r"^schema/?$", SchemaView.as_view(), name="schema"),
    path("", RootView.as_view(), name="root"),
]
urlpatterns: list[Url] = [
    path("v0", RootView.as_view()),
    path("v0/", include(api)),
    path("admin/login/", admin_sign_in),
    path("admin/", admin.site.urls),
    path("", include("apps.pages.urls")),
    path("", include("apps.users.oauth.urls")),
    path("", include("apps.operations.urls")),
    # Contract, paths: the same without /v0 answer as v0.
    path("", include(api)),
]

# Whatever is wrong outside a view has the API's one envelope, or is a page where pages are.
handler400 = "apps.pages.errors.bad_request"
handler403 = "apps.pages.errors.permission_denied"
handler404 = "apps.pages.errors.page_not_found"
handler500 = "apps.pages.errors.server_error"
