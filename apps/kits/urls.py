"""Where kits are."""

from apps.api.routing import Router
from apps.kits.views import KitViewSet

router = Router()
router.register("kits", KitViewSet, "kit")

urlpatterns = router.urls
