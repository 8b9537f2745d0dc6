"""Where pages for browsers are: `/` for those who prefer HTML there, else under `/ui/`."""

from django.urls import re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language
from rest_framework.authentication import SessionAuthentication

from apps.pages import account_views
from apps.pages.developer_views import DevelopersPage
from apps.pages.device_views import DevicePage
from apps.pages.docs_views import DocsView
from apps.pages.home_views import MapMarksView, home
from apps.pages.mail_links import AskPasswordResetView, EmailChangeView, PasswordResetView
from apps.pages.my_device_views import (
    DeleteDevicePage,
    EditDevicePage,
    MyDevicesPage,
    NewDevicePage,
    RestoreDevicePage,
)
from apps.pages.silence_views import MyDevicePage
from apps.pages.user_views import UserPage
from apps.pages.views import SignInView, SignOutView, SignUpView
from apps.readings.views import ReadingsView

MINE = r"^ui/me/devices/(?P<pk>[0-9]{1,18})"
ACCOUNT = r"^ui/me/account"

urlpatterns = [
    re_path(r"^$", home, name="home"),
    re_path(r"^ui/map_marks/?$", MapMarksView.as_view(), name="map_marks"),
    re_path(r"^docs/?$", DocsView.as_view(), name="docs"),
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
    # Which language a stranger's form has somebody read in is no matter: it needs no cookie for it.
    re_path(r"^ui/language/?$", csrf_exempt(set_language), name="language"),
    re_path(r"^ui/developers/?$", DevelopersPage.as_view(), name="developers"),
    re_path(r"^ui/me/?$", MyDevicesPage.as_view(), name="my_devices"),
    re_path(r"^ui/me/devices/new/?$", NewDevicePage.as_view(), name="new_device"),
    re_path(rf"{MINE}/?$", MyDevicePage.as_view(), name="my_device"),
    re_path(rf"{MINE}/edit/?$", EditDevicePage.as_view(), name="edit_device"),
    re_path(rf"{MINE}/delete/?$", DeleteDevicePage.as_view(), name="delete_device"),
    re_path(rf"{MINE}/restore/?$", RestoreDevicePage.as_view(), name="restore_device"),
    re_path(rf"{ACCOUNT}/?$", account_views.AccountPage.as_view(), name="account"),
    re_path(rf"{ACCOUNT}/profile/?$", account_views.ProfileForm.as_view()),
    re_path(rf"{ACCOUNT}/email/?$", account_views.EmailForm.as_view()),
    re_path(rf"{ACCOUNT}/password/?$", account_views.PasswordForm.as_view()),
    re_path(rf"{ACCOUNT}/key/?$", account_views.KeyForm.as_view()),
    re_path(rf"{ACCOUNT}/revoke/?$", account_views.RevokeForm.as_view()),
    re_path(rf"{ACCOUNT}/close/?$", account_views.CloseForm.as_view()),
    re_path(r"^ui/sign_in/?$", SignInView.as_view(), name="sign_in"),
    re_path(r"^ui/sign_up/?$", SignUpView.as_view(), name="sign_up"),
    re_path(r"^ui/sign_out/?$", SignOutView.as_view(), name="sign_out"),
    re_path(r"^ui/password_reset/?$", AskPasswordResetView.as_view(), name="ask_password_reset"),
    re_path(r"^ui/password_reset/(?P<token>[^/]+)/?$", PasswordResetView.as_view()),
    re_path(r"^ui/email_change/(?P<token>[^/]+)/?$", EmailChangeView.as_view()),
]
