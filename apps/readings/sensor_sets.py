"""Numbers for sets of sensors, so that a reading names its sensors in four bytes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from apps.readings.models import SensorSet

SensorIds = tuple[int, ...]

# Any two writers that number sets at once take turns by this advisory lock.
NUMBERING = 7_203_001
# Sets that one device may have numbered. A kit has some ten sensors, of which some fail now and
# then; sets stay for ever, and every question for history looks through them.
MOST_OF_DEVICE = 1000
# Numbers that this process has seen committed. A set keeps its number, and none is deleted.
MOST_REMEMBERED = 10_000
_remembered: dict[SensorIds, int] = {}


def numbers(sets: Iterable[SensorIds], device_id: int | None) -> dict[SensorIds, int]:
    """The number of each set of ascending sensor ids; sets that are new are numbered.

    Where the device has had `MOST_OF_DEVICE` sets numbered, new ones are left out; None is an
    operator, who goes on. What a transaction reads is not remembered: it may be rolled back.
    Numbering holds up others who number until the transaction ends: call it before a long one.
    """
    wanted = set(sets)
    found = {ids: _remembered[ids] for ids in wanted & _remembered.keys()}
    if missing := wanted - found.keys():
        found |= _known(missing)
    if missing := wanted - found.keys():
        _number(sorted(missing), device_id)
        found |= _known(missing)
    if not connection.in_atomic_block:
        if len(_remembered) > MOST_REMEMBERED:
            _remembered.clear()
        _remembered.update(found)
    return found


def members(set_ids: Iterable[int]) -> dict[int, SensorIds]:
    """The sensor ids of each numbered set, in the order in which readings keep their values."""
    rows = SensorSet.objects.filter(id__in=set(set_ids)).values_list("id", "sensor_ids")
    return {set_id: tuple(sensor_ids) for set_id, sensor_ids in rows}


def holding(sensor_id: int) -> list[int]:
    """The numbers of the sets that hold a sensor; an id beyond smallint is in none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM readings_sensorset WHERE %s = ANY (sensor_ids)", [sensor_id])
        return [set_id for (set_id,) in cursor.fetchall()]


def forget() -> None:
    """Remember nothing: for tests, which empty the table."""
    _remembered.clear()


def _number(missing: list[SensorIds], device_id: int | None) -> None:
    """Number new sets in one statement, as many as the device may still have."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM readings_sensorset WHERE device_id = %s", [device_id])
        left = MOST_OF_DEVICE - cursor.fetchone()[0]
        if left <= 0:
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
        cursor.execute(
            "INSERT INTO readings_sensorset (id, sensor_ids, device_id)"
            " SELECT (SELECT coalesce(max(id), 0) FROM readings_sensorset) + row_number() OVER (),"
            " ids::smallint[], %s FROM unnest(%s) AS new (ids)"
            " ON CONFLICT (sensor_ids) DO NOTHING",
            [device_id, _literals(missing[:left])],
        )


def _known(sets: set[SensorIds]) -> dict[SensorIds, int]:
    """The numbers of those sets that have one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, sensor_ids FROM readings_sensorset"
            " JOIN unnest(%s) AS asked (ids) ON sensor_ids = ids::smallint[]",
            [_literals(sets)],
        )
        return {tuple(sensor_ids): number for number, sensor_ids in cursor.fetchall()}


def _literals(sets: Iterable[SensorIds]) -> list[str]:
    """Sets as PostgreSQL writes arrays: arrays of one array have to be of one length."""
    return [f"{{{','.join(map(str, sensor_ids))}}}" for sensor_ids in sets]
