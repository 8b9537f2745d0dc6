"""What newer kits publish by MQTT: what each topic means, and what is kept of the unreadable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from django.db import OperationalError
from rest_framework.test import APIClient

from apps.devices.models import Component, Device, OrphanDevice
from apps.readings import ingest, ingest_errors, mqtt
from apps.readings.models import IngestError, Reading
from apps.readings.payloads import MAX_PAYLOAD
from apps.readings.subscriber import Away
from apps.users.models import User

TOKEN = "aA1234"
AT = datetime(2017, 3, 24, 13, 35, 14, tzinfo=UTC)
# SCK 2.1 posts by id: light, temperature, humidity
LIGHT, TEMPERATURE, HUMIDITY = 14, 55, 56


@pytest.fixture
def kit(device: Device) -> Device:
    """Alice's device as a newer kit: it has a token and no kit of old."""
    device.change(device_token=TOKEN, kit=None)
    device.refresh_from_db()
    return device


@pytest.fixture
def orphan(installed: None) -> OrphanDevice:
    """A kit that is being set up."""
    return OrphanDevice.objects.create(device_token="0a1b2c")


def send(kind: str, payload: Any, token: str = TOKEN) -> None:
    """Have a message taken as if the broker had brought it."""
    body = payload if isinstance(payload, bytes) else orjson.dumps(payload)
    mqtt.receive(f"device/sck/{token}/{kind}", body)


def stored() -> dict[datetime, list[float]]:
    """The values that are stored, by time."""
    return {reading.recorded_at: reading.values for reading in Reading.objects.all()}


def errors() -> list[tuple[int | None, str, str, int]]:
    """Whose, from where, why and how often something was refused."""
    kept = IngestError.objects.filter(source="mqtt").order_by("reason", "origin")
    return list(kept.values_list("device_id", "origin", "reason", "count"))


def test_readings_are_stored_and_shown(kit: Device, as_user: Any, alice: User) -> None:
    send(
        "readings",
        {
            "data": [
                {"recorded_at": "2017-03-24 13:35:14", "sensors": [{"id": 55, "value": 21.5}]},
                {"recorded_at": "2017-03-24T13:36:14Z", "sensors": [{"id": 56, "value": "48"}]},
            ]
        },
    )
    assert stored() == {AT: [21.5], AT.replace(minute=36): [48.0]}
    body = as_user(alice).get(f"/v0/devices/{kit.pk}").json()
    assert body["last_reading_at"] == "2017-03-24T13:36:14Z"
    shown = {sensor["id"]: (sensor["value"], sensor["raw_value"]) for sensor in data(body)}
    assert shown == {TEMPERATURE: (21.5, 21.5), HUMIDITY: (48, 48)}
    keys = dict(Component.objects.filter(device=kit).values_list("sensor_id", "key"))
    assert keys == {TEMPERATURE: "t", HUMIDITY: "h"}
    assert errors() == []


def data(body: Any) -> list[Any]:
    """The sensors of a device's JSON."""
    sensors: list[Any] = body["data"]["sensors"]
    return sensors


@pytest.mark.parametrize(
    "raw",
    [
        b"{t:2017-03-24T13:35:14Z,55:21.50,56:-48,14:null}",
        b"  { t:2017-03-24T13:35:14Z, 55 : 21.50 ,\r\n 56 :-48, }\n",
        b"{55:21.50,t:2017-03-24T13:35:14Z,56:-48}",
        "{t:2017-03-24T13:35:14Z💣,55:21.50,56:-48}".encode(),
        b'{"t":"2017-03-24T13:35:14Z","55":21.50,"56":"-48"}',
        b"{t:2017-03-24T13:35:14Z,55:1,55:21.50,56:-48.0e0}",
    ],
)
def test_raw_readings_are_read_however_they_are_spaced(kit: Device, raw: bytes) -> None:
    send("readings/raw", raw)
    assert stored() == {AT: [21.5, -48.0]}
    assert errors() == []


