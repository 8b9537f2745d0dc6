"""Where pages for browsers are: under `/ui/`."""

from django.urls import re_path

from apps.pages.views import SignInView, SignOutView, SignUpView

urlpatterns = [
    re_path(r"^ui/sign_in/?$", SignInView.as_view(), name="sign_in"),
    re_path(r"^ui/sign_up/?$", SignUpView.as_view(), name="sign_up"),
    re_path(r"^ui/sign_out/?$", SignOutView.as_view(), name="sign_out"),
]
