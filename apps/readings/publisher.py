"""Publishes messages on our own broker, each until the broker says that it has it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from paho.mqtt.client import Client

from apps.readings.subscriber import QOS, Broker

# Seconds: to be let in, for all messages to be taken, and between attempts while it is away, so
# that a broker that does not answer keeps a worker from its other tasks for a moment only.
TO_CONNECT = 5.0
TO_PUBLISH = 60.0
PAUSE = 30.0


class BrokerAway(Exception):
    """The broker cannot be reached, lets us not in, or does not take what we publish."""


_away_until = 0.0


def publish(topic: str, messages: Sequence[bytes]) -> None:
    """Publish messages in order; when this returns the broker has them all.

    Raises BrokerAway, also at once for a while after the broker was away. Some may have been
    published by then: whoever tries again publishes those twice.
    """
    global _away_until
    if time.monotonic() < _away_until:
        raise BrokerAway("the broker was away a moment ago")
    broker = Broker.at(settings.MQTT_URL)
    client = broker.client()
    client.connect_timeout = TO_CONNECT
    try:
        _let_in(client, broker)
        _publish(client, topic, messages)
    except (OSError, ValueError, RuntimeError) as error:
        _away_until = time.monotonic() + PAUSE
        raise BrokerAway(f"{type(error).__name__}: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()


def _let_in(client: Client, broker: Broker) -> None:
    """Connect, and wait until the broker lets us in; raises OSError."""
    answered = threading.Event()
    reasons: list[Any] = []

    def on_connect(client: Client, data: Any, flags: Any, reason: Any, properties: Any) -> None:
        reasons.append(reason)
        answered.set()

    client.on_connect = on_connect
    client.connect(broker.host, broker.port)
    client.loop_start()
    if not answered.wait(TO_CONNECT):
        raise TimeoutError("the broker does not answer")
    if reasons[0].is_failure:
        raise ConnectionRefusedError(f"the broker refuses us: {reasons[0]}")


def _publish(client: Client, topic: str, messages: Sequence[bytes]) -> None:
    """Publish and wait for every acknowledgement; raises OSError, ValueError or RuntimeError."""
    until = time.monotonic() + TO_PUBLISH
    for sent in [client.publish(topic, message, QOS) for message in messages]:
        sent.wait_for_publish(max(0.0, until - time.monotonic()))
        if not sent.is_published():
            raise TimeoutError("the broker does not take what we publish")
