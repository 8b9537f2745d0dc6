"""`POST /v0/devices/:id/readings`: what clients send by REST, and the receipt for it."""

from __future__ import annotations

import gzip
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.readings import ingest, payloads, sensor_sets
from apps.readings.models import IngestError, Reading
from apps.sensors.models import Sensor
from apps.users.models import User
from tests.contract.tools import rows

AT = "2016-06-08 10:30:00"
MOMENT = datetime(2016, 6, 8, 10, 30, tzinfo=UTC)


def element(at: Any = AT, **values: Any) -> dict[str, Any]:
    """One element: `element(AT, s55=21, noise=50)` names one by id, one by key."""
    return {
        "recorded_at": at,
        "sensors": [
            {"id": int(name[1:]) if name[1:].isdigit() else name, "value": value}
            for name, value in values.items()
        ],
    }


@pytest.fixture
def post(as_user: Any, alice: User, device: Device) -> Any:
    """Posts elements to alice's device as alice; returns status and receipt."""

    def send(*elements: Any) -> tuple[int, Any]:
        answer = as_user(alice).post(
            f"/v0/devices/{device.pk}/readings", {"data": list(elements)}, format="json"
        )
        return answer.status_code, answer.json()

    return send


def receipt(stored: int, duplicates: int, *rejected: tuple[int, Any, str]) -> dict[str, Any]:
    """A receipt of the contract."""
    return {
        "id": "ok",
        "message": "Data successfully stored",
        "stored": stored,
        "duplicates": duplicates,
        "rejected": [
            {"index": index, "sensor": sensor, "reason": reason}
            for index, sensor, reason in rejected
        ],
        "errors": None,
        "url": None,
    }


def stored(device: Device) -> dict[datetime, dict[str, Any]]:
    """What the API says is stored, by time."""
    listed = APIClient().get(f"/v0/devices/{device.pk}/readings?per_page=100").json()
    return {datetime.fromisoformat(each["recorded_at"]): each["data"] for each in listed}


def test_readings_are_stored_and_seen_at_once(post: Any, device: Device, client: APIClient) -> None:
    now = timezone.now().replace(microsecond=0)
    at = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert post(element(AT, s55=21, s7="48.5"), element(at, s55=22.25)) == (201, receipt(2, 0))
    assert stored(device) == {MOMENT: {"7": 48.5, "55": 21}, now: {"55": 22.25}}
    shown = client.get(f"/v0/devices/{device.pk}").json()
    assert shown["last_reading_at"] == at
    [sensor] = [each for each in shown["data"]["sensors"] if each["id"] == 55]
    # What REST posts is calibrated already: the raw value is the value.
    assert (sensor["value"], sensor["raw_value"]) == (22.25, 22.25)


def test_a_sensor_is_named_by_its_key_in_the_kit_first(post: Any, device: Device) -> None:
    assert post(element(AT, temp=21, hum=40, nets=3)) == (201, receipt(1, 0))
    assert stored(device) == {MOMENT: {"12": 21, "13": 40, "21": 3}}


