"""The one writer: every reading exactly once, and the newest on the row of its device."""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.devices.models import Device
from apps.readings import ingest, partitions, sensor_sets
from apps.readings.ingest import Receipt
from apps.readings.keys import Row
from apps.readings.models import Reading, SensorSet

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
TEMPERATURE, HUMIDITY, NOISE, WIFI = 12, 13, 7, 21


def row(minutes: float, values: dict[int, float], raws: dict[int, float] | None = None) -> Row:
    """A row so many minutes after noon."""
    return Row(
        0,
        NOON + timedelta(minutes=minutes),
        {sensor: (value, (raws or {}).get(sensor)) for sensor, value in values.items()},
    )


def stored(device: Device) -> dict[float, ingest.Values]:
    """What is stored of a device, by minutes after noon."""
    readings = list(Reading.objects.filter(device_id=device.pk))
    sets = sensor_sets.members(reading.sensor_set_id for reading in readings)
    return {
        (reading.recorded_at - NOON) / timedelta(minutes=1): ingest.as_values(
            sets[reading.sensor_set_id], reading.values, reading.raw_values
        )
        for reading in readings
    }


def test_what_is_stored_comes_back_as_it_was(device: Device) -> None:
    assert ingest.store(
        device.pk, [row(0, {NOISE: 50.0, TEMPERATURE: 0.1}, {NOISE: 0.0}), row(1, {WIFI: 13.0})]
    ) == Receipt(stored=2, duplicates=0)
    assert stored(device) == {
        0: {NOISE: (50.0, 0.0), TEMPERATURE: (0.1, None)},
        1: {WIFI: (13.0, None)},
    }


def test_sending_the_same_again_changes_nothing(device: Device) -> None:
    rows = [row(n, {TEMPERATURE: 20.0 + n}, {TEMPERATURE: 1.0}) for n in range(3)]
    ingest.store(device.pk, rows)
    before = Device.objects.get(pk=device.pk)
    added = list(Reading.objects.values_list("added_at", flat=True))
    assert ingest.store(device.pk, rows) == Receipt(stored=0, duplicates=3)
    after = Device.objects.get(pk=device.pk)
    assert (after.latest, after.readings_version) == (before.latest, before.readings_version)
    assert list(Reading.objects.values_list("added_at", flat=True)) == added


def test_at_the_same_time_the_later_message_wins_for_the_sensors_it_names(device: Device) -> None:
    ingest.store(device.pk, [row(0, {TEMPERATURE: 20.0, HUMIDITY: 60.0}, {TEMPERATURE: 5.0})])
    receipt = ingest.store(device.pk, [row(0, {TEMPERATURE: 21.0, NOISE: 40.0})])
    assert receipt == Receipt(stored=1, duplicates=0)
    assert stored(device) == {
        0: {TEMPERATURE: (21.0, None), HUMIDITY: (60.0, None), NOISE: (40.0, None)}
    }


def test_the_same_time_twice_in_one_message_is_one_reading(device: Device) -> None:
    rows = [row(0, {TEMPERATURE: 1.0}), row(0, {HUMIDITY: 2.0}), row(0, {HUMIDITY: 2.0})]
    assert ingest.store(device.pk, rows) == Receipt(stored=2, duplicates=1)
    assert stored(device) == {0: {TEMPERATURE: (1.0, None), HUMIDITY: (2.0, None)}}


def test_the_newest_values_are_on_the_device_and_late_ones_do_not_move_them_back(
    device: Device,
) -> None:
    ingest.store(device.pk, [row(10, {TEMPERATURE: 20.0}), row(5, {TEMPERATURE: 15.0})])
    ingest.store(device.pk, [row(0, {TEMPERATURE: 10.0, HUMIDITY: 60.0})])
    device.refresh_from_db()
    assert device.last_reading_at == NOON + timedelta(minutes=10)
    assert device.newest.sensors[TEMPERATURE].value == 20.0
    assert device.newest.sensors[TEMPERATURE].prev_value == 15.0
    assert device.newest.sensors[HUMIDITY].value == 60.0


def test_a_late_reading_between_the_newest_two_becomes_the_one_before(device: Device) -> None:
    ingest.store(device.pk, [row(0, {TEMPERATURE: 10.0})])
    ingest.store(device.pk, [row(10, {TEMPERATURE: 20.0})])
    ingest.store(device.pk, [row(5, {TEMPERATURE: 15.0})])
    device.refresh_from_db()
    assert device.newest.sensors[TEMPERATURE].prev_value == 15.0


