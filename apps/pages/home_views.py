"""The first page: the map of all devices, and without scripts a list and a search."""

from __future__ import annotations

import gzip
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import F, Q
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.templatetags.static import static
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.request import Request

from apps.api.negotiation import prefers_html
from apps.api.pages import PageView, scripted_page
from apps.api.views import ApiView, RootView
from apps.devices import world_map
from apps.devices.models import Device
from apps.devices.models.device import ONLINE_FOR

MOST_LISTED = 25
MARKS_URL = "/ui/map_marks"


def home(request: HttpRequest) -> HttpResponseBase:
    """`GET /`: the page for a browser that opens it, the root of the API for everyone else."""
    wanted = HomePage if prefers_html(request) and "callback" not in request.GET else RootView
    answer: HttpResponseBase = wanted.as_view()(request)
    answer.headers["Vary"] = ", ".join(filter(None, [answer.headers.get("Vary"), "Accept"]))
    return answer


class HomePage(PageView):
    """The map, its filters and a search."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The devices that posted last; with `?q=` those whose name, city or owner contains it."""
        query = request.GET.get("q", "").strip()
        now = timezone.now()
        public = Device.objects.on_map()
        listed = public.select_related("owner").order_by(F("last_reading_at").desc(nulls_last=True))
        if query:
            listed = listed.filter(
                Q(name__icontains=query)
                | Q(city__icontains=query)
                | Q(owner__username__icontains=query)
            )
        context = {
            "query": query,
            "devices": [
                {"device": device, "status": device.status(now)} for device in listed[:MOST_LISTED]
            ],
            "total": public.count(),
            "online": public.filter(last_reading_at__gt=now - ONLINE_FOR).count(),
            "marks_url": MARKS_URL,
            "config": self.config(),
        }
        tiles = urlsplit(settings.MAP_TILE_URL)
        host = f"{tiles.scheme}://{tiles.netloc}" if tiles.netloc else ""
        return scripted_page(request, "pages/home.html", context, tiles=host.replace("{s}", "*"))

    def config(self) -> dict[str, Any]:
        """What the map's script needs: addresses and texts."""
        return {
            "marks_url": MARKS_URL,
            "tile_url": settings.MAP_TILE_URL,
            "tile_attribution": settings.MAP_TILE_ATTRIBUTION,
            "countries_110m": static("pages/built/countries-110m.json"),
            "countries_50m": static("pages/built/countries-50m.json"),
            "texts": {
                "online": _("online"),
                "offline": _("offline"),
                "new": _("new"),
                "never": _("never posted"),
                "zoom_in": _("Zoom in"),
                "zoom_out": _("Zoom out"),
                "in_view": _("{n} devices in view"),
                "one_in_view": _("{n} device in view"),
                "no_position": _("Your position is not available."),
                "map_failed": _("The devices could not be loaded: {why}"),
                "suggestions": _("Suggestions"),
                "device": _("Device"),
                "person": _("Person"),
            },
        }


class MapMarksView(ApiView):
    """`GET /ui/map_marks`: what the map draws of every public device, as columns (map_marks.py).

    The same devices as `/v0/devices/world_map`, as fresh and for everyone, in a sixth of its bytes.
    """

    authentication_classes = []

    def get(self, request: Request) -> HttpResponse:
        """The cached bytes."""
        copy = world_map.current()
        zipped = "gzip" in request.headers.get("Accept-Encoding", "")
        sent = copy.marks if zipped else gzip.decompress(copy.marks)
        response = HttpResponse(sent, content_type="application/json")
        response["ETag"] = f'W/"{copy.tag}"'
        if zipped:
            response["Content-Encoding"] = "gzip"
        patch_vary_headers(response, ["Accept-Encoding"])
        response["Cache-Control"] = f"public, max-age={world_map.STALE}"
        return response
