"""Where pages for browsers are: `/` for those who prefer HTML there, else under `/ui/`."""

from django.urls import re_path
from rest_framework.authentication import SessionAuthentication

from apps.pages.device_views import DevicePage
from apps.pages.home_views import home
from apps.pages.mail_links import AskPasswordResetView, EmailChangeView, PasswordResetView
from apps.pages.user_views import UserPage
from apps.pages.views import SignInView, SignOutView, SignUpView
from apps.readings.views import ReadingsView

urlpatterns = [
    re_path(r"^$", home, name="home"),
    re_path(r"^ui/devices/(?P<pk>[0-9]+)/?$", DevicePage.as_view(), name="device_page"),
    # The same view as the API's, for who is signed in here: private devices have charts too.
    re_path(
        r"^ui/devices/(?P<pk>[0-9]+)/readings/?$",
        ReadingsView.as_view(
            authentication_classes=[SessionAuthentication], http_method_names=["get", "head"]
        ),
        name="device_page_readings",
    ),
    re_path(r"^ui/users/(?P<name>[^/]+)/?$", UserPage.as_view(), name="user_page"),
    re_path(r"^ui/sign_in/?$", SignInView.as_view(), name="sign_in"),
    re_path(r"^ui/sign_up/?$", SignUpView.as_view(), name="sign_up"),
    re_path(r"^ui/sign_out/?$", SignOutView.as_view(), name="sign_out"),
    re_path(r"^ui/password_reset/?$", AskPasswordResetView.as_view(), name="ask_password_reset"),
    re_path(r"^ui/password_reset/(?P<token>[^/]+)/?$", PasswordResetView.as_view()),
    re_path(r"^ui/email_change/(?P<token>[^/]+)/?$", EmailChangeView.as_view()),
]