def test_a_little_ahead_is_normal_and_far_ahead_waits_for_its_time(device: Device) -> None:
    now = timezone.now().replace(microsecond=0)
    normal, ahead = now + timedelta(minutes=4), now + timedelta(hours=2)
    later = now + timedelta(hours=3)
    ingest.store(device.pk, [Row(0, normal, {TEMPERATURE: (1.0, None)})])
    ingest.store(device.pk, [Row(0, later, {TEMPERATURE: (3.0, None)})])
    ingest.store(device.pk, [Row(0, ahead, {TEMPERATURE: (2.0, None)})])
    device.refresh_from_db()
    assert (device.last_reading_at, device.future_at) == (normal, ahead)
    ingest.promote(device.pk, now)
    device.refresh_from_db()
    assert (device.last_reading_at, device.future_at) == (normal, ahead)
    ingest.promote(device.pk, ahead)
    device.refresh_from_db()
    assert (device.last_reading_at, device.future_at) == (ahead, later)
    assert device.newest.sensors[TEMPERATURE].value == 2.0
    ingest.promote(device.pk, later)
    device.refresh_from_db()
    assert (device.last_reading_at, device.future_at) == (later, None)
    assert device.newest.sensors[TEMPERATURE].prev_value == 2.0


def test_a_sensor_that_was_only_posted_ahead_is_the_devices_own_when_its_time_comes(
    device: Device,
) -> None:
    ahead = timezone.now() + timedelta(hours=1)
    ingest.store(device.pk, [Row(0, ahead, {55: (21.0, None)})])
    device.refresh_from_db()
    device.change(kit_id=2)
    ingest.promote(device.pk, ahead)
    assert device.components.filter(sensor_id=55).exists()


def test_every_change_moves_the_change_counter(device: Device) -> None:
    for minute in range(3):
        ingest.store(device.pk, [row(-minute, {TEMPERATURE: 1.0})])
    device.refresh_from_db()
    assert device.readings_version == 3


def test_a_sensor_beyond_the_kit_becomes_the_devices_own(device: Device) -> None:
    ingest.store(device.pk, [row(0, {55: 21.0, TEMPERATURE: 1.0})], {55: "t"})
    own = device.components.exclude(sensor__kits=device.kit_id).get()
    assert (own.sensor_id, own.key) == (55, "t")
    assert device.components.count() == 10


