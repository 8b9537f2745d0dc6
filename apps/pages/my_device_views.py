"""`/ui/me`: one's own devices: listed, added, changed, deleted and brought back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, cast

from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from apps.api import database_errors
from apps.api.complaints import checked, complaints
from apps.api.exceptions import RecordNotFound
from apps.api.pages import SignedInPage, page, scripted_page
from apps.api.records import find
from apps.devices import forwarding, world_map
from apps.devices.inputs import DeviceInput
from apps.devices.models import Device, Tag
from apps.kits.models import Kit
from apps.users.models import User

PER_PAGE = 50
# For so long after it was deleted a device can be had back by whoever deleted it.
UNDO_FOR = timedelta(minutes=15)
DELETED = "deleted_devices"

TEXTS = ("name", "mac_address", "kit_id", "description", "exposure", "latitude", "longitude")
# What follows from the coordinates, unless somebody says otherwise.
FOLLOWING = ("city", "country_code", "elevation")
TICKS = (
    *("is_private", "precise_location", "notify_low_battery", "notify_stopped_publishing"),
    "enable_forwarding",
)


def own_device(request: HttpRequest, pk: str) -> Device:
    """The device of this id, where it is the viewer's own; raises RecordNotFound."""
    mine = Device.objects.active().filter(owner=request.user).select_related("kit")  # type: ignore[misc]
    return find(mine, pk=pk)


class MyDevicesPage(SignedInPage):
    """`/ui/me`."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The list, with what was deleted a moment ago."""
        return self.show(request)

    def show(self, request: HttpRequest, alert: str = "", status: int = 200) -> HttpResponse:
        """The list, and what went wrong."""
        now = timezone.now()
        mine = Device.objects.active().filter(owner=request.user).order_by("pk")  # type: ignore[misc]
        pages = Paginator(mine.select_related("kit"), PER_PAGE).get_page(request.GET.get("page"))
        context = {
            "page": pages,
            "devices": [{"device": device, "status": device.status(now)} for device in pages],
            "deleted": deleted_lately(request),
            "alert": alert,
        }
        return page(request, "pages/my_devices.html", context, status)


class DeviceFormPage(SignedInPage):
    """What adding and changing a device have in common: the checks are those of the API."""

    def show(
        self,
        request: HttpRequest,
        values: Mapping[str, Any],
        errors: Mapping[str, list[str]],
        device: Device | None = None,
    ) -> HttpResponse:
        """The form with these values, and what is wrong with them."""
        context = {
            "device": device,
            "values": values,
            "errors": errors,
            "kits": Kit.objects.order_by("name", "pk"),
            "tags": Tag.objects.order_by("name"),
            "may_forward": values.get("enable_forwarding")
            or cast(User, request.user).role in forwarding.ROLES,
            "config": {
                "countries": static("pages/built/countries-50m.json"),
                "texts": {
                    "map": _("Map: click where the device is"),
                    "zoom_in": _("Zoom in"),
                    "zoom_out": _("Zoom out"),
                    "here": _("Use my position"),
                    "no_position": _("Your position is not available."),
                },
            },
        }
        status = 422 if errors else 200
        return scripted_page(request, "pages/my_device_form.html", context, status=status)

    def sent(self, request: HttpRequest) -> dict[str, Any]:
        """What the form says: texts as they were typed, boxes as true or false."""
        values: dict[str, Any] = {
            name: request.POST.get(name, "").strip() for name in (*TEXTS, *FOLLOWING)
        }
        values |= {name: name in request.POST for name in TICKS}
        return values | {"user_tags": request.POST.getlist("user_tags")}


def shown(device: Device | None, names: Iterable[str]) -> dict[str, Any]:
    """The fields of a device as a form shows them: what is unknown is blank."""
    values = {name: getattr(device, name, None) for name in names}
    return {name: "" if value is None else value for name, value in values.items()}


def for_api(values: Mapping[str, Any], device: Device | None = None) -> dict[str, Any]:
    """The values of a form as the API takes them: a blank one is null, where it may be.

    City, country and elevation are sent only where they were typed: so they follow a device that
    moves.
    """
    kept = ("name", "mac_address", "description")
    before = {name: str(value) for name, value in shown(device, FOLLOWING).items()}
    return {
        name: None if value == "" and name not in kept else value
        for name, value in values.items()
        if before.get(name) != value
    }


