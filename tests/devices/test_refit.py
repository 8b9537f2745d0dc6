"""What devices have follows from their kit and from what they posted."""

from __future__ import annotations

from datetime import UTC, datetime

from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from apps.devices.models import Component, Device
from apps.kits.models import Kit, KitSensor
from apps.readings import ingest
from apps.readings.keys import Row
from apps.users.models import User

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)


def sensors(device: Device) -> dict[int, str | None]:
    """The keys of a device's components, by sensor id."""
    return dict(device.components.order_by("sensor_id").values_list("sensor_id", "key"))


def test_a_sensor_that_was_posted_stays_when_the_kit_loses_it(device: Device) -> None:
    ingest.store(device.pk, [Row(0, NOON, {7: (50.0, None), 55: (21.5, None)})])
    KitSensor.objects.filter(kit=3).exclude(sensor=12).delete()
    device.kit.devices.refit()
    # What no kit names goes by its usual key.
    assert sensors(device) == {7: "noise", 12: "temp", 55: "t"}


def test_components_that_stay_are_the_same_rows(device: Device) -> None:
    before = {row.pk: row.updated_at for row in device.components.all()}
    device.kit.devices.refit()
    assert {row.pk: row.updated_at for row in device.components.all()} == before


def test_a_component_goes_by_the_key_that_the_kit_gives_it(device: Device) -> None:
    before = device.components.get(sensor=12)
    KitSensor.objects.filter(kit=3, sensor=12).update(key="temperature")
    device.kit.devices.refit()
    after = device.components.get(sensor=12)
    assert (after.pk, after.uuid, after.key) == (before.pk, before.uuid, "temperature")
    assert after.updated_at > before.updated_at


def test_devices_of_other_kits_are_left_alone(device: Device, alice: User) -> None:
    other = Device.objects.register(owner=alice, name="2.1", kit=Kit.objects.get(pk=34))
    bare = Device.objects.register(owner=alice, name="None")
    Component.objects.ensure(other.pk, [(7, None)])
    KitSensor.objects.filter(kit=3).delete()
    device.kit.devices.refit()
    assert (sensors(device), sensors(bare)) == ({}, {})
    assert 7 in sensors(other)


def test_new_components_are_like_those_that_django_makes(device: Device) -> None:
    device.components.all().delete()
    device.kit.devices.refit()
    rows = list(device.components.all())
    assert [row.sensor_id for row in rows] == [7, 12, 13, 14, 15, 16, 17, 18, 21]
    assert len({row.uuid for row in rows}) == 9
    assert all(row.created_at == row.updated_at for row in rows)


def test_any_number_of_devices_costs_four_queries(
    device: Device, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    kit = device.kit
    for number in range(5):
        Device.objects.register(owner=alice, name=f"{number}", kit=kit)
    KitSensor.objects.filter(kit=kit, sensor=12).delete()
    with django_assert_num_queries(4 + 2):  # and a savepoint
        kit.devices.refit()
    assert not Component.objects.filter(sensor=12).exists()


def test_a_device_that_changes_its_kit_has_the_keys_of_the_new_one(device: Device) -> None:
    ingest.store(device.pk, [Row(0, NOON, {12: (21.5, 1.0)})])
    device.change(kit=Kit.objects.get(pk=2))
    assert sensors(device) == {
        4: "temp",
        5: "hum",
        6: "light",
        7: "noise",
        8: "no2",
        9: "co",
        10: "bat",
        11: "panel",
        12: "temp",
        21: "nets",
    }


def test_devices_follow_a_kit_that_is_edited_on_the_admin_site(device: Device, carol: User) -> None:
    browser = Client()
    browser.force_login(carol)
    held = KitSensor.objects.filter(kit=3, sensor__in=[7, 12])
    KitSensor.objects.filter(kit=3).exclude(pk__in=held).delete()
    noise, temperature = held
    form = {"name": "SCK 1.1", "slug": "sck:1,1", "description": ""}
    form |= {"kit_sensors-TOTAL_FORMS": "3", "kit_sensors-INITIAL_FORMS": "2"}
    form |= {"kit_sensors-0-id": noise.pk, "kit_sensors-0-DELETE": "on"}
    form |= {"kit_sensors-1-id": temperature.pk, "kit_sensors-2-id": ""}
    form |= {f"kit_sensors-{n}-kit": "3" for n in range(3)}
    form |= {"kit_sensors-0-sensor": "7", "kit_sensors-0-key": "noise"}
    form |= {"kit_sensors-1-sensor": "12", "kit_sensors-1-key": "t"}
    form |= {"kit_sensors-2-sensor": "55", "kit_sensors-2-key": "new"}
    response = browser.post(reverse("admin:kits_kit_change", args=[3]), form)
    assert response.status_code == 302, response.content
    assert sensors(device) == {12: "t", 55: "new"}
