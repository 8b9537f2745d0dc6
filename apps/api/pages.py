"""How a page for a browser is answered, whatever it shows: no frame, nothing from other hosts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.generic import View
from rest_framework.exceptions import APIException, Throttled

from apps.api import errors
from apps.api.throttling import RequestThrottle

# A page has one stylesheet and no script, unless it says so; scripts come from files of ours and
# talk to this server. Where a form leads is not limited here: the consent page leads to the
# application, which browsers count as the form's doing.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SCRIPTED_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
    " img-src 'self' data:{tiles}; base-uri 'none'; frame-ancestors 'none'"
)
# Django's pages for operators: files of its own alone, and forms that lead nowhere else.
ADMIN_POLICY = f"{SCRIPTED_POLICY.format(tiles='')}; form-action 'self'"
HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "no-store, private"}


class Policies:
    """Gives every answer that has no policy of its own the strictest that serves it.

    An answer of the API is no page: what is opened as one by mistake runs and shows nothing. A text
    is never taken for one (nosniff), and old kits, which read texts, have little room.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The answer, with a policy."""
        answer = self.get_response(request)
        policy = ADMIN_POLICY if request.path.startswith("/admin/") else POLICY
        if not answer.headers.get("Content-Type", "").startswith("text/plain"):
            answer.headers.setdefault("Content-Security-Policy", policy)
        return answer


class PageView(View):
    """The base of pages: forms count as requests of the client, and errors are pages too."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The answer, or the page of an exception of the API, such as 429."""
        with spoken(request):
            try:
                if request.method == "POST":
                    refuse_too_many(request, self)
                return super().dispatch(request, *args, **kwargs)
            except APIException as error:
                return error_page(request, error)


class SignedInPage(PageView):
    """The base of pages about whoever is signed in; who is not signs in first and comes back."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """The answer, after signing in."""
        if not request.user.is_authenticated:
            back = request.get_full_path() if request.method == "GET" else "/ui/me"
            return redirect_to_login(back)
        return super().dispatch(request, *args, **kwargs)


def spoken(request: HttpRequest) -> translation.override:
    """Within it texts are in the reader's language: what he chose, else what his browser asks for.

    For pages alone: the API speaks English (contract: errors).
    """
    return translation.override(translation.get_language_from_request(request))


def refuse_too_many(request: HttpRequest, view: Any) -> None:
    """Raise Throttled where this client asked too often (contract: 429)."""
    throttle = RequestThrottle()
    if not throttle.allow_request(request, view):  # type: ignore[arg-type]
        raise Throttled(throttle.wait())


def page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A template as the answer, with the headers of a page."""
    return _with_headers(render(request, template, context, status=status))


def scripted_page(
    request: HttpRequest,
    template: str,
    context: dict[str, Any],
    tiles: str = "",
    status: int = 200,
) -> HttpResponse:
    """A template with scripts of ours; `tiles` is the origin of map tiles, if there are any."""
    answer = render(request, template, context, status=status)
    policy = SCRIPTED_POLICY.format(tiles=f" {tiles}" if tiles else "")
    answer.headers["Content-Security-Policy"] = policy
    return _with_headers(answer)


def _with_headers(answer: HttpResponse) -> HttpResponse:
    answer.headers["Content-Language"] = translation.get_language() or "en"
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def error_page(request: HttpRequest, error: APIException) -> HttpResponse:
    """An error as a page, with the status and headers that the API gives it."""
    status = errors.status_of(error)
    context = {"status": status, "title": title(status), "message": message(error)}
    answer = page(request, "error.html", context, status)
    found = errors.headers_of(error)
    if wait := found.get("Retry-After"):
        answer.headers["Retry-After"] = wait
    return answer


def title(status: int) -> str:
    """What happened, for a person."""
    titles = {
        403: _("This is not allowed"),
        404: _("There is nothing here"),
        405: _("This cannot be done here"),
        429: _("Too many attempts"),
        503: _("The service is away for a moment"),
    }
    return titles.get(status, _("Something is wrong with this request"))


def message(error: APIException) -> str:
    """What can be done about it, for a person."""
    match errors.status_of(error):
        case 404:
            return _("The address may be mistyped, or what was here is gone.")
        case 429:
            wait = getattr(error, "wait", None) or 60
            return _("Please wait %(seconds)s seconds, then try again.") % {"seconds": int(wait)}
        case 500:
            return _("It is our fault, and we have been told. Please try again later.")
    return str(errors.envelope(error)["message"])
