"""Numbers for sets of sensors, so that a reading names its sensors in four bytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection, transaction

from apps.readings.models import SensorSet

SensorIds = tuple[int, ...]

# Any two writers that number sets at once take turns by this advisory lock.
NUMBERING = 7_203_001
# Sets that one device may have numbered. A kit has some ten sensors, of which some fail now and
# then; sets stay for ever, and every question for history looks through them.
MOST_OF_DEVICE = 1000
MOST_REMEMBERED = 10_000
# Which sets there are: random, and another one with each set that is numbered. A standby that took
# over, or a backup that was restored, may lack sets that this process has seen.
EDITION = "(SELECT edition FROM readings_sensorset ORDER BY id DESC LIMIT 1)"

OF_SETS = "FROM readings_sensorset JOIN unnest(%s) AS asked (ids) ON sensor_ids = ids::smallint[]"


@dataclass(frozen=True, slots=True)
class Memory:
    """Numbers that this process has seen committed in one edition of the sets."""

    edition: uuid.UUID | None = None
    numbers: dict[SensorIds, int] = field(default_factory=dict)


_memory = Memory()


def numbers(
    sets: Iterable[SensorIds], device_id: int | None, edition: uuid.UUID | None
) -> dict[SensorIds, int]:
    """The number of each set of ascending sensor ids; sets that are new are numbered.

    `edition` is the one that the transaction has just read: what is remembered of another one is
    not used, and nothing is without one. Where the device has had `MOST_OF_DEVICE` sets numbered,
    new ones are left out; a `device_id` of None is an operator, who goes on. Numbering holds up
    others who number until the transaction ends: `prepare` sets before a long one.
    """
    global _memory
    memory = _memory
    if edition is None or edition != memory.edition:
        memory = _memory = Memory()  # `prepare` will fill it again
    wanted = set(sets)
    found = {ids: memory.numbers[ids] for ids in wanted & memory.numbers.keys()}
    return found | _looked_up(wanted - found.keys(), device_id)


def prepare(sets: Iterable[SensorIds], device_id: int) -> None:
    """Number sets that are new, and remember the numbers, outside of any transaction.

    Sets that are remembered are not looked up: `numbers` will find out whether they still hold.
    """
    if not (wanted := set(sets) - _memory.numbers.keys()):
        return
    _looked_up(wanted, device_id)
    if not connection.in_atomic_block:  # what a transaction reads may be rolled back
        _remember(wanted)


def _looked_up(wanted: set[SensorIds], device_id: int | None) -> dict[SensorIds, int]:
    """The numbers of sets by the table, where new ones are numbered."""
    found = _known(wanted) if wanted else {}
    if missing := wanted - found.keys():
        _number(sorted(missing), device_id)
        found |= _known(missing)
    return found


def _remember(sets: set[SensorIds]) -> None:
    """Keep the numbers of sets, and forget those of another edition."""
    global _memory
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, sensor_ids, {EDITION} {OF_SETS}", [_literals(sets)])
        rows = cursor.fetchall()
    if not rows:
        return
    memory, edition = _memory, rows[0][2]
    if edition != memory.edition or len(memory.numbers) > MOST_REMEMBERED:
        memory = Memory(edition)
    memory.numbers.update({tuple(sensor_ids): number for number, sensor_ids, _ in rows})
    _memory = memory


def members(set_ids: Iterable[int]) -> dict[int, SensorIds]:
    """The sensor ids of each numbered set, in the order in which readings keep their values."""
    rows = SensorSet.objects.filter(id__in=set(set_ids)).values_list("id", "sensor_ids")
    return {set_id: tuple(sensor_ids) for set_id, sensor_ids in rows}


def holding(sensor_id: int) -> list[int]:
    """The numbers of the sets that hold a sensor; an id beyond smallint is in none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM readings_sensorset WHERE %s = ANY (sensor_ids)", [sensor_id])
        return [set_id for (set_id,) in cursor.fetchall()]


def _number(missing: list[SensorIds], device_id: int | None) -> None:
    """Number new sets in one statement, as many as the device may still have."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM readings_sensorset WHERE device_id = %s", [device_id])
        left = MOST_OF_DEVICE - cursor.fetchone()[0]
        if left <= 0:
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [NUMBERING])
        cursor.execute(
            "INSERT INTO readings_sensorset (id, sensor_ids, device_id, edition)"
            " SELECT (SELECT coalesce(max(id), 0) FROM readings_sensorset) + row_number() OVER (),"
            " ids::smallint[], %s, %s FROM unnest(%s) AS new (ids)"
            " ON CONFLICT (sensor_ids) DO NOTHING",
            [device_id, uuid.uuid4(), _literals(missing[:left])],
        )


def _known(sets: set[SensorIds]) -> dict[SensorIds, int]:
    """The numbers of those sets that have one."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, sensor_ids {OF_SETS}", [_literals(sets)])
        return {tuple(sensor_ids): number for number, sensor_ids in cursor.fetchall()}


def _literals(sets: Iterable[SensorIds]) -> list[str]:
    """Sets as PostgreSQL writes arrays: arrays of one array have to be of one length."""
    return [f"{{{','.join(map(str, sensor_ids))}}}" for sensor_ids in sets]