def test_a_key_that_names_two_sensors_is_rejected(post: Any, device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(kit=None)
    Sensor.objects.filter(pk__in=[4, 12]).update(default_key="temp")
    status, answer = post(element(AT, temp=21, s55=1))
    assert (status, answer) == (201, receipt(1, 0, (0, "temp", "key names 2 sensors: use an id")))


def test_sending_again_changes_nothing_and_says_so(post: Any, device: Device) -> None:
    sent = [element(AT, s55=21), element("2016-06-08 10:31:00", s55=22)]
    assert post(*sent) == (201, receipt(2, 0))
    before, version = rows(), Device.objects.get(pk=device.pk).readings_version
    assert post(*sent) == (200, receipt(0, 2))
    assert rows() == before
    assert Device.objects.get(pk=device.pk).readings_version == version
    assert post(*sent, element(AT, s55=23)) == (201, receipt(1, 2))
    assert stored(device)[MOMENT] == {"55": 23}


def test_the_later_message_wins_for_the_sensors_it_names(post: Any, device: Device) -> None:
    post(element(AT, s55=21, s7=50))
    assert post(element(AT, s55=22, s56=40)) == (201, receipt(1, 0))
    assert stored(device) == {MOMENT: {"7": 50, "55": 22, "56": 40}}
    # Within one request too, and within one element
    assert post(element(AT, s55=1), element(AT, s55=2), element(AT, s55=2)) == (201, receipt(2, 1))
    twice = {"recorded_at": AT, "sensors": [{"id": 55, "value": 3}, {"id": "55", "value": 4}]}
    assert post(twice) == (201, receipt(1, 0))
    assert stored(device)[MOMENT]["55"] == 4


def test_a_bad_element_sinks_no_other_and_a_bad_sensor_not_its_element(
    post: Any, device: Device, as_user: Any, alice: User
) -> None:
    late = (timezone.now() + timedelta(days=2)).isoformat()
    status, answer = post(
        element(None, s55=1),
        element("yesterday-ish", s55=1),
        element("2009-12-31T23:59:59Z", s55=1),
        element(late, s55=1),
        element(AT, s55="warm", s7=50),
        element("2016-06-08 10:31:00", xyz=1, s55=2),
        element("2016-06-08 10:32:00", s55=True),
        element("2016-06-08 10:33:00", s55=[1]),
        {"recorded_at": "2016-06-08 10:34:00"},
        "nonsense",
        {"recorded_at": "2016-06-08 10:35:00", "sensors": [{"value": 1}]},
        element("2016-06-08 10:36:00", s55="1e999"),
        element("2016-06-08 10:37:00", s9999=1),
    )
    no_number = "value is not a finite number or the text of one"
    assert status == 201
    assert answer == receipt(
        2,
        0,
        (0, None, "time is missing"),
        (1, None, "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        (2, None, "time is before 2010"),
        (3, None, "time is more than a day ahead"),
        (4, 55, no_number),
        (5, "xyz", "unknown sensor"),
        (6, 55, no_number),
        (7, 55, no_number),
        (8, None, "sensors is not an array"),
        (9, None, "element is not an object"),
        (10, None, "sensor has no id"),
        (11, 55, no_number),
        (12, 9999, "unknown sensor"),
    )
    assert stored(device) == {
        MOMENT: {"7": 50},
        MOMENT + timedelta(minutes=1): {"55": 2},
    }
    # Nothing is dropped without a trace: each reason is kept, repeats are counted.
    kept = as_user(alice).get(f"/v0/devices/{device.pk}/ingest_errors").json()
    assert {each["reason"]: each["count"] for each in kept} == {
        "time is missing": 1,
        "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ": 1,
        "time is before 2010": 1,
        "time is more than a day ahead": 1,
        no_number: 4,
        "unknown sensor": 2,
        "sensors is not an array": 1,
        "element is not an object": 1,
        "sensor has no id": 1,
    }
    assert {each["source"] for each in kept} == {"rest"}


def test_where_all_is_rejected_it_is_422_with_the_same_list(post: Any, device: Device) -> None:
    assert post(element("#", s55=1)) == (
        422,
        {
            "id": "unprocessable_entity",
            "message": "Data holds no reading that can be stored: see rejected",
            "stored": 0,
            "duplicates": 0,
            "rejected": [
                {"index": 0, "sensor": None, "reason": "time is #: the kit's clock failed"}
            ],
            "errors": {"data": ["holds no reading that can be stored: see rejected"]},
            "url": None,
        },
    )
    assert IngestError.objects.get().payload == (
        '{"recorded_at":"#","sensors":[{"id":55,"value":1}]}'
    )


def test_a_reading_ahead_of_the_clock_is_not_the_newest_yet(post: Any, device: Device) -> None:
    ahead = timezone.now() + timedelta(hours=2)
    assert post(element(ahead.isoformat(), s55=1))[0] == 201
    assert Device.objects.get(pk=device.pk).last_reading_at is None


@pytest.mark.parametrize(
    ("body", "status", "error", "errors"),
    [
        (b"", 422, "unprocessable_entity", {"data": ["can't be blank"]}),
        (b"{}", 422, "unprocessable_entity", {"data": ["can't be blank"]}),
        (b'{"data":[]}', 422, "unprocessable_entity", {"data": ["can't be blank"]}),
        (b'{"data":{"a":1}}', 422, "unprocessable_entity", {"data": ["is invalid"]}),
        (b'{"data":7}', 422, "unprocessable_entity", {"data": ["is invalid"]}),
        (b'{"data":"[1"}', 400, "bad_request", None),
        (b'{"data":[', 400, "bad_request", None),
        (b"[]", 400, "bad_request", None),
        (b'{"data":[NaN]}', 400, "bad_request", None),
        (b"[" * 2000, 400, "bad_request", None),
    ],
)
def test_a_body_that_holds_no_elements_is_refused(
    as_user: Any,
    alice: User,
    device: Device,
    body: bytes,
    status: int,
    error: str,
    errors: Any,
) -> None:
    before = rows()
    answer = as_user(alice).post(
        f"/v0/devices/{device.pk}/readings", body, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["id"]) == (status, error), answer.content
    assert answer.json()["errors"] == errors
    assert rows() == before


def test_a_form_may_carry_the_elements_as_json(as_user: Any, alice: User, device: Device) -> None:
    answer = as_user(alice).post(
        f"/v0/devices/{device.pk}/readings", {"data": json.dumps([element(AT, s55=21)])}
    )
    assert (answer.status_code, answer.json()) == (201, receipt(1, 0))


def test_a_body_may_be_gzipped_and_a_bomb_is_not_unfolded(
    as_user: Any, alice: User, device: Device
) -> None:
    def send(content: bytes) -> Any:
        return as_user(alice).post(
            f"/v0/devices/{device.pk}/readings",
            gzip.compress(content),
            content_type="application/json",
            headers={"Content-Encoding": "gzip"},
        )

    answer = send(json.dumps({"data": [element(AT, s55=21)]}).encode())
    assert (answer.status_code, answer.json()) == (201, receipt(1, 0))
    bomb = send(b'{"data":[' + b" " * 50_000_000 + b"]}")
    assert (bomb.status_code, bomb.json()["id"]) == (413, "payload_too_large")


def test_ten_thousand_elements_are_taken_and_one_more_is_not(post: Any, device: Device) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)
    many = [element((start + timedelta(minutes=n)).isoformat(), s55=n) for n in range(10_000)]
    assert post(*many) == (201, receipt(10_000, 0))
    assert Reading.objects.filter(device_id=device.pk).count() == 10_000
    before = rows()
    status, answer = post(*many, element(AT, s55=1))
    assert (status, answer["id"]) == (413, "payload_too_large")
    assert answer["message"] == "data holds more than 10000 elements"
    assert rows() == before


def test_ten_thousand_bad_elements_are_one_row_of_the_database(post: Any, device: Device) -> None:
    status, answer = post(*[element("never", s55=1)] * 10_000)
    assert (status, len(answer["rejected"])) == (422, 10_000)
    [kept] = IngestError.objects.all()
    assert kept.count == 10_000


def test_an_element_of_more_sensors_than_there_are_is_refused_whole(
    post: Any, device: Device
) -> None:
    sensors = [{"id": f"key{n}", "value": n} for n in range(payloads.MAX_SENSORS + 1)]
    status, answer = post({"recorded_at": AT, "sensors": sensors})
    assert status == 422
    assert [each["reason"] for each in answer["rejected"]] == ["more than 1000 sensors"]


def test_text_that_the_database_cannot_hold_sinks_nothing(post: Any, device: Device) -> None:
    status, answer = post(element("\x00", s55=1), element(AT, **{"s55": 21, "a\x00b": 1}))
    assert status == 201
    assert [each["reason"] for each in answer["rejected"]] == [
        "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ",
        "unknown sensor",
    ]


def test_a_device_that_is_deleted_meanwhile_is_not_found(
    as_user: Any, alice: User, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(device_id: int, *args: Any, **options: Any) -> None:
        raise Device.DoesNotExist

    monkeypatch.setattr(ingest, "store", gone)
    answer = as_user(alice).post(
        f"/v0/devices/{device.pk}/readings", {"data": [element(AT, s55=1)]}, format="json"
    )
    assert (answer.status_code, answer.json()["id"]) == (404, "record_not_found")


@pytest.mark.django_db(transaction=True)
def test_two_clients_at_once_lose_nothing(installed: None, alice: User, device: Device) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC)

    def send(sensor: str, answers: list[int]) -> None:
        client = APIClient()
        client.force_authenticate(alice)
        try:
            for n in range(20):
                at = (start + timedelta(minutes=n)).isoformat()
                body = {"data": [element(at, **{sensor: n})]}
                answers.append(
                    client.post(
                        f"/v0/devices/{device.pk}/readings", body, format="json"
                    ).status_code
                )
        finally:
            connection.close()

    answers: list[int] = []
    threads = [threading.Thread(target=send, args=(name, answers)) for name in ("s55", "s56", "s7")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201] * 60
    assert stored(device) == {
        start + timedelta(minutes=n): {"7": n, "55": n, "56": n} for n in range(20)
    }


def test_a_device_beyond_its_kit_learns_the_sensor(post: Any, device: Device, sck_1_1: Kit) -> None:
    assert not device.components.filter(sensor_id=55).exists()
    post(element(AT, s55=21))
    assert device.components.filter(sensor_id=55).exists()


def test_a_device_posts_a_bounded_number_of_combinations_of_sensors(
    post: Any, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are kept for ever and looked through by every question for history."""
    monkeypatch.setattr(sensor_sets, "MOST_OF_DEVICE", 2)
    status, receipt = post(element(s7=1), element("2016-06-08 10:31:00", s12=2, s7=1))
    assert (status, receipt["stored"]) == (201, 2)
    status, receipt = post(
        element("2016-06-08 10:32:00", s7=2),
        element("2016-06-08 10:33:00", s12=3),
        element(s14=3),
    )
    assert (status, receipt["stored"], receipt["duplicates"]) == (201, 1, 0)
    reason = "the device has posted too many different combinations of sensors"
    assert receipt["rejected"] == [
        {"index": 1, "sensor": None, "reason": reason},
        {"index": 2, "sensor": None, "reason": reason},
    ]
    assert IngestError.objects.values_list("reason", "count").get() == (reason, 2)
    assert Reading.objects.get(recorded_at=MOMENT).values == [1.0]
    assert Reading.objects.count() == 3
    assert sensor_sets.SensorSet.objects.filter(device_id=device.pk).count() == 2


def test_ten_thousand_combinations_at_once_are_numbered_in_a_few_statements(
    device: Device, django_assert_max_num_queries: Any
) -> None:
    sets = {(7, number) for number in range(8, 10_008)}
    with django_assert_max_num_queries(8):
        numbers = sensor_sets.numbers(sets, device.pk, None)
    assert len(numbers) == sensor_sets.MOST_OF_DEVICE
    assert sensor_sets.numbers(sets, device.pk, None) == numbers