def partitions_in_use() -> list[str]:
    """The partition of each reading; on Citus the number of the shard follows it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM readings_reading ORDER BY 1")
        return [re.sub(r"(_\d\d)_\d{5,}$", r"\1", table) for (table,) in cursor.fetchall()]


def test_readings_go_to_the_partition_of_their_month_and_no_other(device: Device) -> None:
    rows = [
        Row(0, datetime(year, month, 1, tzinfo=UTC), {TEMPERATURE: (1.0, None)})
        for year, month in [(2011, 1), (2016, 12), (2017, 1)]
    ]
    ingest.prepare(device.pk, rows)
    ingest.store(device.pk, rows)
    assert partitions_in_use() == [
        "readings_reading_2011_01",
        "readings_reading_2016_12",
        "readings_reading_2017_01",
    ]


def test_the_index_pages_of_every_month_are_filled(device: Device) -> None:
    partitions.ensure([datetime(2018, 6, 1, tzinfo=UTC)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, reloptions FROM pg_class"
            " WHERE relname ~ '^readings_reading_(default|[0-9]{4}_[0-9]{2})_pkey$'"
        )
        found = dict(cursor.fetchall())
    # The default one is told by a migration, as are the months that were there before it.
    assert {"readings_reading_default_pkey", "readings_reading_2018_06_pkey"} <= found.keys()
    assert set(map(tuple, found.values())) == {("fillfactor=100",)}


def test_what_waits_in_the_default_partition_moves_when_its_month_is_made(device: Device) -> None:
    late = [Row(0, datetime(2012, 2, 29, tzinfo=UTC), {TEMPERATURE: (1.0, None)})]
    ingest.store(device.pk, late)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM readings_reading_default")
        assert cursor.fetchone() == (1,)
        ingest.prepare(device.pk, late)
        cursor.execute("SELECT count(*) FROM readings_reading_default")
        assert cursor.fetchone() == (0,)
    assert Reading.objects.filter(device_id=device.pk).count() == 1


def test_a_device_that_is_not_there_is_an_error(db: None) -> None:
    with pytest.raises(Device.DoesNotExist):
        ingest.store(4711, [row(0, {TEMPERATURE: 1.0})])
    assert not Reading.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_at_once_lose_nothing_and_double_nothing(device: Device) -> None:
    rows = [row(n, {TEMPERATURE: float(n)}) for n in range(20)]
    receipts: list[Receipt] = []

    def send(offset: int) -> None:
        mine = rows[offset:] + rows[:offset]
        ingest.prepare(device.pk, mine)
        receipts.extend(ingest.store(device.pk, mine[n : n + 5]) for n in range(0, 20, 5))
        connection.close()

    threads = [threading.Thread(target=send, args=(5 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(receipt.stored for receipt in receipts) == 20
    assert sum(receipt.duplicates for receipt in receipts) == 60
    assert stored(device) == {float(n): {TEMPERATURE: (float(n), None)} for n in range(20)}
    device.refresh_from_db()
    assert device.readings_version == 4


@pytest.mark.django_db(transaction=True)
def test_a_partition_that_cannot_be_made_now_loses_nothing(device: Device) -> None:
    """A backup holds the default partition: the reading waits in it, and moves afterwards."""
    late = [Row(0, datetime(2013, 5, 1, tzinfo=UTC), {TEMPERATURE: (1.0, None)})]
    reader = connection.copy()
    with reader.cursor() as cursor:
        cursor.execute("BEGIN; LOCK TABLE readings_reading_default IN ACCESS SHARE MODE")
        ingest.prepare(device.pk, late)
        ingest.store(device.pk, late)
        cursor.execute("ROLLBACK")
    reader.close()
    partitions._not_before.clear()
    ingest.prepare(device.pk, late)
    assert partitions_in_use() == ["readings_reading_2013_05"]


@pytest.mark.django_db(transaction=True)
def test_months_are_made_while_others_write_and_nothing_is_lost(device: Device) -> None:
    """Some write into the default partition, two make its months: none waits for the other for
    ever, on one machine or many."""
    times = [datetime(2014, 1 + n % 6, 1 + n // 6, tzinfo=UTC) for n in range(60)]
    rows = [Row(0, time, {TEMPERATURE: (1.0, None)}) for time in times]
    failed: list[Exception] = []

    def work(mine: list[Row], *, prepares: bool) -> None:
        try:
            for row_ in mine:
                if prepares:
                    ingest.prepare(device.pk, [row_])
                ingest.store(device.pk, [row_])
        except Exception as error:  # told in the test's own thread
            failed.append(error)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=work, args=(rows[n::4],), kwargs={"prepares": n % 2 == 0})
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    partitions._not_before.clear()
    ingest.prepare(device.pk, rows)
    assert Reading.objects.filter(device_id=device.pk, recorded_at__in=times).count() == len(times)
    assert "readings_reading_default" not in partitions_in_use()


@pytest.mark.django_db(transaction=True)
def test_what_is_remembered_of_sets_holds_for_their_edition_alone(
    device: Device,
) -> None:
    """A standby takes over that lacks the newest set, and gives its number to another one."""

    def post(minute: int) -> None:
        rows_ = [Row(0, NOON + timedelta(minutes=minute), {TEMPERATURE: (1.0, None)})]
        ingest.prepare(device.pk, rows_)
        ingest.store(device.pk, rows_)

    for minute in range(2):
        post(minute)
    with CaptureQueriesContext(connection) as said:
        post(2)
    assert not [query for query in said if "FROM readings_sensorset JOIN" in query["sql"]]
    SensorSet.objects.all().delete()
    SensorSet.objects.create(id=1, sensor_ids=[HUMIDITY])
    post(3)
    newest = Reading.objects.get(device_id=device.pk, recorded_at=NOON + timedelta(minutes=3))
    assert sensor_sets.members([newest.sensor_set_id]) == {newest.sensor_set_id: (TEMPERATURE,)}
    post(4)
    with CaptureQueriesContext(connection) as said:
        post(5)
    assert not [query for query in said if "FROM readings_sensorset JOIN" in query["sql"]]
