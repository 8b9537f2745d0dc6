"""Where the provider is: under `/oauth/`, with the names by which the library looks it up.

A trailing slash is accepted, never needed, never redirected to.
"""

from django.urls import include, path, re_path

from apps.users.oauth import endpoints, pages
from apps.users.oauth.consent import ConsentView

APPLICATION = r"^oauth/applications/(?P<pk>[0-9]+)"

provider = [
    re_path(
        r"^\.well-known/oauth-authorization-server/?$",
        endpoints.MetadataView.as_view(),
        name="oauth-server-metadata",
    ),
    re_path(r"^oauth/authorize/?$", ConsentView.as_view(), name="authorize"),
    re_path(r"^oauth/token/?$", endpoints.TokenView.as_view(), name="token"),
    re_path(r"^oauth/revoke/?$", endpoints.RevokeView.as_view(), name="revoke-token"),
    re_path(r"^oauth/introspect/?$", endpoints.IntrospectView.as_view(), name="introspect"),
    re_path(r"^oauth/applications/?$", pages.ListView.as_view(), name="list"),
    re_path(r"^oauth/applications/new/?$", pages.NewView.as_view(), name="register"),
    re_path(rf"{APPLICATION}/?$", pages.DetailView.as_view(), name="detail"),
    re_path(rf"{APPLICATION}/edit/?$", pages.EditView.as_view(), name="update"),
    re_path(rf"{APPLICATION}/delete/?$", pages.DeleteView.as_view(), name="delete"),
    re_path(rf"{APPLICATION}/rotate_secret/?$", pages.RotateView.as_view(), name="rotate"),
]
urlpatterns = [path("", include((provider, "oauth2_provider")))]
