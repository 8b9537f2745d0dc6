"""Users over HTTP (reference: Users)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.mixins import (
    CreateModelMixin,
    RetrieveModelMixin,
    UpdateModelMixin,
)
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.serializers import BaseSerializer

from apps.api import records
from apps.api.permissions import AdminToWrite, SelfToWrite, SignedIn
from apps.api.views import ApiViewSet, Destroys, Lists
from apps.users import accounts
from apps.users.models import User, UserQuerySet
from apps.users.serializers import SignUpSerializer, UserSerializer


class AccountViewSet(RetrieveModelMixin, UpdateModelMixin, Destroys, ApiViewSet):
    """One account, as the viewer sees it; subclasses say whose."""

    queryset = User.objects.active()
    serializer_class = UserSerializer

    def get_queryset(self) -> UserQuerySet:
        """Accounts that are not archived, with those of their devices that the viewer may see."""
        users: UserQuerySet = User.objects.active().for_detail(self.request.user)
        return users

    def perform_destroy(self, instance: User) -> None:
        """Archive it: an admin can restore it."""
        accounts.archive(instance)


class UserViewSet(Lists, CreateModelMixin, AccountViewSet):
    """`/v0/users` and `/v0/users/<id|username>` (reference: Add, Get a User, Get All Users)."""

    permission_classes = [SelfToWrite]
    # Contract, Who may do what; User: DELETE by id is for admins, since `/v0/me` is for oneself.
    permissions_of_actions: Mapping[str, list[type[BasePermission]]] = {
        "create": [AllowAny],
        "destroy": [AdminToWrite],
    }

    def get_permissions(self) -> list[Any]:
        """Those of the action, where it has its own."""
        classes = self.permissions_of_actions.get(self.action, self.permission_classes)
        return [permission() for permission in classes]

    def get_serializer_class(self) -> type[BaseSerializer[Any]]:
        """Who signs up sees his account as his own, though he is not signed in."""
        return SignUpSerializer if self.action == "create" else UserSerializer

    def get_object(self) -> User:
        """The user whom the URL names by id or username; raises RecordNotFound."""
        user = accounts.find(self.get_queryset(), self.kwargs["pk"])
        self.check_object_permissions(self.request, user)
        return user

    def get_success_headers(self, data: Any) -> dict[str, str]:
        """Where a new user is; the framework would take his web page for that."""
        return {"Location": self.request.build_absolute_uri(f"/v0/users/{data['id']}")}


class MeViewSet(AccountViewSet):
    """`/v0/me`: the account of whoever asks (reference: Get, Update Current User)."""

    permission_classes = [SignedIn]

    def get_object(self) -> User:
        """The signed-in user."""
        return records.find(self.get_queryset(), id=self.request.user.pk)
