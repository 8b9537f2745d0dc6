"""The one envelope for every error, and the handlers that put it round everything raised.

`exception_handler` serves the API's views; the others serve all else and are named in the URL
map (`handler400 = "apps.api.errors.bad_request"`, likewise 403, 404 and 500) and in the settings
(`CSRF_FAILURE_VIEW`). What nobody foresaw goes through Django, which logs it once with its stack.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

from django.core import exceptions as django
from django.db import IntegrityError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as framework
from rest_framework.response import Response
from rest_framework.serializers import as_serializer_error
from rest_framework.views import APIView, set_rollback

from apps.api import database_errors, jsonp
from apps.api.exceptions import (
    CHALLENGE,
    BadRequest,
    EndpointNotFound,
    InternalServerError,
    PayloadTooLarge,
    RecordNotFound,
    ServiceUnavailable,
)
from apps.api.renderers import JSONPRenderer, JSONRenderer, to_json, wants_pretty
from apps.api.validation import full_message, rails_errors

logger = logging.getLogger(__name__)

# contract: Errors. An exception of ours that differs from its status names its `error_id`.
IDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "record_not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    412: "precondition_failed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "unprocessable_entity",
    429: "too_many_requests",
    500: "internal_server_error",
    503: "service_unavailable",
}
AUTHORIZATION_REQUIRED = "Authorization required"
TOO_LONG = "The database took too long over this: please try again, or ask for less"
# Answers are for the one who asked, and are asked for again each time (with an ETag, cheaply).
# A view whose answer is the same for everyone may say otherwise.
CACHE_CONTROL = "private, no-cache"


def exception_handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to anything raised in a view of the API (REST_FRAMEWORK's EXCEPTION_HANDLER).

    None for a fault of ours: it is raised on, Django logs it and calls `server_error`.
    """
    error = translate(exc, context.get("view"))
    if error is None:
        return None
    set_rollback()
    return Response(envelope(error), status=status_of(error), headers=headers_of(error))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`: what is refused before it reaches a view, such as a wrong host."""
    return answer(request, translate(exception) or BadRequest())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler403`."""
    return answer(request, framework.PermissionDenied())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler404`."""
    return answer(request, EndpointNotFound())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: what nobody foresaw, wherever it was raised, middleware included.

    Django calls it while the exception is being handled and logs that afterwards.
    """
    return answer(request, translate(sys.exception()) or InternalServerError())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """`CSRF_FAILURE_VIEW`: a form of a page for browsers without its CSRF token."""
    return answer(request, framework.PermissionDenied("The CSRF token is missing or wrong"))


def answer(request: HttpRequest, error: framework.APIException) -> HttpResponse:
    """An error outside the API's views, in the envelope; as JSON-P where that was asked for."""
    body = to_json(envelope(error), pretty=wants_pretty(request.GET))
    media_type = JSONRenderer.media_type
    if name := _callback(request):
        body = jsonp.wrap(name, body)
        media_type = f"{JSONPRenderer.media_type}; charset=utf-8"
    return HttpResponse(
        body, status=status_of(error), content_type=media_type, headers=headers_of(error)
    )


def translate(
    exc: BaseException | None, view: APIView | None = None
) -> framework.APIException | None:
    """What `exc` means in HTTP; None where it means a fault of ours.

    `view` names the record that a plain "not found" raised in it is about.
    """
    match exc:
        case Http404():
            return _missing_record(view)
        case framework.NotFound() if str(exc.detail) == str(exc.default_detail):
            return _missing_record(view) if type(exc) is framework.NotFound else exc
        case framework.APIException():
            return exc
        case django.PermissionDenied():
            return framework.PermissionDenied()
        case django.ValidationError():
            return framework.ValidationError(as_serializer_error(exc))
        case django.RequestDataTooBig():
            return PayloadTooLarge()
        case django.TooManyFieldsSent() | django.TooManyFilesSent():
            return BadRequest("There are too many parameters")
        case django.DisallowedHost():
            return BadRequest("This server does not go by the name in the Host header")
        case UnreadablePostError() | MultiPartParserError():
            return BadRequest("The body cannot be read")
        case django.SuspiciousOperation() | django.BadRequest():
            return BadRequest()
        case ProtectedError() | RestrictedError():
            return database_errors.kept_from_deletion(exc)
        case IntegrityError():
            return database_errors.clash(exc)
        case Exception() if database_errors.unreachable(exc):
            logger.error("The database cannot be reached: %s", exc)
            return ServiceUnavailable()
        case OperationalError() if database_errors.took_too_long(exc):
            # With its stack, since it is a fault of ours as often as of a busy machine
            logger.error("The database took too long", exc_info=exc)
            return ServiceUnavailable(TOO_LONG)
    return None


def envelope(error: framework.APIException) -> dict[str, Any]:
    """The body of an error: `id`, `message`, `errors`, `url` (contract: Errors)."""
    status = status_of(error)
    errors = None
    message: Any = error.detail
    if status == 422:
        errors = rails_errors(error.detail)
        message = full_message(errors)
    elif status == 401 and str(error.detail) == str(error.default_detail):
        message = AUTHORIZATION_REQUIRED
    elif not isinstance(message, str):
        message = full_message(rails_errors(message))
    error_id = getattr(error, "error_id", None) or IDS.get(status, error.default_code)
    return {"id": error_id, "message": message, "errors": errors, "url": None}


def status_of(error: framework.APIException) -> int:
    """The status of an error, where the framework's differs from the contract's too."""
    if isinstance(error, framework.ValidationError):
        return 422
    # The framework makes 403 of these where a view's first credential has no challenge.
    if isinstance(error, framework.NotAuthenticated | framework.AuthenticationFailed):
        return 401
    return error.status_code


def headers_of(error: framework.APIException) -> dict[str, str]:
    """The headers that belong to an error."""
    headers = {"Cache-Control": CACHE_CONTROL}
    if status_of(error) == 401:
        headers["WWW-Authenticate"] = CHALLENGE
    if (wait := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(max(1, wait))
    return headers


def _missing_record(view: APIView | None) -> framework.NotFound:
    """The 404 of a detail view whose record was not found: names it, where the view tells it."""
    queryset = getattr(view, "queryset", None)
    field = getattr(view, "lookup_field", "pk")
    key = getattr(view, "lookup_url_kwarg", None) or field
    if view is None or queryset is None or key not in view.kwargs:
        return framework.NotFound("Couldn't find the record")
    return RecordNotFound(queryset.model, "id" if field == "pk" else field, view.kwargs[key])


def _callback(request: HttpRequest) -> str | None:
    """The callback that an error outside a view's own rendering is wrapped in, if any."""
    match = request.resolver_match
    if match is not None:
        view = getattr(match.func, "cls", None)
        options = getattr(match.func, "initkwargs", {})
        forms = options.get("renderer_classes", getattr(view, "renderer_classes", []))
        if JSONPRenderer not in forms:
            return None
    try:
        return jsonp.callback(request.method, request.GET)
    except BadRequest:
        return None
