"""The edition of the catalogue: that no write forgets it, and that nothing stale is kept."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.kits.models import Kit, KitSensor
from apps.sensors.editions import KeptPerEdition, current_edition
from apps.sensors.models import Edition, Measurement, Sensor, SensorTag

WRITES: dict[str, Callable[[], object]] = {
    "a changed sensor": lambda: Sensor.objects.filter(pk=12).update(name="x"),
    "a new sensor": lambda: Sensor.objects.create(pk=30_000, name="x"),
    "a deleted kit's sensor": lambda: KitSensor.objects.filter(sensor_id=12).delete(),
    "many new sensors": lambda: Sensor.objects.bulk_create([Sensor(pk=30_000, name="x")]),
    "a measurement": lambda: Measurement.objects.update(unit="x"),
    "a tag": lambda: SensorTag.objects.create(name="x"),
    "a sensor's tags": lambda: Sensor.objects.get(pk=12).tags.clear(),
    "a kit": lambda: Kit.objects.filter(slug="sck:1,1").update(name="x"),
    "statements of one's own": lambda: connection.cursor().execute(
        "UPDATE kits_kitsensor SET key = key || 'x'"
    ),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_whatever_writes_the_catalogue_makes_a_new_edition(
    installed: None, write: Callable[[], object]
) -> None:
    before = current_edition()
    write()
    assert current_edition() not in (before, None)


def test_a_device_shows_the_catalogue_as_it_is(client: APIClient, device: Device) -> None:
    def shown() -> set[str]:
        body = client.get(f"/v0/devices/{device.pk}").json()
        names = {s["name"] for s in body["data"]["sensors"] + body["kit"]["sensors"]}
        return names & {"one", "two", "HPP828E031"} | {body["hardware"]["name"]}

    assert shown() == {"HPP828E031", "SCK 1.1 - Ambient Board"}
    Sensor.objects.filter(name="HPP828E031").update(name="one")
    assert shown() == {"one", "SCK 1.1 - Ambient Board"}
    Kit.objects.filter(pk=device.kit_id).update(name="Board")
    assert shown() == {"one", "Board"}
    assert client.get("/v0/sensors/12").json()["name"] == "one"
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        Sensor.objects.filter(name="one").update(name="two")
        assert shown() == {"two", "Board"}
        raise ZeroDivisionError
    assert shown() == {"one", "Board"}


def test_nothing_is_kept_for_an_edition_that_is_not_the_newest(db: None) -> None:
    made: list[int] = []
    kept = KeptPerEdition(lambda: made.append(1) or len(made))
    edition = current_edition()
    assert [kept.of(uuid4()), kept.of(None), kept.of(edition), kept.of(edition)] == [1, 2, 3, 3]


def test_a_lost_edition_comes_back_with_the_next_change(installed: None, client: APIClient) -> None:
    before = client.get("/v0/sensors").json()
    Edition.objects.all().delete()
    assert client.get("/v0/sensors").json() == before
    assert current_edition() is None
    Sensor.objects.filter(pk=12).update(name="x")
    assert current_edition() is not None


@pytest.mark.django_db(transaction=True)
def test_an_emptied_table_is_another_edition(client: APIClient) -> None:
    before = current_edition()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE sensors_sensor CASCADE")
    assert current_edition() not in (before, None)
    assert client.get("/v0/sensors").json() == []


@pytest.mark.parametrize(
    "path", ["/v0/sensors?q[s]=id", "/v0/sensors/12", "/v0/kits", "/v0/kits/2"]
)
def test_what_is_deleted_while_it_is_shown_is_to_be_asked_for_again(
    installed: None, client: APIClient, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    everything = client.get(path)
    assert everything.status_code == 200
    monkeypatch.setattr(KeptPerEdition, "of", lambda self, edition: {})
    answer = client.get(path)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "1"
    assert answer.json() == {
        "id": "service_unavailable",
        "message": "The catalogue has just changed, please try again",
        "errors": None,
        "url": None,
    }