@pytest.mark.parametrize(
    ("kind", "payload", "reason"),
    [
        ("readings/raw", b"", "message is not {t:time,id:value,\u2026}, or was cut off"),
        (
            "readings/raw",
            b"ceci n'est pas un message",
            "message is not {t:time,id:value,\u2026}, or was cut off",
        ),
        (
            "readings/raw",
            b"{t:2017-03-24T13:35:14Z,55:21.",
            "message is not {t:time,id:value,\u2026}, or was cut off",
        ),
        ("readings/raw", b"{}", "time is missing"),
        ("readings/raw", b"{55:21.5}", "time is missing"),
        ("readings/raw", b"{t:2017-03-24T13:35:14Z}", "row holds no values"),
        ("readings/raw", b"{t:2017-03-24T13:35:14Z,55:null}", "row holds no values"),
        ("readings/raw", b"{t:1970-01-01T00:00:09Z,55:1}", "time is before 2010"),
        (
            "readings/raw",
            b"{t:2017-03-24T13:35:14Z,55:nan}",
            "value is not a finite number or the text of one",
        ),
        ("readings/raw", b"{t:2017-03-24T13:35:14Z,32000:1}", "unknown sensor"),
        ("readings/raw", b"{t:2017-03-24T13:35:14Z,0:1}", "unknown sensor"),
        ("readings/raw", b"{t:2017-03-24T13:35:14Z,99999999999999999999:1}", "unknown sensor"),
        (
            "readings/raw",
            b"{t:2017-03-24T13:35:14Z," + b",".join(b"%d:1" % n for n in range(1, 1002)) + b"}",
            "more than 1000 sensors",
        ),
        ("readings", b"\x00\xff\xfe\x80 binary", "message is not JSON"),
        ("readings", b"[" * 100_000, "message is not JSON"),
        ("readings", b"[]", 'message is not {"data":[\u2026]}'),
        ("readings", b'{"data":{}}', 'message is not {"data":[\u2026]}'),
        ("readings", b'{"data":[]}', "data holds no elements"),
        ("readings", b'{"data":[' + b"0," * 10_000 + b"0]}", "more than 10000 elements"),
        ("readings", b'{"data":[7]}', "element is not an object"),
        (
            "readings",
            b'{"data":[{"recorded_at":"2017-03-24T13:35:14Z"}]}',
            "sensors is not an array",
        ),
        (
            "readings",
            b'{"data":[{"recorded_at":"2017-03-24T13:35:14Z","sensors":[{"value":1}]}]}',
            "sensor has no id",
        ),
        ("info", b"{", "hardware report is not a JSON object of at most 16384 bytes"),
        ("info", b"[]", "hardware report is not a JSON object of at most 16384 bytes"),
        ("info", b'{"a":"\\u0000"}', "hardware report is not a JSON object of at most 16384 bytes"),
        (
            "info",
            b'{"a":"' + b"x" * 20_000 + b'"}',
            "hardware report is not a JSON object of at most 16384 bytes",
        ),
        (
            "info",
            b'{"a":' + b"[" * 500 + b"]" * 500 + b"}",
            "hardware report is not a JSON object of at most 16384 bytes",
        ),
    ],
)
def test_what_cannot_be_read_is_kept_with_its_reason(
    kit: Device, kind: str, payload: bytes, reason: str
) -> None:
    send(kind, payload)
    kept = IngestError.objects.get()
    assert (kept.device_id, kept.source, kept.reason) == (kit.pk, "mqtt", reason)
    assert len(kept.payload) <= MAX_PAYLOAD
    assert "\x00" not in kept.payload
    assert stored() == {}
    kit.refresh_from_db()
    assert kit.hardware_info is None


def test_a_bad_element_or_sensor_never_sinks_the_others(kit: Device) -> None:
    good = {"id": 55, "value": 21}
    send(
        "readings",
        {
            "data": [
                {"recorded_at": "yesterday-ish", "sensors": [good]},
                {
                    "recorded_at": "2017-03-24T13:35:14Z",
                    "sensors": [good, {"id": "xyz", "value": 1}, {"id": 56, "value": None}, 7],
                },
            ]
        },
    )
    assert stored() == {AT: [21.0]}
    assert [reason for _, _, reason, _ in errors()] == [
        "sensor has no id",
        "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ",
        "unknown sensor",
        "value is not a finite number or the text of one",
    ]


def test_the_same_message_twice_is_stored_once(kit: Device) -> None:
    for _ in range(3):
        send("readings/raw", b"{t:2017-03-24T13:35:14Z,55:21.5}")
    assert stored() == {AT: [21.5]}
    kit.refresh_from_db()
    assert kit.readings_version == 1


def test_a_key_is_looked_up_in_the_kit_first(device: Device) -> None:
    device.change(device_token=TOKEN)
    message = {"recorded_at": "2017-03-24T13:35:14Z", "sensors": [{"id": "temp", "value": 21}]}
    send("readings", {"data": [message]})
    of_kit = Component.objects.get(device=device, key="temp")
    latest = Device.objects.get(pk=device.pk).newest
    assert {of_kit.sensor_id: 21.0} == {i: newest.value for i, newest in latest.sensors.items()}


