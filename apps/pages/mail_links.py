"""The pages that links in mails lead to, and where such a mail is asked for.

Fetching one changes nothing, since mail programs fetch links on their own: a form does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters

from apps.api.complaints import checked
from apps.api.exceptions import RecordNotFound
from apps.api.pages import PageView, page
from apps.users import email_changes, guesses, password_resets
from apps.users.models import User
from apps.users.password_reset_views import NewPasswordInput, reset_of


class AskPasswordResetView(PageView):
    """`/ui/password_reset`: asks for the mail with the link."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The form."""
        return page(request, "pages/password_reset_ask.html")

    def post(self, request: HttpRequest) -> HttpResponse:
        """Have it mailed; the same page whether anyone has that address or not."""
        name = request.POST.get("name", "").strip()
        context: dict[str, Any] = {"name": name, "error": ""}
        if not name or "\0" in name:
            context["error"] = _("Enter your username or your e-mail address.")
            return page(request, "pages/password_reset_ask.html", context, 422)
        try:
            password_resets.ask(name)
        except RecordNotFound:
            context["error"] = _("Nobody has this username.")
            return page(request, "pages/password_reset_ask.html", context, 422)
        context["done"] = True
        return page(request, "pages/password_reset_ask.html", context)


@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class PasswordResetView(PageView):
    """`/ui/password_reset/TOKEN`: sets a new password."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """The form, or a page that says that the link no longer works."""
        try:
            reset = reset_of(request, token)
        except RecordNotFound:
            return useless(request, "/ui/password_reset")
        return self.show(request, reset.user.username, {})

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Set it. Nobody is signed in by it: the new password is tried out at once instead."""
        try:
            reset = reset_of(request, token)
            given = NewPasswordInput(data={"password": request.POST.get("password", "")})
            if wrong := checked(given):
                return self.show(request, reset.user.username, wrong, status=422)
            password_resets.finish(token, given.validated_data["password"])
        except RecordNotFound:
            return useless(request, "/ui/password_reset")
        request.user = AnonymousUser()  # whoever was signed in here holds the old password
        return page(
            request,
            "pages/done.html",
            {
                "title": _("Your password is set"),
                "message": _("Use it from now on. Applications have to be allowed anew."),
                "link": "/ui/sign_in",
                "label": _("Sign in"),
            },
        )

    def show(
        self,
        request: HttpRequest,
        username: str,
        errors: Mapping[str, list[str]],
        status: int = 200,
    ) -> HttpResponse:
        """The form, and what was wrong with the password."""
        context = {"username": username, "errors": errors}
        return page(request, "pages/password_reset.html", context, status)


class EmailChangeView(PageView):
    """`/ui/email_change/TOKEN`: makes a new address the account's."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        """Which account and which address, and a button."""
        try:
            user = self.user_of(request, token)
        except RecordNotFound:
            return useless(request, "")
        context = {"username": user.username, "email": user.unconfirmed_email}
        return page(request, "pages/email_change.html", context)

    def post(self, request: HttpRequest, token: str) -> HttpResponse:
        """Confirm it."""
        try:
            self.user_of(request, token)
            user = email_changes.confirm(token)
        except RecordNotFound:
            return useless(request, "")
        except IntegrityError:  # another account took the address meanwhile
            message = _("Another account has this address by now.")
            context = {"title": _("The address was not changed"), "message": message}
            return page(request, "pages/done.html", context, 422)
        message = _("%(email)s is the address of your account from now on.")
        context = {
            "title": _("The address is confirmed"),
            "message": message % {"email": user.email},
        }
        return page(request, "pages/done.html", context)

    def user_of(self, request: HttpRequest, token: str) -> User:
        """Whose address the token confirms; a wrong one is counted, as one of a reset is."""
        guesses.refuse(request, None)
        try:
            return email_changes.find(token)
        except RecordNotFound:
            guesses.count(request, None)
            raise


def useless(request: HttpRequest, again: str) -> HttpResponse:
    """The page of a link that no longer works, leading to where another is asked for."""
    context = {
        "title": _("This link no longer works"),
        "message": _("It was used already, it is too old, or a newer one was sent."),
        "link": again,
        "label": _("Ask for a new link"),
    }
    return page(request, "pages/done.html", context, 404)
