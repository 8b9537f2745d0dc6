"""`/ui/developers`: how to begin with the API, and a console to try a call."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.api.pages import PageView, scripted_page

EXAMPLES = (
    "/v0/devices?per_page=3",
    "/v0/devices?near=41.39,2.16&per_page=3",
    "/v0/devices?q[name_cont]=air&per_page=3",
    "/v0/sensors?per_page=5",
    "/v0/kits",
    "/v0/search?q=barcelona",
    "/v0/version",
)


class DevelopersPage(PageView):
    """The page; its commands are run by a test, as they stand (tests/pages/test_developers.py)."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """For everyone; the console needs JavaScript."""
        context: dict[str, Any] = {
            "url": settings.PUBLIC_URL,
            "examples": EXAMPLES,
            "config": {
                "public_url": settings.PUBLIC_URL,
                "texts": {
                    "failed": _("The server did not answer: {why}"),
                    "only_here": _("A path of this server, which begins with a slash."),
                    "answer": _("{status} in {ms} ms, {bytes} bytes"),
                    "asking": _("Asking…"),
                },
            },
        }
        return scripted_page(request, "pages/developers.html", context)
