"""Publishes the readings of a device on the topic of our own broker that its owner reads.

The queue tries again for hours while the broker is away. A reading may come twice, and not in
order: its time says which it is.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from apps.api.renderers import to_json
from apps.devices import forwarding
from apps.devices.models import Device
from apps.readings import history, publisher
from apps.readings.models import Reading


def forward(device_id: int, times: list[datetime]) -> None:
    """Publish readings as the raw history shows them, one a message, oldest first.

    Nothing is published for a device that is gone, or whose owner has ended it meanwhile. Raises
    `publisher.BrokerAway`.
    """
    device = Device.objects.active().filter(pk=device_id, enable_forwarding=True).first()
    if device is None or not settings.MQTT_URL:
        return
    found = Reading.objects.filter(device_id=device_id, recorded_at__in=times)
    messages = [to_json(each) for each in history.as_json(found.order_by("recorded_at"))]
    if messages:
        token = forwarding.token_of(device.owner_id)
        publisher.publish(forwarding.topic(token, device_id), messages)
