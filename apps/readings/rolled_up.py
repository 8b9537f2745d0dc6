"""The rolled-up history of one sensor: what a request asks for, and the answer to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import available_timezones

import orjson
from django.db import connection
from django.utils import timezone

from apps.api.conversions import boolean, positive_integer
from apps.api.exceptions import BadRequest, ParameterMissing
from apps.api.renderers import timestamp
from apps.kits.models import KitSensor
from apps.readings import rollups
from apps.readings.buckets import Buckets, Rollup
from apps.readings.history import Range
from apps.sensors.editions import EDITION
from apps.sensors.models import Sensor

# Contract, History
DEFAULT_RANGE = timedelta(weeks=6)
MOST_INTERVALS = 1_000_000
DEFAULT_POINTS = 500
AUTO = ["1m", "5m", "10m", "30m", "1h", "4h", "1d", "1w", "1M"]
# Names that Python knows and PostgreSQL does not, or that mean another zone on each machine
NO_ZONES = {"localtime", "posixrules", "Factory"}
EARLIEST_GRID, LATEST_GRID = datetime(1971, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
TIMES = orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC | orjson.OPT_OMIT_MICROSECONDS


class Joined(NamedTuple):
    """A component, which joins the device to a sensor, and what that sensor is called.

    By the device, and by the edition of the catalogue that is named last.
    """

    component_id: int
    sensor_id: int
    own_key: str | None
    default_key: str | None
    edition: UUID | None

    @property
    def key(self) -> str | None:
        """What the sensor of the device is shown to be called."""
        return self.own_key or self.default_key


def joined(device_id: int) -> list[Joined]:
    """The sensors of a device, in the order in which it got them.

    By hand, since Django takes longer to write this query than PostgreSQL to answer it.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT component.id, sensor.id, component.key, sensor.default_key, {EDITION}"
            " FROM devices_component AS component"
            " JOIN sensors_sensor AS sensor ON sensor.id = component.sensor_id"
            " WHERE component.device_id = %s ORDER BY component.id",
            [device_id],
        )
        return [Joined(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class Request:
    """What the parameters ask for, read and resolved; no sensor where a key names none."""

    sensor_id: int | None
    sensor_key: str
    start: datetime
    end: datetime
    written: str
    buckets: Buckets
    function: str
    limit: int | None
    all_intervals: bool

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> Request:
        """Read the parameters of a rolled-up history (contract: History); raises BadRequest."""
        wanted = Range.from_parameters(parameters)
        sensor_key = parameters.get("sensor_key", "").strip()
        if wanted.sensor_id is None and not sensor_key:
            raise ParameterMissing("sensor_id")
        start, end = _resolved(wanted)
        zone = _zone(parameters.get("tz", ""))
        written = parameters.get("rollup", "").strip()
        if not written:
            raise ParameterMissing("rollup")
        if written == "auto":
            points = positive_integer("max_points", parameters.get("max_points"), DEFAULT_POINTS)
            written = _finest(start, end, zone, points, "max_points")
        buckets = Buckets(_rollup(written), zone)
        function = parameters.get("function", "") or "avg"
        if function not in rollups.FUNCTIONS:
            raise BadRequest(f"function has to be one of {', '.join(rollups.FUNCTIONS)}")
        all_intervals = boolean("all_intervals", parameters.get("all_intervals"))
        if all_intervals:
            _require_few(start, end, buckets)
        limit = None
        if parameters.get("limit", "").strip():
            limit = min(positive_integer("limit", parameters["limit"], 1), 2**62)
        return cls(
            wanted.sensor_id, sensor_key, start, end, written, buckets, function, limit,
            all_intervals,
        )  # fmt: skip


def as_json(
    device_id: int, wanted: Request, sensors: Sequence[Joined], hidden: frozenset[int] = frozenset()
) -> dict[str, Any]:
    """The answer: its echo of what was asked, and pairs of time and value, newest first.

    `sensors` are those of the device. One that is hidden from the viewer is one that the device
    does not have.

    The pairs are JSON already, made chunk by chunk from the rows: an answer takes some times the
    memory of its bytes (40 to 50 a bucket), which are joined here and once more when it is sent.
    """
    component = _component(device_id, wanted, sensors)
    if component is not None and component.sensor_id in hidden:
        component = None
    sensor_id = component.sensor_id if component else wanted.sensor_id
    size, chunks = 0, []
    if component is not None:
        question = rollups.Question(
            device_id,
            component.sensor_id,
            wanted.start,
            wanted.end,
            wanted.buckets,
            wanted.function,
            wanted.limit,
            wanted.all_intervals,
        )
        for rows in rollups.answer(question):
            size += sum(row[2] for row in rows)
            chunks.append(orjson.dumps([row[:2] for row in rows], option=TIMES)[1:-1])
    return {
        "device_id": device_id,
        "sensor_id": sensor_id,
        "sensor_key": component.key if component else wanted.sensor_key or None,
        "component_id": component.component_id if component else None,
        "rollup": wanted.written,
        "function": wanted.function,
        "from": timestamp(wanted.start),
        "to": timestamp(wanted.end),
        "sample_size": size,
        "readings": orjson.Fragment(b"[" + b",".join(chunks) + b"]"),
    }


def _resolved(wanted: Range) -> tuple[datetime, datetime]:
    """The range, with what was left out: until the end of this minute, from six weeks before.

    The end of the minute, so that the answer to the same question has the same ETag for a while.
    """
    now = timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = wanted.end or (max(now, wanted.start) if wanted.start else now)
    try:
        return wanted.start or end - DEFAULT_RANGE, end
    except OverflowError:
        raise BadRequest("to is too early") from None


def _rollup(written: str) -> Rollup:
    try:
        return Rollup.parse(written)
    except ValueError:
        raise BadRequest(
            "rollup has to be a number from 1 (up to a thousand years) and one of"
            " y M w d h m s ms, such as 1h, or auto"
        ) from None


def _zone(name: str) -> str:
    if not name:
        return "UTC"
    if name in NO_ZONES or name not in available_timezones():
        raise BadRequest("tz has to be the name of a time zone such as Europe/Madrid")
    return name


def _finest(start: datetime, end: datetime, zone: str, points: int, name: str) -> str:
    """The finest rollup of AUTO with so many possible buckets at most; raises BadRequest."""
    for written in AUTO:
        if Buckets(Rollup.parse(written), zone).possible(start, end) <= points:
            return written
    raise BadRequest(f"{name} is too small for the range: even {AUTO[-1]} has more buckets")


def _require_few(start: datetime, end: datetime, buckets: Buckets) -> None:
    """Raise BadRequest where all intervals would be too many, with a rollup that would do."""
    if start < EARLIEST_GRID or end > LATEST_GRID:
        raise BadRequest("all_intervals is for ranges between the years 1971 and 2200")
    if buckets.possible(start, end) > MOST_INTERVALS:
        would_do = _finest(start, end, buckets.zone, MOST_INTERVALS, "all_intervals")
        raise BadRequest(
            f"all_intervals would be more than {MOST_INTERVALS:,} intervals:"
            f" rollup={would_do} would do"
        )


def _component(device_id: int, wanted: Request, sensors: Sequence[Joined]) -> Joined | None:
    """What joins the device to the sensor that is asked for; None: it has no such sensor.

    A key is looked up on the device, then in its kit, then among all default keys.
    """
    if wanted.sensor_id is not None:
        return next((one for one in sensors if one.sensor_id == wanted.sensor_id), None)
    key = wanted.sensor_key
    matching = [one for one in sensors if one.own_key == key]
    if not matching:
        of_kit = set(
            KitSensor.objects.filter(key=key, kit__devices=device_id).values_list(
                "sensor_id", flat=True
            )
        )
        matching = [one for one in sensors if one.sensor_id in of_kit]
    matching = matching or [one for one in sensors if one.default_key == key]
    if len(matching) > 1:
        raise BadRequest(f"sensor_key names two sensors of the device: {key[:50]}")
    if not matching and not Sensor.objects.filter(default_key=key).exists():
        raise BadRequest(f"sensor_key names no sensor: {key[:50]}")
    return matching[0] if matching else None
