"""URLs of viewsets: a trailing slash is accepted, never needed, never redirected to.

Every path is served under `/v0/` and without it. An app names its patterns once; the roof
includes them twice, and `/v0` by itself, which no include can match, is named there too:

    api = [path("", include("apps.devices.urls")), …, path("", RootView.as_view())]
    urlpatterns = [
        path("v0", RootView.as_view()),
        path("v0/", include(api)),
        path("", include(api)),
    ]

A path that is written by hand, not by the router, ends in `/?` for the same reason:
`re_path(r"^me/?$", MeView.as_view())`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.routers import SimpleRouter


class Router(SimpleRouter):
    """Registers viewsets: `router.register("devices", DeviceViewSet, "device")`.

    Extra actions of the list come before the record: `devices/world_map` is no device's id. No
    format suffixes: a username may hold a dot, so one segment of a path is all that is not a
    slash. PUT is PATCH (contract: methods): omitted fields stay.
    """

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"
        self._default_value_pattern = "[^/]+"

    def get_method_map(self, viewset: Any, method_map: Mapping[str, str]) -> dict[str, str]:
        """Methods and the viewset's actions that serve them, PUT always like PATCH."""
        methods = {name: action for name, action in method_map.items() if name != "put"}
        bound = super().get_method_map(viewset, methods)
        if "patch" in bound:
            bound["put"] = bound["patch"]
        return bound
