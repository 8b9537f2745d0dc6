"""`/ui/me/account`: one's profile, password, key, and what may act in one's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.contrib.auth import logout, update_session_auth_hash
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from oauth2_provider.settings import oauth2_settings
from rest_framework.exceptions import Throttled

from apps.api import errors as api_errors
from apps.api.complaints import checked
from apps.api.exceptions import RecordNotFound
from apps.api.pages import SignedInPage, page
from apps.pages.my_device_views import clash
from apps.users import access, accounts, browser_sessions, legacy_keys, passwords
from apps.users.inputs import AccountInput
from apps.users.models import User

PROFILE = ("username", "first_name", "last_name", "city", "country_code", "url", "avatar")
SAID = "said"

Errors = Mapping[str, list[str]]


@method_decorator(
    sensitive_post_parameters("password", "current_password", "new_password"), name="dispatch"
)
class AccountPage(SignedInPage):
    """The page, and the base of its forms: each sends to an address of its own."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """All of it; the key is shown by a form alone."""
        return self.show(request)

    def user(self, request: HttpRequest) -> User:
        """Whoever is signed in."""
        return cast(User, request.user)

    def show(
        self,
        request: HttpRequest,
        form: str = "",
        values: Mapping[str, Any] | None = None,
        errors: Errors | None = None,
        key: str | None = None,
    ) -> HttpResponse:
        """The page, with what was typed into one of its forms and what is wrong with it."""
        user = self.stored(request)
        profile: dict[str, Any] = {name: getattr(user, name) or "" for name in PROFILE}
        if form == "profile":
            profile |= values or {}
        context = {
            "profile": profile,
            "person": user,
            "new_email": (values or {}).get("email", "") if form == "email" else "",
            "errors": {form: errors or {}},
            "key": key,
            "has_key": user.legacy_api_key_hash is not None,
            "browsers": browser_sessions.of(user, request.session.session_key),
            "sessions": access.sessions(user),
            "allowed": access.allowed(user),
            "scope_names": oauth2_settings.SCOPES,
            "said": request.session.pop(SAID, ""),
        }
        return page(request, "pages/account.html", context, 422 if errors else 200)

    def stored(self, request: HttpRequest) -> User:
        """The account as it is stored: a form that is refused has changed nothing of it."""
        user: User = User.objects.get(pk=request.user.pk)
        return user

    def done(self, request: HttpRequest, said: str) -> HttpResponse:
        """Back to the page, which says once what was done."""
        request.session[SAID] = said
        return HttpResponseRedirect(reverse("account"))

    def wrong_password(self, request: HttpRequest) -> Errors:
        """What is wrong with the password that confirms a form; it counts as a guess."""
        try:
            given = request.POST.get("current_password", "")
            known = passwords.verified(self.user(request).username, given, request)
        except Throttled as error:
            said = _("Too many wrong passwords. Please wait %(seconds)s seconds, then try again.")
            return {
                "base": [said % {"seconds": api_errors.headers_of(error).get("Retry-After", "60")}]
            }
        return {} if known else {"current_password": [_("is incorrect")]}


class AccountForm(AccountPage):
    """A form of the page: nothing is there to be got."""

    http_method_names = ["post"]


class ProfileForm(AccountForm):
    """`POST /ui/me/account/profile`."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Change what differs."""
        values = {name: request.POST.get(name, "").strip() for name in PROFILE}
        given = AccountInput(self.user(request), data=values, partial=True)
        if wrong := checked(given):
            return self.show(request, "profile", values, wrong)
        try:
            accounts.change(self.user(request), confirm_email=True, **given.validated_data)
        except IntegrityError as error:
            return self.show(request, "profile", values, clash(error))
        return self.done(request, _("Your profile is saved."))


class EmailForm(AccountForm):
    """`POST /ui/me/account/email`: counts once it is confirmed there."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Have the new address confirmed; the same address again takes the wish back."""
        values = {"email": request.POST.get("email", "").strip()}
        given = AccountInput(self.user(request), data=values, partial=True)
        if wrong := checked(given) or self.wrong_password(request):
            return self.show(request, "email", values, wrong)
        try:
            accounts.change(self.user(request), confirm_email=True, **given.validated_data)
        except Throttled:
            said = _("Too many such mails were sent. Please try again in an hour.")
            return self.show(request, "email", values, {"base": [said]})
        if self.stored(request).unconfirmed_email:
            said = _("We have mailed a link to %(email)s. The address counts once you followed it.")
            return self.done(request, said % values)
        return self.done(request, _("Your address is the one that it was."))


class PasswordForm(AccountForm):
    """`POST /ui/me/account/password`."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Set it: other browsers are signed out, this one stays."""
        new = {"password": request.POST.get("new_password", "")}
        given = AccountInput(self.user(request), data=new, partial=True)
        if found := checked(given):
            return self.show(request, "password", {}, {"new_password": found["password"]})
        if wrong := self.wrong_password(request):
            return self.show(request, "password", {}, wrong)
        accounts.change(self.user(request), confirm_email=True, **given.validated_data)
        update_session_auth_hash(request, self.user(request))
        return self.done(request, _("Your password is changed. Other browsers are signed out."))


class KeyForm(AccountForm):
    """`POST /ui/me/account/key`: shows the legacy API key in this answer alone, or a new one."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """With `rotate` the old key ends at once."""
        user = self.stored(request)
        key = legacy_keys.rotate(user) if "rotate" in request.POST else legacy_keys.reveal(user)
        return self.show(request, "key", key=key or "")


class RevokeForm(AccountForm):
    """`POST /ui/me/account/revoke`: ends a `browser`, a `session` or what an `application` may."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Take it back; 404 where it is not there, or another's."""
        user = self.user(request)
        if browser_sessions.end(user, request.POST.get("browser", "")):
            return self.done(request, _("That browser is signed out."))
        for name, verb in (("session", access.end_session), ("application", access.disallow)):
            pk = request.POST.get(name, "")
            if pk.isascii() and pk.isdecimal() and len(pk) < 18 and verb(user, int(pk)):
                return self.done(request, _("It may act for you no longer."))
        raise RecordNotFound(User, "id", request.POST.get("session", ""))


class CloseForm(AccountForm):
    """`POST /ui/me/account/close`."""

    def post(self, request: HttpRequest) -> HttpResponse:
        """Close the account, and say so on a page that nobody is signed in to."""
        if wrong := self.wrong_password(request):
            return self.show(request, "close", {}, wrong)
        accounts.archive(self.stored(request))
        logout(request)
        context = {
            "title": _("Your account is closed"),
            "message": _(
                "It and its devices are in no answer any more, and will be deleted for good."
                " Until then an administrator can bring it back."
            ),
        }
        return page(request, "pages/done.html", context)
