"""`/oauth/authorize`: a person is asked whether an application may act for him (RFC 6749, 3.1)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.models import Application
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views.mixins import OAuthLibMixin
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2 import AccessDeniedError, InvalidRequestError
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error, OAuth2Error

from apps.api.pages import PageView, page
from apps.users.oauth.validator import refuse_bad_resources


class ConsentView(OAuthLibMixin, PageView):  # type: ignore[misc]
    """Shows who asks for what, and leads back with a code, a token or a refusal.

    All that is asked for is in the query of the address, of the question and of the answer to it:
    the form holds nothing but the decision, so that there is nothing in it to tamper with. Where
    the application or its redirect URI is not known, an error page says so and leads nowhere.
    """

    http_method_names = ["get", "head", "post"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The answer, or the error page or the redirect that says what was wrong."""
        try:
            following: HttpResponseBase = super().dispatch(request, *args, **kwargs)
            return following
        except FatalClientError as error:
            return self.error_page(request, error.oauthlib_error)
        except OAuthToolkitError as error:
            return self.lead_back_with(request, error.oauthlib_error)

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """The question, after signing in; no question for what an administrator trusts."""
        scopes, asked, application = self.asked(request)
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        if application.skip_authorization:
            return self.lead_back(request, scopes, asked, application)
        back = asked["redirect_uri"]
        context = {
            "application": application,
            "host": urlsplit(back).netloc or f"{urlsplit(back).scheme}:",
            "scopes": [oauth2_settings.SCOPES[name] for name in scopes],
            "here": request.get_full_path(),
        }
        return page(request, "oauth/consent.html", context)

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """The decision: anything but `allow` is no."""
        scopes, asked, application = self.asked(request)
        if not request.user.is_authenticated:  # signed out in another window
            return redirect_to_login(request.get_full_path())
        if request.POST.get("decision") != "allow":
            error = AccessDeniedError(state=asked["state"])
            raise OAuthToolkitError(error, redirect_uri=asked["redirect_uri"])
        return self.lead_back(request, scopes, asked, application)

    def asked(self, request: HttpRequest) -> tuple[list[str], dict[str, Any], Application]:
        """The scopes, the credentials and the application of a request; raises what is wrong."""
        try:
            scopes, asked = self.validate_authorization_request(request)
        except ValueError:  # an address whose percent signs mean nothing
            error = InvalidRequestError("The address of this page cannot be read")
            raise FatalClientError(error) from None
        if asked.get("code_challenge_method") == "plain":
            error = InvalidRequestError("code_challenge_method must be S256", state=asked["state"])
            raise OAuthToolkitError(error, redirect_uri=asked["redirect_uri"])
        if resources := request.GET.getlist("resource"):  # RFC 8707
            try:
                refuse_bad_resources(resources, asked["state"])
            except CustomOAuth2Error as error:
                raise OAuthToolkitError(error, redirect_uri=asked["redirect_uri"]) from None
            asked["resource"] = resources
        return scopes, asked, asked["request"].client

    def lead_back(
        self,
        request: HttpRequest,
        scopes: list[str],
        asked: dict[str, Any],
        application: Application,
    ) -> HttpResponse:
        """Back to the application, with what was asked for."""
        uri = self.create_authorization_response(request, " ".join(scopes), asked, allow=True)[0]
        return redirect(uri)

    def lead_back_with(self, request: HttpRequest, error: OAuth2Error) -> HttpResponse:
        """Back to the application with an error, where the address is one that it registered."""
        application = Application.objects.filter(client_id=request.GET.get("client_id", "")).first()
        back = error.redirect_uri or ""
        if application is None or not application.redirect_uri_allowed(back):
            return self.error_page(request, error)
        told = dict(error.twotuples)
        if state := request.GET.get("state"):
            told["state"] = state
        issuer = oauth2_settings.oauth2_authorization_server_issuer(request)  # RFC 9207
        implicit = request.GET.get("response_type") == "token"
        return redirect(add_params_to_uri(back, [*told.items(), ("iss", issuer)], implicit))

    def error_page(self, request: HttpRequest, error: OAuth2Error) -> HttpResponse:
        """What went wrong, for the person, who can do nothing but tell the application's makers."""
        context = {"error": error.error, "description": error.description}
        return page(request, "oauth/error.html", context, status=400)


def redirect(uri: str) -> HttpResponse:
    """To an address that the application registered, whatever its scheme is."""
    answer: HttpResponse = OAuth2ResponseRedirect(uri, [urlsplit(uri).scheme])
    return answer
