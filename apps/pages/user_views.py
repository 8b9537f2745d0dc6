"""The page of a person: who it is, and which devices."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.api.pages import PageView, page
from apps.users import accounts
from apps.users.models import User
from apps.users.serializers import user_json


class UserPage(PageView):
    """`/ui/users/<id|username>`, as everybody sees it."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        """The page, with the devices that the viewer may see."""
        found = accounts.find(User.objects.active().for_detail(request.user), name)
        shown = user_json(found, request.user, timezone.now())
        context = {"person": shown, "devices": shown["devices"]}
        return page(request, "pages/user.html", context)
