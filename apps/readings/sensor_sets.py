"""Numbers for sets of sensors, so that a reading names its sensors in four bytes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection, transaction

from apps.readings.models import SensorSet

SensorIds = tuple[int, ...]

# Any two writers that number sets at once take turns by this advisory lock.
NUMBERING = 7_203_001


def numbers(sets: Iterable[SensorIds]) -> dict[SensorIds, int]:
    """The number of each set of ascending sensor ids; sets that are new are numbered.

    Nothing is remembered between calls, so that a number that a rolled back transaction takes
    back is never used. Numbering holds up others who number until the transaction ends: call it
    before a long one.
    """
    wanted = set(sets)
    found = _known(wanted)
    if missing := sorted(wanted - found.keys()):
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
            for sensor_ids in missing:
                cursor.execute(
                    "INSERT INTO readings_sensorset (id, sensor_ids)"
                    " SELECT coalesce(max(id), 0) + 1, %s::smallint[] FROM readings_sensorset"
                    " ON CONFLICT (sensor_ids) DO NOTHING",
                    [list(sensor_ids)],
                )
        found |= _known(set(missing))
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


def _known(sets: set[SensorIds]) -> dict[SensorIds, int]:
    """The numbers of those sets that have one."""
    if not sets:
        return {}
    casts = ", ".join(["%s::smallint[]"] * len(sets))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, sensor_ids FROM readings_sensorset WHERE sensor_ids IN ({casts})",
            [list(sensor_ids) for sensor_ids in sets],
        )
        return {tuple(sensor_ids): number for number, sensor_ids in cursor.fetchall()}
