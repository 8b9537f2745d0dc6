"""Where users are."""

from django.urls import re_path

from apps.api.routing import Router
from apps.users.oauth.views import ApplicationViewSet
from apps.users.onboarding_views import OnboardingUserView
from apps.users.password_reset_views import ResetsView, ResetView
from apps.users.session_views import SessionsView
from apps.users.views import MeViewSet, UserViewSet

router = Router()
router.register("users", UserViewSet, "user")
router.register("applications", ApplicationViewSet, "application")

me = MeViewSet.as_view(
    {
        "get": "retrieve",
        "patch": "partial_update",
        "put": "partial_update",  # contract, methods: PUT is PATCH
        "delete": "destroy",
    }
)
urlpatterns = [
    re_path(r"^me/?$", me, name="me"),
    re_path(r"^sessions/?$", SessionsView.as_view(), name="sessions"),
    re_path(r"^password_resets/?$", ResetsView.as_view(), name="password_resets"),
    re_path(r"^password_resets/(?P<token>[^/]+)/?$", ResetView.as_view(), name="password_reset"),
    re_path(r"^onboarding/user/?$", OnboardingUserView.as_view(), name="onboarding_user"),
    *router.urls,
]
