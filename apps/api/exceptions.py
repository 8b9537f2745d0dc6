"""What can go wrong with a request: raise one of these anywhere, `errors.py` shapes it once.

Besides these, the exceptions of Django REST framework and of Django itself may be raised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Model
from rest_framework import status
from rest_framework.exceptions import APIException, NotFound, ValidationError

# The `WWW-Authenticate` of every 401 (contract: Errors). Here, not in `errors.py`: authentication
# classes are imported while the framework's views are.
CHALLENGE = 'Basic realm="Application", Token realm="Application", Bearer realm="Application"'

# A key is named in a message no longer than this, however long the URL was.
LONGEST_NAMED = 200


class BadRequest(APIException):
    """400: a parameter or the body cannot be understood; `detail` says which and why."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_detail = "The request cannot be understood"


class ParameterMissing(BadRequest):
    """400 with an id of its own: the required query parameter `name` is missing or blank."""

    error_id = "parameter_missing"

    def __init__(self, name: str) -> None:
        super().__init__(f"param is missing or the value is empty: {name}")


class RecordNotFound(NotFound):
    """404: there is no `model` whose `key` is `value`, or none that the viewer may see.

    `RecordNotFound(Device, "id", 101308)` says "Couldn't find Device with 'id'=101308".
    """

    def __init__(self, model: type[Model], key: str, value: object) -> None:
        shown = str(value)[:LONGEST_NAMED]
        super().__init__(f"Couldn't find {model._meta.object_name} with '{key}'={shown}")


class EndpointNotFound(NotFound):
    """404 with an id of its own: nothing of the API is at this URL."""

    error_id = "not_found"
    default_detail = "Endpoint not found"


class PayloadTooLarge(APIException):
    """413: the body is larger than the server takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large"


class PreconditionFailed(APIException):
    """412: `If-Match` or `If-Unmodified-Since` names another version than the current one."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_detail = "The record is not the version that the request asks for"


class Unprocessable(ValidationError):
    """422: `Unprocessable({"password": ["is incorrect"]})`, in Rails' words (contract: Errors)."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        super().__init__(dict(errors))


class InternalServerError(APIException):
    """500: a fault of ours; says nothing of it, since the log has it."""

    default_detail = "Internal server error"


class ServiceUnavailable(APIException):
    """503: a part that the answer needs is away; `wait` seconds later it may be back."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The service is unavailable for a moment, please try again"
    wait = 10

    def __init__(self, detail: Any = None, wait: int = wait) -> None:
        super().__init__(detail)
        self.wait = wait
