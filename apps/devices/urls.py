"""Where devices are."""

from django.urls import re_path

from apps.api.routing import Router
from apps.devices.views import DeviceViewSet, FreshWorldMapView, WorldMapView

router = Router()
router.register("devices", DeviceViewSet, "device")

urlpatterns = [
    re_path(r"^devices/world_map/?$", WorldMapView.as_view(), name="world_map"),
    re_path(r"^devices/fresh_world_map/?$", FreshWorldMapView.as_view(), name="fresh_world_map"),
    *router.urls,
]
