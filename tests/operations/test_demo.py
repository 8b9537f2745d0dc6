"""Demo data: plausible devices with readings that went through the real ingest."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from apps.devices.models import Device
from apps.kits.models import KitSensor
from apps.readings.models import Reading
from apps.sensors.models import Sensor
from apps.users.models import User


def test_devices_owners_and_readings_are_made(
    installed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("demo", "--devices", "8", "--days", "1", "--every", "30")
    assert Device.objects.count() == 8
    assert 1 <= User.objects.count() <= 2
    posting = Device.objects.exclude(last_reading_at=None)
    assert posting.count() >= 6
    assert Reading.objects.count() > 100
    for device in posting:
        assert device.kit
        assert set(device.newest.sensors) == {s.pk for s in device.kit.sensors.all()}
        temperature = device.newest.sensors[12 if device.kit.slug == "sck:1,1" else 4].value
        assert -40 < temperature < 50
    assert timezone.now() - max(d.last_reading_at for d in posting) < timedelta(minutes=1)  # type: ignore[type-var]
    assert "8/8" in capsys.readouterr().err


def test_demo_devices_are_added_beside_those_that_are_there(installed: None) -> None:
    call_command("demo", "--devices", "2", "--days", "0")
    call_command("demo", "--devices", "2", "--days", "0")
    assert Device.objects.values("mac_key").distinct().count() == 4


def test_the_planner_knows_of_what_was_made(installed: None) -> None:
    call_command("demo", "--devices", "3", "--days", "0")
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE oid = 'devices_device'::regclass")
        assert cursor.fetchone() == (3.0,)


def test_a_table_that_autovacuum_is_at_holds_nothing_up(installed: None) -> None:
    with closing(psycopg2.connect(**connection.get_connection_params())) as other:
        other.cursor().execute("LOCK TABLE devices_tag IN SHARE UPDATE EXCLUSIVE MODE")
        call_command("demo", "--devices", "1", "--days", "0")
    assert Device.objects.count() == 1


def test_nobody_can_sign_in_as_a_demo_owner(installed: None) -> None:
    call_command("demo", "--devices", "1", "--days", "0")
    assert not any(user.has_usable_password() for user in User.objects.all())


def test_bad_options_and_an_empty_catalogue_are_named(installed: None) -> None:
    with pytest.raises(CommandError, match="--devices"):
        call_command("demo", "--devices", "0")
    KitSensor.objects.all().delete()
    Sensor.objects.update(parent=None)
    Sensor.objects.all().delete()
    with pytest.raises(CommandError, match="catalogue"):
        call_command("demo")
