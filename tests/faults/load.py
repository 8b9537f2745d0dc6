"""The load: clients of three doors that send until they are answered, and the ledger they keep."""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import orjson
import requests
from paho.mqtt.client import Client as MQTTClient
from paho.mqtt.enums import CallbackAPIVersion

CLOCK = re.compile(r"UTC:\d{4},\d{1,2},\d{1,2},\d\d,\d\d,\d\d#")
# Of one attempt, and how long a client goes on trying after the load has ended
SECONDS = 20.0
PATIENCE = 120.0
REFUSED = "connection refused or broken off"
SILENT = f"no answer in {SECONDS:.0f} s"

Key = tuple[int, datetime]


@dataclass
class Ledger:
    """What clients sent, what was acknowledged to them, and how they were answered otherwise."""

    start_at: datetime = field(
        default_factory=lambda: datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    )
    sent: dict[Key, float] = field(default_factory=dict)
    acknowledged: dict[Key, float] = field(default_factory=dict)  # when, by the monotonic clock
    doors: dict[Key, str] = field(default_factory=dict)
    in_flight: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    unclear: list[str] = field(default_factory=list)
    newest: dict[str, tuple[float, Key]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def flying(self, door: str) -> Iterator[None]:
        """A post is under way."""
        with self.lock:
            self.in_flight[door] += 1
        try:
            yield
        finally:
            with self.lock:
                self.in_flight[door] -= 1

    def send(self, door: str, rows: dict[Key, float]) -> None:
        """Readings are about to be sent."""
        with self.lock:
            self.sent |= rows
            self.doors |= dict.fromkeys(rows, door)

    def acknowledge(self, door: str, rows: dict[Key, float], began: float) -> None:
        """A post that began at this time was answered with success."""
        with self.lock:
            self.acknowledged |= dict.fromkeys(rows, time.monotonic())
            self.newest[door] = (began, max(rows))
            self.answers[f"{door}: stored"] += 1

    def saw(self, door: str, answer: str) -> None:
        """A client was answered otherwise, in a way that it understands."""
        with self.lock:
            self.answers[f"{door}: {answer}"] += 1

    def was_puzzled(self, door: str, answer: str) -> None:
        """A client was answered in a way that no document tells of."""
        with self.lock:
            self.unclear.append(f"{door}: {answer[:300]}")

    def refused(self, door: str = "") -> int:
        """How often a client, of this door or of any, was told to come again."""
        with self.lock:
            return sum(
                n
                for answer, n in self.answers.items()
                if answer.startswith(door) and "503" in answer
            )

    def count(self, doors: tuple[str, ...]) -> int:
        """Posts in flight by these doors; by all where none is named."""
        with self.lock:
            return sum(self.in_flight[door] for door in doors or list(self.in_flight))


class Sender(threading.Thread):
    """One client, with seconds of its own among those of its device."""

    door = ""
    pause = 0.0

    def __init__(self, ledger: Ledger, device_id: int, place: int, places: int) -> None:
        super().__init__(daemon=True)
        self.ledger, self.device_id = ledger, device_id
        self.second, self.step = place, places
        self.ending = threading.Event()
        self.gave_up = False

    def run(self) -> None:
        """Send until told to end; what is in hand then is sent all the same."""
        while not self.ending.is_set():
            rows = self.rows()
            self.ledger.send(self.door, rows)
            ended = None
            while True:
                began = time.monotonic()
                with self.ledger.flying(self.door):
                    done = self.attempt(rows)
                if done:
                    self.ledger.acknowledge(self.door, rows, began)
                    time.sleep(self.pause)
                    break
                time.sleep(0.2)
                if self.ending.is_set():
                    ended = ended or time.monotonic()
                    if time.monotonic() - ended > PATIENCE:
                        self.gave_up = True
                        return

    def rows(self) -> dict[Key, float]:
        """The next readings: a value says which it is."""
        rows: dict[Key, float] = {}
        for _ in range(1 + self.second % 3):
            at = self.ledger.start_at + timedelta(seconds=self.second)
            rows[self.device_id, at] = float(self.second)
            self.second += self.step
        return rows

    def attempt(self, rows: dict[Key, float]) -> bool:
        """Send once; True where it was acknowledged."""
        raise NotImplementedError

    def ask(self, method: str, url: str, **options: object) -> requests.Response | None:
        """One request; None where there was no answer, which is noted."""
        try:
            return requests.request(method, url, timeout=SECONDS, **options)  # type: ignore[arg-type]
        except requests.Timeout:
            self.ledger.saw(self.door, SILENT)
        except requests.RequestException:
            self.ledger.saw(self.door, REFUSED)
        return None

    def is_away(self, answer: requests.Response) -> bool:
        """Whether an answer is the documented 503, which says when to come again."""
        away = (
            answer.status_code == 503
            and "Retry-After" in answer.headers
            and answer.json()["id"] == "service_unavailable"
        )
        if away:
            self.ledger.saw(self.door, "503 with Retry-After")
        return away


class RestSender(Sender):
    """A client that posts by REST."""

    door = "REST"

    def __init__(self, url: str, token: str, *place: object) -> None:
        super().__init__(*place)  # type: ignore[arg-type]
        self.url = f"{url}/v0/devices/{self.device_id}/readings"
        self.headers = {"Authorization": f"Bearer {token}"}

    def attempt(self, rows: dict[Key, float]) -> bool:
        answer = self.ask("POST", self.url, json=elements(rows), headers=self.headers)
        if answer is None or self.is_away(answer):
            return False
        if answer.status_code in {200, 201} and answer.json()["rejected"] == []:
            return True
        self.ledger.was_puzzled(self.door, f"{answer.status_code} {answer.text}")
        return False


class KitSender(Sender):
    """An old kit: it forgets its rows once it is told the time."""

    door = "kit"

    def __init__(self, url: str, mac_address: str, *place: object) -> None:
        super().__init__(*place)  # type: ignore[arg-type]
        self.url = url
        self.mac_address = mac_address

    def attempt(self, rows: dict[Key, float]) -> bool:
        data = [
            {"nets": f"{value:.0f}", "timestamp": f"{at:%Y-%m-%d %H:%M:%S}"}
            for (_, at), value in rows.items()
        ]
        headers = {
            "X-SmartCitizenMacADDR": self.mac_address,
            "X-SmartCitizenVersion": "1.1-0.8.5-A",
            "X-SmartCitizenData": orjson.dumps(data).decode(),
        }
        answer = self.ask("PUT", self.url, headers=headers)
        if answer is None:
            return False
        if answer.status_code == 200 and CLOCK.fullmatch(answer.text):
            return True
        if CLOCK.search(answer.text) or not self.is_away(answer):
            self.ledger.was_puzzled(self.door, f"{answer.status_code} {answer.text}")
        return False


class MqttSender(Sender):
    """A newer kit, whose library sends again what the broker did not acknowledge."""

    door = "MQTT"
    pause = 0.25  # the broker takes more in a second than we store in a minute

    def __init__(self, port: int, token: str, *place: object) -> None:
        super().__init__(*place)  # type: ignore[arg-type]
        self.topic = f"device/sck/{token}/readings"
        self.client = MQTTClient(CallbackAPIVersion.VERSION2, f"{token}-{self.second}")
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def attempt(self, rows: dict[Key, float]) -> bool:
        message = self.client.publish(self.topic, orjson.dumps(elements(rows)), qos=1)
        if message.rc:
            self.ledger.saw(self.door, REFUSED)
            return False
        deadline = time.monotonic() + PATIENCE
        while not message.is_published():
            if time.monotonic() > deadline:
                self.ledger.saw(self.door, f"not taken by the broker in {PATIENCE:.0f} s")
                return False
            time.sleep(0.005)
        return True


def elements(rows: dict[Key, float]) -> dict[str, object]:
    """Readings as REST and MQTT send them."""
    return {
        "data": [
            {"recorded_at": at.isoformat(), "sensors": [{"id": 55, "value": value}]}
            for (_, at), value in rows.items()
        ]
    }