class NewDevicePage(DeviceFormPage):
    """`/ui/me/devices/new`."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """The empty form, with what is right for nearly all."""
        values = {"precise_location": True, "notify_stopped_publishing": True}
        return self.show(request, values, {})

    def post(self, request: HttpRequest) -> HttpResponse:
        """Add it, and go to where one sees whether it is heard."""
        values = self.sent(request)
        given = DeviceInput(data=for_api(values), context={"request": request})
        if wrong := checked(given):
            return self.show(request, values, wrong)
        try:
            with transaction.atomic():
                added = Device.objects.register(owner=request.user, **given.validated_data)
                transaction.on_commit(world_map.drop)
        except IntegrityError as error:
            return self.show(request, values, clash(error))
        return HttpResponseRedirect(reverse("my_device", args=[added.pk]))


class EditDevicePage(DeviceFormPage):
    """`/ui/me/devices/:id/edit`."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The form as the device is now."""
        device = own_device(request, pk)
        values = shown(device, (*TEXTS, *FOLLOWING, *TICKS))
        values["user_tags"] = list(device.tags.values_list("name", flat=True))
        return self.show(request, values, {}, device)

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Change it."""
        device = own_device(request, pk)
        values = self.sent(request)
        data = for_api(values, device)
        if not device.mac_address and not data["mac_address"]:
            del data["mac_address"]  # a kit that is known by its token has none
        given = DeviceInput(device, data=data, partial=True, context={"request": request})
        if wrong := checked(given):
            return self.show(request, values, wrong, device)
        try:
            with transaction.atomic():
                device.change(**given.validated_data)
                transaction.on_commit(world_map.drop)
        except IntegrityError as error:
            return self.show(request, values, clash(error), device)
        return HttpResponseRedirect(reverse("my_device", args=[device.pk]))


class DeleteDevicePage(SignedInPage):
    """`POST /ui/me/devices/:id/delete`: at once, since it can be undone."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Archive it, and note when, so that it can be had back."""
        device = own_device(request, pk)
        device.archive()
        world_map.drop()
        assert device.archived_at
        noted = [*_noted(request), {"id": device.pk, "at": device.archived_at.isoformat()}]
        request.session[DELETED] = noted
        return HttpResponseRedirect(reverse("my_devices"))


class RestoreDevicePage(MyDevicesPage):
    """`POST /ui/me/devices/:id/restore`: undoes what was deleted in the last minutes."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: str) -> HttpResponse:
        """Bring it back; 404 where it was not this person who deleted it just now."""
        device = next((one for one in deleted_lately(request) if str(one.pk) == pk), None)
        if device is None:
            raise RecordNotFound(Device, "id", pk)
        try:
            device.restore()
        except (ValidationError, IntegrityError):
            said = _("Another device has the MAC address of %(name)s by now.")
            return self.show(request, said % {"name": device.name}, 422)
        world_map.drop()
        noted = [entry for entry in _noted(request) if entry["id"] != device.pk]
        request.session[DELETED] = noted
        return HttpResponseRedirect(reverse("my_devices"))


def deleted_lately(request: HttpRequest) -> list[Device]:
    """What this person deleted in this browser in the last minutes, and nobody touched since."""
    times = {entry["id"]: parse_datetime(entry["at"]) for entry in _noted(request)}
    if not times:
        return []
    gone = Device.objects.filter(
        pk__in=times,
        owner=request.user,  # type: ignore[misc]
        archived_at__gt=timezone.now() - UNDO_FOR,
    )
    return [device for device in gone if device.archived_at == times[device.pk]]


def _noted(request: HttpRequest) -> list[dict[str, Any]]:
    """What the session says was deleted; what is too old for an undo is forgotten."""
    since = (timezone.now() - UNDO_FOR).isoformat()
    return [entry for entry in request.session.get(DELETED, []) if entry["at"] > since]


def clash(error: IntegrityError) -> dict[str, list[str]]:
    """What is wrong where somebody took a value in this very moment; raises what is our fault."""
    found = database_errors.clash(error)
    if found is None:
        raise error
    return complaints(found.detail)
