"""Signing in, up and out in a browser, on the way to somewhere else on this site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import authenticate, login, logout
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from rest_framework.exceptions import APIException, Throttled

from apps.api import database_errors, errors
from apps.api.complaints import checked, complaints
from apps.api.pages import PageView, error_page, page
from apps.users import accounts, browser_sessions
from apps.users.inputs import AccountInput
from apps.users.models import User

BACKEND = "apps.users.backends.AccountBackend"


def next_of(request: HttpRequest, otherwise: str) -> str:
    """Where to go afterwards: what `next` says, where that is on this site."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    mine = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if mine else otherwise


class EntryView(PageView):
    """What signing in and signing up have in common."""

    template = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form; who is signed in already goes on."""
        if request.user.is_authenticated:
            return self.go_on(request)
        return self.show(request, {}, {})

    def show(
        self,
        request: HttpRequest,
        values: Mapping[str, Any],
        errors: Mapping[str, list[str]],
        status: int = 200,
        notice: str = "",
    ) -> HttpResponse:
        """The form with what was typed, but for the password, and what was wrong with it."""
        context = {
            "values": {name: values.get(name, "") for name in ("username", "email")},
            "errors": errors,
            "notice": notice,
            "next": next_of(request, ""),
        }
        return page(request, self.template, context, status)

    def go_on(self, request: HttpRequest) -> HttpResponse:
        """To where the person was on the way to."""
        return HttpResponseRedirect(next_of(request, settings.LOGIN_REDIRECT_URL))


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SignInView(EntryView):
    """`/ui/sign_in`: by username or e-mail address and password."""

    template = "pages/sign_in.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign in; `login` gives the session a new key, so that none can be foisted on anyone."""
        name, password = (request.POST.get(key, "") for key in ("username", "password"))
        try:
            user = authenticate(request, username=name.strip(), password=password)
        except APIException as error:  # too many wrong passwords
            if errors.status_of(error) != 429:
                raise
            return self.wait(request, error)
        if user is None:
            notice = _("The name or the password is incorrect.")
            return self.show(request, request.POST, {}, 422, notice)
        login(request, user)
        browser_sessions.note(request)
        return self.go_on(request)

    def wait(self, request: HttpRequest, error: APIException) -> HttpResponse:
        """The form again, saying when to come back."""
        seconds = errors.headers_of(error).get("Retry-After", "60")
        notice = _("Too many wrong passwords. Please wait %(seconds)s seconds, then try again.")
        answer = self.show(request, request.POST, {}, 429, notice % {"seconds": seconds})
        answer.headers["Retry-After"] = seconds
        return answer


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class SignUpView(EntryView):
    """`/ui/sign_up`: a new account, by the rules of `POST /v0/users`."""

    template = "pages/sign_up.html"

    def post(self, request: HttpRequest) -> HttpResponse:
        """Open the account and sign in to it."""
        sent = {key: request.POST.get(key, "") for key in ("username", "email", "password")}
        given = AccountInput(data=sent)
        if wrong := checked(given):
            return self.show(request, sent, wrong, 422)
        try:
            user: User = accounts.sign_up(**given.validated_data)
        except IntegrityError as error:  # somebody took the name in this moment
            clash = database_errors.clash(error)
            if clash is None:
                raise
            return self.show(request, sent, complaints(clash.detail), 422)
        login(request, user, backend=BACKEND)
        browser_sessions.note(request)
        return self.go_on(request)


class SignOutView(PageView):
    """`POST /ui/sign_out`: the session ends, and its cookie with it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        """Sign out and go on."""
        logout(request)
        return HttpResponseRedirect(next_of(request, settings.LOGIN_URL))


def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """`/admin/login/`: Django's page, where too many wrong passwords are a page that says so."""
    try:
        answer: HttpResponse = admin.site.login(request)
    except Throttled as error:
        return error_page(request, error)
    if request.method == "POST" and request.user.is_authenticated:
        browser_sessions.note(request)
    return answer
