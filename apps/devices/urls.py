"""Where devices are, their components, tags and experiments, and where they are set up."""

from django.urls import re_path

from apps.api.routing import Router
from apps.devices.component_views import ComponentViewSet
from apps.devices.experiment_views import ExperimentViewSet
from apps.devices.onboarding_views import OnboardingDeviceView, OnboardingRegisterView
from apps.devices.tag_views import TagViewSet
from apps.devices.views import DeviceViewSet, FreshWorldMapView, WorldMapView

router = Router()
router.register("devices", DeviceViewSet, "device")
router.register("components", ComponentViewSet, "component")
router.register("tags", TagViewSet, "tag")
router.register("experiments", ExperimentViewSet, "experiment")

urlpatterns = [
    re_path(r"^devices/world_map/?$", WorldMapView.as_view(), name="world_map"),
    re_path(r"^devices/fresh_world_map/?$", FreshWorldMapView.as_view(), name="fresh_world_map"),
    re_path(r"^onboarding/device/?$", OnboardingDeviceView.as_view(), name="onboarding_device"),
    re_path(
        r"^onboarding/register/?$", OnboardingRegisterView.as_view(), name="onboarding_register"
    ),
    *router.urls,
]
