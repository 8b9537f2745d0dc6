"""The connection to the MQTT broker: no message is acknowledged before it has been taken.

One thread does everything in turn: it reads from the broker, hands each message over, and
acknowledges it. So an acknowledgement can never reach another connection than the one by which
its message came. Why not a queue and threads: docs/decisions/mqtt.md.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

logger = logging.getLogger(__name__)

QOS = 1
# Seconds: how soon a signal is noticed, how long silence is believed, and the waits for what is
# away, from the first to the longest. Some brokers forget shared subscriptions when they start
# anew and drop what comes before we are back: so we are back soon.
TURN = 0.5
KEEPALIVE = 60
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0
LONGEST_WAIT_FOR_BROKER = 2.0
# Of a session that nothing comes from any more
SILENCE = 3.0

Take = Callable[[str, bytes], None]


def _topic(message: MQTTMessage) -> str:
    """Where a message was published; empty where that is no text, which a broker should refuse."""
    try:
        return message.topic
    except UnicodeDecodeError:
        return ""


class Away(Exception):
    """What takes messages cannot be reached: the message has to wait."""


class Wait:
    """Longer and longer waits between attempts, until one succeeds."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self.seconds = 0.0
        self.until = 0.0

    def is_over(self) -> bool:
        """Whether the next attempt may be made."""
        return time.monotonic() >= self.until

    def grow(self) -> float:
        """Another attempt failed: wait twice as long as before it. Returns the seconds."""
        self.seconds = min(max(self.seconds * 2, FIRST_WAIT), self.longest)
        self.until = time.monotonic() + self.seconds
        return self.seconds

    def end(self) -> bool:
        """An attempt succeeded; returns whether one before it had failed."""
        failed = self.seconds > 0
        self.seconds = self.until = 0.0
        return failed


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and who we are there."""

    host: str
    port: int
    username: str | None
    password: str | None
    encrypted: bool

    @classmethod
    def at(cls, url: str) -> Broker:
        """Read an address such as `mqtts://user:password@host:8883`."""
        parts = urlsplit(url)
        encrypted = parts.scheme == "mqtts"
        return cls(
            host=str(parts.hostname),
            port=parts.port or (8883 if encrypted else 1883),
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            encrypted=encrypted,
        )

    def forget(self, client_id: str) -> None:
        """Have the broker forget the session of a name; raises OSError where it is away."""
        client = self.client(client_id, kept=False)
        client.connect(self.host, self.port, KEEPALIVE)
        while not client.is_connected():
            if error := client.loop(TURN):
                raise ConnectionError(error.name)
        client.disconnect()

    def client(self, client_id: str = "", kept: bool = True) -> Client:
        """A client of it, not connected yet.

        Under a name its session outlives its connections, unless it is not `kept`, and it
        acknowledges by hand.
        """
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=not (client_id and kept),
            manual_ack=bool(client_id),
        )
        if self.username:
            client.username_pw_set(self.username, self.password)
        if self.encrypted:
            client.tls_set()
        return client

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Subscriber:
    """Hands every message of some topics to `take`, once it is taken acknowledges it, and goes on.

    `client_id` names the session that the broker keeps while nobody is connected: it has to be
    the same at every start, and no other subscriber's. `take` gets topic and payload; it raises
    `Away` where the message has to wait, and nothing else. Whatever was not acknowledged comes
    again, here or, after an end that could not be foreseen, at the next start.
    """

    def __init__(self, broker: Broker, client_id: str, topics: list[str], take: Take) -> None:
        self.broker = broker
        self.topics = topics
        self.take = take
        self.client = broker.client(client_id)
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.received: deque[MQTTMessage] = deque()
        self.to_broker, self.to_taker = Wait(LONGEST_WAIT_FOR_BROKER), Wait(LONGEST_WAIT)
        self.leaving = self.retiring = False
        self.client_id, self.busy_until = client_id, 0.0

    def retire(self) -> None:
        """Take what waits in the session, then have the broker forget it: others get what comes.

        Returns when nothing has come for some seconds, or at `leave`, and then forgets nothing.
        """
        self.retiring = True
        self.run()
        if not self.leaving:
            self.broker.forget(self.client_id)

    def run(self) -> None:
        """Go on until `leave`, whatever is away meanwhile."""
        connected = False
        while not self.leaving and not self._is_done():
            if not connected:
                connected = self._connect()
            elif error := self.client.loop(TURN if self._is_idle() else 0):
                connected = False
                logger.warning("connection to the broker %s lost: %s", self.broker, error.name)
            else:
                self._hand_over()
            if not self._is_idle() or not connected:
                self._rest(connected)
        self.client.disconnect()

    def leave(self) -> None:
        """Have `run` return once the message in hand is taken; may be called by a signal."""
        self.leaving = True

    def _is_done(self) -> bool:
        """Whether a subscriber that retires has taken all that waited."""
        since = time.monotonic() - self.busy_until
        return self.retiring and self.client.is_connected() and self._is_idle() and since > SILENCE

    def _is_idle(self) -> bool:
        return not self.received

    def _connect(self) -> bool:
        """Try to connect, where the time for that has come."""
        # Whatever came by the last connection and was not acknowledged will come by this one.
        self.received.clear()
        if not self.to_broker.is_over():
            return False
        try:
            self.client.connect(self.broker.host, self.broker.port, KEEPALIVE)
        except (OSError, ValueError) as error:
            seconds = self.to_broker.grow()
            logger.warning("no broker at %s, next try in %.1f s: %s", self.broker, seconds, error)
            return False
        # It may still refuse us: the wait ends once it has let us in.
        self.to_broker.grow()
        return True

    def _rest(self, connected: bool) -> None:
        """Sleep where there is nothing to do but wait."""
        waits = self.to_taker if connected else self.to_broker
        time.sleep(min(TURN, max(0.0, waits.until - time.monotonic())))

    def _hand_over(self) -> None:
        """Have the next message taken, and acknowledge it."""
        if not self.received or not self.to_taker.is_over():
            return
        message = self.received[0]
        try:
            self.take(_topic(message), bytes(message.payload))
        except Away as problem:
            seconds = self.to_taker.grow()
            logger.warning("message waits, next try in %.1f s: %s", seconds, problem)
            return
        if self.to_taker.end():
            logger.warning("messages are taken again")
        self.received.popleft()
        # Where the connection is lost by now, the next turn notices and the message comes again.
        self.client.ack(message.mid, message.qos)

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        """The broker let us in, or did not: then it ends the connection, and we wait."""
        if reason.is_failure:
            logger.error("the broker %s refuses us: %s", self.broker, reason)
            return
        self.to_broker.end()
        kept = "" if flags.session_present else ", whose session is new"
        logger.info("connected to the broker %s%s", self.broker, kept)
        self.busy_until = time.monotonic()
        if self.retiring:
            client.unsubscribe(self.topics)
        else:
            client.subscribe([(topic, QOS) for topic in self.topics])

    def _on_subscribe(
        self,
        client: Client,
        userdata: Any,
        mid: int,
        reasons: list[ReasonCode],
        properties: Properties | None,
    ) -> None:
        for topic, reason in zip(self.topics, reasons, strict=False):
            if reason.is_failure:
                logger.error("the broker %s refuses us %s: %s", self.broker, topic, reason)

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        self.busy_until = time.monotonic()
        self.received.append(message)
