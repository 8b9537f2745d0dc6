"""The errors of pages are pages; those of all else have the API's envelope.

The URL map names these (`handler404 = "apps.pages.errors.page_not_found"`), the settings name
`csrf_failure`. Which it is goes by the address: an error may come before any view is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, PermissionDenied

from apps.api import errors, pages
from apps.api.exceptions import BadRequest, EndpointNotFound, InternalServerError

# `/oauth/token` and its neighbours are for programs.
PAGES = re.compile(r"/(ui|oauth/(authorize|applications))(/|\Z)")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`."""
    error = errors.translate(exception) or BadRequest()
    return _answer(request, error, lambda: errors.bad_request(request, exception))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler403`."""
    return _answer(
        request, PermissionDenied(), lambda: errors.permission_denied(request, exception)
    )


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`."""
    return _answer(request, EndpointNotFound(), lambda: errors.page_not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`.

    The page of a fault asks nothing more of what may be broken: it does not say who is signed in.
    """
    answer = errors.server_error(request)
    if not PAGES.match(request.path):
        return answer
    error = InternalServerError()
    error.status_code = answer.status_code
    with pages.spoken(request):
        shown = pages.error_page(HttpRequest(), error)
    if wait := answer.headers.get("Retry-After"):
        shown.headers["Retry-After"] = wait
    return shown


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`: a form without its token, as when cookies are off."""
    with pages.spoken(request):
        said = _("The form has expired. Go back, reload the page, and send it again.")
    error = PermissionDenied(said)
    return _answer(request, error, lambda: errors.csrf_failure(request, reason))


def _answer(
    request: HttpRequest, error: APIException, otherwise: Callable[[], HttpResponse]
) -> HttpResponse:
    """The page of an error, or the envelope where no page is."""
    if not PAGES.match(request.path):
        return otherwise()
    with pages.spoken(request):
        return pages.error_page(request, error)
