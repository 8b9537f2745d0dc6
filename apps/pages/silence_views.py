"""`/ui/me/devices/:id`: why is my kit silent?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from apps.api.pages import SignedInPage, page
from apps.devices import forwarding
from apps.pages.my_device_views import own_device
from apps.readings import diagnosis


class MyDevicePage(SignedInPage):
    """What the platform heard of a device of one's own, what it refused, and when it was silent."""

    def get(self, request: HttpRequest, pk: str) -> HttpResponse:
        """The page."""
        device, now = own_device(request, pk), timezone.now()
        found = diagnosis.diagnose(device, now)
        late = found.late.total_seconds() if found.late is not None else 0
        asked = device.enable_forwarding and request.GET.get("forwarding") == "show"
        forwarding_token = forwarding.token_of(device.owner_id) if asked else None
        context = {
            "device": device,
            "forwarding_token": forwarding_token,
            "topic": forwarding.topic(forwarding_token, device.pk) if forwarding_token else None,
            "status": device.status(now),
            "found": found,
            "minutes_ahead": max(0, round(-late / 60)),
            "hours_late": max(0, round(late / 3600)),
            "messages": [(message, _span(message.late)) for message in found.messages],
            "hardware": _facts(device.hardware_info),
            "today": now.date(),
            "token": device.device_token if request.GET.get("token") == "show" else None,
        }
        return page(request, "pages/my_device.html", context)


def _span(late: timedelta) -> str:
    """A length of time as `2d 03:04:05`; with a minus where a clock is ahead."""
    seconds = round(late.total_seconds())
    days, rest = divmod(abs(seconds), 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    return f"{'−' if seconds < 0 else ''}{f'{days}d ' if days else ''}{clock}"


def _facts(told: Any) -> list[tuple[str, str]]:
    """What a kit told of itself, as names and values; what is nested stays as it is written."""
    return [(str(name), str(value)) for name, value in told.items()] if told else []