def test_a_report_is_the_last_status_message_for_the_owner_alone(
    kit: Device, as_user: Any, client: APIClient, alice: User, bob: User
) -> None:
    report = {"time": "2018-07-17T06:55:06Z", "hw_ver": "2.1", "mac": "8C:45:00:A1:B2:C3", "id": 47}
    send("info", report)
    path = f"/v0/devices/{kit.pk}"
    shown = [
        viewer.get(path).json()["hardware"]["last_status_message"]
        for viewer in (as_user(alice), as_user(bob), client)
    ]
    # What a report lacks, and today's clients read, is an empty text, and every text is one.
    lacking = dict.fromkeys(("esp_ver", "esp_bd", "sam_ver", "sam_bd"), "")
    assert shown == [{**report, "id": "47", **lacking}, None, None]
    send("info", {"id": 48})
    shown_then = as_user(alice).get(path).json()["hardware"]["last_status_message"]
    assert (shown_then["id"], shown_then["mac"]) == ("48", "")
    assert errors() == []


def test_hello_marks_a_kit_that_is_set_up_as_seen(orphan: OrphanDevice) -> None:
    send("hello", b"0a1b2c:Hello", token="0a1b2c")
    orphan.refresh_from_db()
    assert orphan.seen_at is not None
    assert errors() == []


def test_hello_of_a_registered_kit_is_nothing_to_keep(kit: Device) -> None:
    send("hello", b"aA1234:Hello")
    assert errors() == []


def test_readings_of_a_kit_that_is_not_registered_yet_are_kept_as_refused(
    orphan: OrphanDevice,
) -> None:
    send("readings/raw", b"{t:2017-03-24T13:35:14Z,55:21.5}", token="0a1b2c")
    orphan.refresh_from_db()
    assert orphan.seen_at is not None
    assert errors() == [(None, "0a1b2c", "device is not registered yet", 1)]
    assert stored() == {}


@pytest.mark.parametrize("kind", mqtt.KINDS)
@pytest.mark.parametrize("token", ["aa1234", "AA1234", "%", "é", "x" * 1000, " aA1234"])
def test_an_unknown_token_is_kept_and_changes_nothing(kit: Device, kind: str, token: str) -> None:
    send(kind, b"{t:2017-03-24T13:35:14Z,55:21.5}", token=token)
    assert errors() == [(None, token[:64], "unknown device token", 1)]
    assert stored() == {}


def test_an_archived_device_is_unknown(kit: Device) -> None:
    kit.archive()
    send("readings/raw", b"{t:2017-03-24T13:35:14Z,55:21.5}")
    assert errors() == [(None, TOKEN, "unknown device token", 1)]
    assert stored() == {}


def test_a_flood_of_unknown_tokens_fills_no_more_than_its_share(
    kit: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_errors, "MOST_STRANGERS", 5)
    for number in range(50):
        send("readings/raw", b"x" * 100_000, token=f"{number:06x}")
    assert [(origin, count) for _, origin, _, count in errors()] == [
        ("", 45),
        *((f"{number:06x}", 1) for number in range(5)),
    ]
    assert sum(len(error.payload) for error in IngestError.objects.all()) <= 6 * MAX_PAYLOAD


def test_a_topic_that_is_none_of_ours_is_kept(installed: None) -> None:
    mqtt.receive("device/sck/readings", b"1")
    assert errors() == [(None, "device/sck/readings", "unknown device token", 1)]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_waited_for(
    kit: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any) -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(ingest, "store", away)
    with pytest.raises(Away, match="server closed the connection"):
        send("readings/raw", b"{t:2017-03-24T13:35:14Z,55:21.5}")
    assert errors() == []


def test_a_fault_of_ours_keeps_the_message_and_lets_the_next_ones_through(
    kit: Device, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("a fault")

    message = b"{t:2017-03-24T13:35:14Z,55:21.5}"
    with monkeypatch.context() as patch:
        patch.setattr(ingest, "store", broken)
        send("readings/raw", message)
    assert "a message could not be taken" in caplog.text
    assert TOKEN not in caplog.text.split("Traceback")[0]
    kept = IngestError.objects.get()
    assert (kept.reason, kept.payload) == ("fault of the server", message.decode())
    send("readings/raw", message)
    assert stored() == {AT: [21.5]}


def test_where_not_even_the_reason_can_be_kept_the_message_has_to_come_again(
    kit: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise RuntimeError("a fault")

    monkeypatch.setattr(ingest_errors, "keep", broken)
    with pytest.raises(Away, match="a fault"):
        send("info", b"[]")


def test_subscribers_share_unless_there_is_no_group() -> None:
    assert mqtt.topics("g")[0] == "$share/g/device/sck/+/readings"
    assert mqtt.topics("") == [f"device/sck/+/{kind}" for kind in mqtt.KINDS]
