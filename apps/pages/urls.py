"""Where pages for browsers are: under `/ui/`."""

from django.urls import re_path

from apps.pages.mail_links import AskPasswordResetView, EmailChangeView, PasswordResetView
from apps.pages.views import SignInView, SignOutView, SignUpView

urlpatterns = [
    re_path(r"^ui/sign_in/?$", SignInView.as_view(), name="sign_in"),
    re_path(r"^ui/sign_up/?$", SignUpView.as_view(), name="sign_up"),
    re_path(r"^ui/sign_out/?$", SignOutView.as_view(), name="sign_out"),
    re_path(r"^ui/password_reset/?$", AskPasswordResetView.as_view(), name="ask_password_reset"),
    re_path(r"^ui/password_reset/(?P<token>[^/]+)/?$", PasswordResetView.as_view()),
    re_path(r"^ui/email_change/(?P<token>[^/]+)/?$", EmailChangeView.as_view()),
]
