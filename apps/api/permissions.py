"""Who may do what (contract, section 2), as blocks for `permission_classes`.

Who is not signed in gets 401 where a permission is lacking, who is signed in 403; Django REST
framework tells the two apart. Which records anyone sees is not decided here, but by querysets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

if TYPE_CHECKING:  # the framework imports this module while its own views are imported
    from rest_framework.views import APIView


class SignedIn(BasePermission):
    """Users alone, reading included: `/v0/me`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether a user asks; an application that acts as no user is none."""
        return is_user(request)


class SignedInToWrite(BasePermission):
    """Anyone reads, users write: `POST /v0/devices`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether it is a read, or a user asks."""
        return request.method in SAFE_METHODS or is_user(request)


class OwnerToWrite(SignedInToWrite):
    """Anyone reads a record, its owner and admins change it: a device, an experiment."""

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        """Whether it is a read, or the record's owner or an admin asks."""
        reads = request.method in SAFE_METHODS
        return reads or is_admin(request) or self.owner_id(obj) == request.user.pk

    def owner_id(self, obj: Any) -> Any:
        """The id of the user who owns `obj`; for records that keep it elsewhere, override this."""
        return obj.owner_id


class SelfToWrite(OwnerToWrite):
    """Anyone reads a user, he himself and admins change him."""

    def owner_id(self, obj: Any) -> Any:
        """A user owns himself."""
        return obj.pk


class AdminToWrite(BasePermission):
    """Anyone reads, admins write: sensors, kits, measurements, tags."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether it is a read, or an admin asks."""
        return request.method in SAFE_METHODS or is_admin(request)


class AdminOnly(BasePermission):
    """Admins alone, reading included."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether an admin asks."""
        return is_admin(request)


def is_user(request: Request) -> bool:
    """Whether the request acts as a user."""
    return bool(request.user and request.user.is_authenticated)


def is_admin(request: Request) -> bool:
    """Whether the request acts as an admin."""
    return is_user(request) and bool(getattr(request.user, "is_admin", False))
