"""Where sensors, measurements and sensor tags are."""

from apps.api.routing import Router
from apps.sensors.views import MeasurementViewSet, SensorTagViewSet, SensorViewSet

router = Router()
router.register("sensors", SensorViewSet, "sensor")
router.register("measurements", MeasurementViewSet, "measurement")
router.register("tag_sensors", SensorTagViewSet, "tag_sensor")

urlpatterns = router.urls
