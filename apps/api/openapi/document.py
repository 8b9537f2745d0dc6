"""Puts the document together: all endpoints of the URL map, and what they share."""

from __future__ import annotations

import functools
from threading import Lock
from typing import Any

from django.conf import settings
from django.utils.module_loading import autodiscover_modules
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from oauth2_provider.settings import oauth2_settings

from apps.api.openapi import shared
from apps.api.openapi.endpoints import OUTSIDE, TAGS, Json

DESCRIPTION = """\
The Smart Citizen v0 API: devices, the readings that they send, and the people who run them.

Every path is served with `/v0` and without it, with a slash at its end or without. `HEAD` works
where `GET` does, `PUT` is `PATCH`: what is left out stays. Parameters of a `POST`, `PATCH` or
`PUT` may come in the query too; the body wins. Times are UTC, in whole seconds. A credential that
is wrong is 401 even where none is needed.
"""


class Endpoints(EndpointEnumerator):
    """The endpoints of the URL map, each once: `/v0/users` for `/users` and `/v0/users/`."""

    def get_path_from_regex(self, path_regex: str) -> str:
        """The path without the slash that may follow, under `/v0` where it is there too."""
        path: str = super().get_path_from_regex(path_regex.replace("(?:v0/)?", "v0/"))
        return path.rstrip("/") or "/"

    def get_api_endpoints(self, patterns: Any = None, prefix: str = "") -> list[Any]:
        """`(path, regex, method, callback)` of each, those without `/v0` left out."""
        every = super().get_api_endpoints(patterns, prefix)
        found = [endpoint for endpoint in every if not endpoint[0].startswith("/ui/")]  # pages
        views = {path: callback.cls for path, _, _, callback in found}
        doubled = {path for path in views if views.get(f"/v0{path.rstrip('/')}") is views[path]}
        return [endpoint for endpoint in found if endpoint[0] not in doubled]


class Generator(SchemaGenerator):
    """drf-spectacular's, over endpoints of ours."""

    endpoint_inspector_cls = Endpoints

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        """The view; that versions are chosen by Accept is no matter of its path."""
        view = super().create_view(callback, method, request)
        view.versioning_class = None
        return view


_at_work = Lock()


def document() -> Json:
    """The whole document, put together once in a process; others wait, as the library must."""
    with _at_work:
        return _document()


@functools.cache
def _document() -> Json:
    autodiscover_modules("schema")
    found: Json = Generator().get_schema(public=True)
    found["info"] = {
        "title": "Smart Citizen API",
        "version": settings.VERSION,
        "description": DESCRIPTION,
    }
    found["servers"] = [{"url": "/", "description": "This server"}]
    found["tags"] = [{"name": name} for name in dict.fromkeys(TAGS)]
    for methods in found["paths"].values():
        if "patch" in methods:  # contract, methods: PUT is PATCH
            again = methods["patch"]["operationId"].replace("patch_", "put_", 1)
            methods["put"] = {**methods["patch"], "operationId": again}
    found["paths"] = dict(sorted((found["paths"] | OUTSIDE).items()))
    for kind, members in shared.components(oauth2_settings.SCOPES).items():
        found["components"].setdefault(kind, {}).update(members)
    return found
