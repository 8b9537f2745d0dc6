"""`manage.py mqtt`: takes what newer kits publish by MQTT, from the broker that MQTT_URL names."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.readings import mqtt
from apps.readings.subscriber import Broker, Subscriber


class Command(BaseCommand):
    """Subscribes until SIGTERM or Ctrl-C; a broker or database that is away is waited for."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Which subscriber this is."""
        parser.add_argument(
            "--name",
            default="1",
            help="tells subscribers that split the load apart; the same at every start (1)",
        )

        parser.add_argument(
            "--retire",
            action="store_true",
            help="take what waits for this subscriber, then leave the load to the others for good",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Subscribe."""
        if not settings.MQTT_URL:
            raise CommandError("MQTT_URL is not set: use an address such as mqtt://host:1883")
        subscriber = Subscriber(
            Broker.at(settings.MQTT_URL),
            client_id=f"smartcitizen-{options['name']}",
            topics=mqtt.topics(settings.MQTT_GROUP),
            take=mqtt.receive,
        )

        def leave(signum: int, frame: FrameType | None) -> None:
            subscriber.leave()

        signal.signal(signal.SIGTERM, leave)
        signal.signal(signal.SIGINT, leave)
        self.stdout.write(f"kits by MQTT: {subscriber.broker}")
        if options["retire"]:
            subscriber.retire()
        else:
            subscriber.run()
