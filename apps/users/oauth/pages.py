"""`/oauth/applications`: one's own applications in the browser (contract: OAuth 2.0)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from oauth2_provider.models import Application
from oauth2_provider.settings import oauth2_settings

from apps.api.complaints import checked
from apps.api.pages import SignedInPage, page
from apps.users.oauth import applications
from apps.users.oauth.serializers import ApplicationInput, application_json

PER_PAGE = 25
KINDS = {
    "true": (
        _("On a server of yours"),
        _("Confidential: it proves who it is by a secret that its users never see."),
    ),
    "false": (
        _("On the device of its user"),
        _("Public: a browser app, a phone or desktop app. It has no secret and uses PKCE."),
    ),
}
GRANTS = {
    "authorization_code": (
        _("People sign in with their account"),
        _("Authorization code, with refresh tokens. The right choice for nearly all."),
    ),
    "client_credentials": (
        _("It works on its own, for nobody"),
        _("Client credentials: it reads what anyone reads. Only for servers."),
    ),
    "implicit": (
        _("It is old and cannot do better"),
        _("Implicit grant: the token is part of an address. Not for new applications."),
    ),
}


class OwnView(SignedInPage):
    """The base of these pages: for whoever is signed in, about his own applications."""

    def found(self, pk: str) -> Application:
        """The application of this id; 404 where there is none, or it is another's."""
        application = applications.owned_by(self.request.user).filter(pk=int(pk[:18])).first()
        if application is None:
            raise Http404
        return application


class ListView(OwnView):
    """`/oauth/applications`."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, newest last."""
        pages = Paginator(applications.owned_by(request.user), PER_PAGE)
        shown = pages.get_page(request.GET.get("page"))
        return page(request, "oauth/applications.html", {"page": shown})


class FormView(OwnView):
    """What making and editing have in common: the same checks as those of the JSON."""

    def show(
        self,
        request: HttpRequest,
        values: Mapping[str, Any],
        application: Application | None = None,
        errors: Mapping[str, list[str]] | None = None,
    ) -> HttpResponse:
        """The form with these values, and what is wrong with them."""
        context = {
            "application": application,
            "values": values,
            "errors": errors or {},
            "kinds": KINDS,
            "grants": GRANTS,
            "scopes": oauth2_settings.SCOPES,
        }
        return page(request, "oauth/application_form.html", context, 422 if errors else 200)

    def sent(self, request: HttpRequest) -> dict[str, Any]:
        """What the form says; of scopes, the boxes that are ticked."""
        names = ("name", "redirect_uri", "confidential", "grant_type")
        values: dict[str, Any] = {name: request.POST.get(name, "") for name in names}
        return values | {"scopes": request.POST.getlist("scopes")}


class NewView(FormView):
    """`/oauth/applications/new`."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form, with what is right for nearly all."""
        values = {
            "confidential": "true",
            "grant_type": "authorization_code",
            "scopes": list(oauth2_settings.SCOPES),
        }
        return self.show(request, values)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Register it, and show the secret in this answer alone."""
        values = self.sent(request)
        given = ApplicationInput(data=values)
        if wrong := checked(given):
            return self.show(request, values, None, wrong)
        application, secret = applications.register(request.user, **given.validated_data)  # type: ignore[arg-type]
        return shown(request, application, secret, new=True)


class DetailView(OwnView):
    """`/oauth/applications/:id`."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """All but the secret."""
        return shown(request, self.found(pk))


class EditView(FormView):
    """`/oauth/applications/:id/edit`."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The form as it is now."""
        application = self.found(pk)
        values = application_json(application)
        values["confidential"] = "true" if values["confidential"] else "false"
        values["scopes"] = values["scopes"].split()
        return self.show(request, values, application)

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Change it."""
        application = self.found(pk)
        values = self.sent(request)
        given = ApplicationInput(application, data=values)
        if wrong := checked(given):
            return self.show(request, values, application, wrong)
        applications.change(application, **given.validated_data)
        return HttpResponseRedirect(reverse("oauth2_provider:detail", args=[application.pk]))


class DeleteView(OwnView):
    """`/oauth/applications/:id/delete`: asks before it does."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The question."""
        return page(request, "oauth/application_delete.html", {"application": self.found(pk)})

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Delete it, and every token of it."""
        self.found(pk).delete()
        return HttpResponseRedirect(reverse("oauth2_provider:list"))


class RotateView(OwnView):
    """`POST /oauth/applications/:id/rotate_secret`."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """A new secret, shown in this answer alone; 404 for an application that has none."""
        application = self.found(pk)
        if not applications.is_confidential(application):
            raise Http404
        return shown(request, application, applications.rotate_secret(application))


def shown(
    request: HttpRequest, application: Application, secret: str | None = None, new: bool = False
) -> HttpResponse:
    """The page of an application."""
    told = application_json(application)
    context = {
        "application": application,
        "told": told,
        "secret": secret,
        "new": new,
        "addresses": told["redirect_uri"].split(),
        "scopes": [oauth2_settings.SCOPES[name] for name in told["scopes"].split()],
        "kind": KINDS["true" if told["confidential"] else "false"],
        "grant": GRANTS.get(told["grant_type"], (told["grant_type"], "")),
    }
    return page(request, "oauth/application.html", context)
