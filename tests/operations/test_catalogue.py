"""The catalogue of a fresh install is the recorded one, and installing again changes nothing."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from apps.devices.models import Tag
from apps.kits.models import Kit, KitSensor
from apps.operations import catalogue
from apps.sensors.models import Measurement, Sensor


@pytest.fixture(autouse=True)
def _installed(installed: None) -> None:
    """Every test here is about the catalogue."""


def test_kits_have_the_recorded_sensors_by_key() -> None:
    def keys(slug: str) -> dict[str, int]:
        rows = KitSensor.objects.filter(kit__slug=slug)
        return dict(rows.values_list("key", "sensor_id"))

    assert keys("sck:1,0") == {
        "temp": 4, "hum": 5, "light": 6, "noise": 7, "no2": 8, "co": 9, "bat": 10, "panel": 11,
        "nets": 21,
    }  # fmt: skip
    assert keys("sck:1,1") == {
        "noise": 7, "temp": 12, "hum": 13, "light": 14, "no2": 15, "co": 16, "bat": 17,
        "panel": 18, "nets": 21,
    }  # fmt: skip
    assert sorted(keys("sck:2,1").values()) == [10, 14, 53, 55, 56, 58, 87, 88, 89, 112, 113]


def test_sensors_are_the_recorded_ones() -> None:
    dht22 = Sensor.objects.get(pk=4)
    assert (dht22.parent_id, dht22.name, dht22.unit) == (3, "DHT22 - Temperature", "ºC")
    assert dht22.created_at.isoformat() == "2015-02-02T18:15:14.132000+00:00"
    assert dht22.updated_at == dht22.created_at
    assert str(dht22.uuid) == "a50dbd88-b0c7-4094-ad74-2b755e8023a8"
    assert str(Sensor.objects.get(pk=21).created_at) == "2015-05-04 11:17:18+00:00"
    assert Sensor.objects.count() == 34
    assert not Measurement.objects.filter(description="").exists()
    assert Tag.objects.count() == 12


def test_keys_of_newer_kits_name_one_sensor_each() -> None:
    for kit_sensor in KitSensor.objects.filter(kit__slug="sck:2,1"):
        named = Sensor.objects.filter(default_key=kit_sensor.key)
        assert kit_sensor.key in {"bat", "light"} or named.count() == 1


def test_installing_again_adds_nothing_and_keeps_what_an_administrator_did() -> None:
    Sensor.objects.filter(pk=7).update(name="Our microphone")
    KitSensor.objects.filter(kit_id=3, key="panel").delete()
    assert catalogue.install() == 0
    assert Sensor.objects.get(pk=7).name == "Our microphone"
    assert not KitSensor.objects.filter(kit_id=3, key="panel").exists()


def test_a_name_that_another_row_has_is_one_clear_line_and_nothing_is_added() -> None:
    gone = Tag.objects.order_by("pk").last()
    assert gone is not None
    name = gone.name
    gone.delete()
    Tag.objects.create(name=name.upper(), description="")
    with pytest.raises(CommandError, match="rename what clashes: .*tag_name_unique") as told:
        call_command("catalogue")
    assert "\n" not in str(told.value)
    assert not Tag.objects.filter(name=name).exists()


def test_what_is_missing_comes_back_with_its_parts() -> None:
    Kit.objects.get(pk=34).delete()
    printed = io.StringIO()
    call_command("catalogue", "--if-empty", stdout=printed)
    assert printed.getvalue() == ""
    call_command("catalogue", stdout=printed)
    assert printed.getvalue() == "catalogue: 12 rows added\n"


def test_rows_made_later_get_ids_of_their_own() -> None:
    assert Sensor.objects.create(name="new").pk > 222
    assert Kit.objects.create(name="new", slug="new").pk > 34
    assert Tag.objects.create(name="new").pk > 12
