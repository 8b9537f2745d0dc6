"""What the views of the toy API stand on: who asks, and what can be raised."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import ProtectedError
from django.http import Http404
from django.http.request import UnreadablePostError
from rest_framework import exceptions as framework
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from apps.api.exceptions import (
    EndpointNotFound,
    ParameterMissing,
    RecordNotFound,
    ServiceUnavailable,
)
from apps.api.views import ApiView
from apps.devices.models import Device, Tag
from apps.users.models import User


class NamedUser(BaseAuthentication):
    """`Authorization: User alice` is alice; any other credential is wrong."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        header = request.headers.get("Authorization")
        if header is None:
            return None
        user = User.objects.filter(username=header.removeprefix("User ")).first()
        if user is None:
            raise framework.AuthenticationFailed
        return user, None


class Toy(ApiView):
    """Free of real credentials and limits."""

    authentication_classes = [NamedUser]
    throttle_classes: Any = []


class Teapot(framework.APIException):
    """A status that the contract does not know."""

    status_code = 418
    default_detail = {"tea": ["only"]}
    default_code = "teapot"


RAISED: dict[str, Any] = {
    "parse": lambda: framework.ParseError("near must be lat,lng"),
    "missing": lambda: ParameterMissing("q"),
    "anonymous": framework.NotAuthenticated,
    "expired": lambda: framework.AuthenticationFailed("The token has expired"),
    "forbidden": framework.PermissionDenied,
    "django-forbidden": PermissionDenied,
    "record": lambda: RecordNotFound(Device, "id", 101308),
    "http404": Http404,
    "not-found": lambda: framework.NotFound("The link was used already"),
    "endpoint": EndpointNotFound,
    "media": lambda: framework.UnsupportedMediaType("text/x"),
    "throttled": lambda: framework.Throttled(2.2),
    "away": ServiceUnavailable,
    "teapot": Teapot,
    "model-validation": lambda: DjangoValidationError({"name": ["bad", "worse"]}),
    "model-validation-list": lambda: DjangoValidationError("This is bad."),
    "suspicious": lambda: SuspiciousOperation("secret path /etc/passwd"),
    "django-bad": lambda: BadRequest("secret"),
    "too-big": lambda: RequestDataTooBig("secret"),
    "too-many": lambda: TooManyFieldsSent("secret"),
    "protected": lambda: ProtectedError("no", {Tag(pk=1)}),
    "unreadable": lambda: UnreadablePostError("gone"),
    "boom": lambda: RuntimeError("SELECT secret FROM /srv/secret"),
}
