"""Rollups as requests write them (`1h`, `3M`), and their buckets as SQL: pure, no database."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

WRITTEN = re.compile(r"([0-9]{1,12})(y|M|w|d|h|m|s|ms)", re.ASCII)
LENGTHS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    # The shortest that they can be: what counts possible buckets must not count too few.
    "M": timedelta(days=28),
    "y": timedelta(days=365),
}
LONGEST = timedelta(days=1000 * 366)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Rollup:
    """A length of time: `n` of a unit."""

    n: int
    unit: str

    @classmethod
    def parse(cls, written: str) -> Rollup:
        """Read `<n><y|M|w|d|h|m|s|ms>`; raises ValueError for zero or over a thousand years."""
        match = WRITTEN.fullmatch(written)
        if match is None:
            raise ValueError(written)
        n, unit = int(match[1]), match[2]
        if not 0 < n <= LONGEST // LENGTHS[unit]:
            raise ValueError(written)
        return cls(n, unit)

    @property
    def shortest(self) -> timedelta:
        """The length of its shortest bucket."""
        return self.n * LENGTHS[self.unit]

    @property
    def months(self) -> int:
        """Its length in calendar months; 0 where it has a fixed length."""
        return {"M": 1, "y": 12}.get(self.unit, 0) * self.n

    def before(self, moment: datetime) -> datetime:
        """The time that lies so long before; raises ValueError where the calendar ends."""
        if not self.months:
            try:
                return moment - self.shortest
            except OverflowError:
                raise ValueError(self) from None
        year, month = divmod(moment.year * 12 + moment.month - 1 - self.months, 12)
        if year < 1:
            raise ValueError(self)
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day)


@lru_cache(maxsize=64)
def offsets(zone: str) -> frozenset[timedelta]:
    """The distances from UTC that a zone had or will have since there are readings."""
    return frozenset(offset for _, offset in _weekly_offsets(zone))


@lru_cache(maxsize=64)
def changes(zone: str) -> tuple[datetime, ...]:
    """The weeks, since there are readings, in which a zone's distance from UTC changes."""
    weeks = _weekly_offsets(zone)
    return tuple(week for (week, before), (_, after) in pairwise(weeks) if before != after)


@lru_cache(maxsize=64)
def _weekly_offsets(zone: str) -> list[tuple[datetime, timedelta]]:
    """A zone's distance from UTC at the beginning of each week from 2009 to 2069."""
    place = ZoneInfo(zone)
    weeks = (datetime(2009, 12, 1, tzinfo=UTC) + WEEK * week for week in range(52 * 60))
    return [(week, week.astimezone(place).utcoffset() or timedelta(0)) for week in weeks]


def _local(moment: datetime, zone: str) -> tuple[datetime, datetime]:
    """The first and last local time, without a zone, that clocks show near a moment.

    They differ where clocks are set back: the stretch that they show twice may reach so far to
    both sides. Those of UTC where the calendar ends.
    """
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except OverflowError:
        return moment.replace(tzinfo=None), moment.replace(tzinfo=None)
    once, again = (local.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    plain = local.replace(tzinfo=None)
    return plain - (once - again), plain + (once - again)


@dataclass(frozen=True, slots=True)
class Buckets:
    """The buckets of a rollup, aligned to UTC or to the local time of a zone.

    Fixed lengths count from 1970-01-01, weeks from Monday 1970-01-05, months and years from
    January 1970 (contract: History), with a zone from local midnight. There, buckets longer than
    an hour follow the wall clock (a day has 23 to 25 hours); shorter ones keep their length, so
    that the hour that a clock shows twice is two buckets.
    """

    rollup: Rollup
    zone: str = "UTC"

    @property
    def is_utc(self) -> bool:
        """Whether local time is UTC throughout."""
        return offsets(self.zone) == {timedelta(0)}

    @property
    def of_hours(self) -> bool:
        """Whether every bucket is made of whole hours of UTC."""
        whole = self.rollup.months or not self.rollup.shortest % HOUR
        return bool(whole) and not any(offset % HOUR for offset in offsets(self.zone))

    @property
    def of_days(self) -> bool:
        """Whether every bucket is made of whole days of UTC."""
        return self.is_utc and bool(self.rollup.months or not self.rollup.shortest % DAY)

    def possible(self, start: datetime, end: datetime) -> int:
        """How many buckets may lie in a range, with those that it only touches; never too few."""
        if end <= start:
            return 0
        origin = datetime(1970, 1, 5 if self.rollup.unit == "w" else 1)
        first = _local(start, self.zone)[0] - origin
        last = _local(end - datetime.resolution, self.zone)[1] - origin
        if self.rollup.months:
            first_month, last_month = (
                (origin + since).year * 12 + (origin + since).month - 1 for since in (first, last)
            )
            months, base = self.rollup.months, 1970 * 12
            return (last_month - base) // months - (first_month - base) // months + 1
        length, cut = self.rollup.shortest, 0
        if not self._by_wall_clock:
            last = first + (end - datetime.resolution - start)
            # A clock that changes by no whole number of buckets cuts one in two.
            if any((one - other) % length for one, other in pairwise(offsets(self.zone))):
                cut = sum(start <= week + WEEK and week < end for week in changes(self.zone))
        return last // length - first // length + 1 + cut

    def start(self, moment: str) -> str:
        """SQL: the start of the bucket that holds `moment`, an SQL timestamptz."""
        local = f"({moment} AT TIME ZONE %(zone)s)"
        if not self.is_utc and not self._by_wall_clock:
            return f"({moment} - ({local} - {self._bin(local)}))"
        return f"({self._bin(local)} AT TIME ZONE %(zone)s)"

    def grid(self) -> str:
        """SQL: the start of every bucket from %(start)s to %(end)s, empty ones too, ascending."""
        last = "(%(end)s::timestamptz - interval '1 microsecond')"
        start = "%(start)s::timestamptz"
        # An empty range lies within a bucket, but holds none.
        ranged = f"WHERE {start} < %(end)s::timestamptz"
        if self.is_utc or self._by_wall_clock:
            local = f"{self._bin(f'({start} AT TIME ZONE %(zone)s)')}"
            series = f"generate_series({local}, {last} AT TIME ZONE %(zone)s, %(step)s::interval)"
            return (
                f"SELECT DISTINCT (g AT TIME ZONE %(zone)s) AS bucket FROM {series} AS g {ranged}"
            )
        series = f"generate_series({self.start(start)}, {last}, %(step)s::interval)"
        return f"SELECT DISTINCT {self.start('g')} AS bucket FROM {series} AS g {ranged}"

    @property
    def parameters(self) -> dict[str, object]:
        """The parameters that `start` and `grid` name, but for the range."""
        origin = "1970-01-05" if self.rollup.unit == "w" else "1970-01-01"
        months = self.rollup.months
        step = f"{months} months" if months else self.rollup.shortest
        return {"zone": self.zone, "origin": origin, "step": step, "months": months}

    @property
    def _by_wall_clock(self) -> bool:
        return self.rollup.shortest > HOUR

    def _bin(self, local: str) -> str:
        """SQL: where the bucket that holds a local timestamp begins, as a local timestamp."""
        if not self.rollup.months:
            return f"date_bin(%(step)s::interval, {local}, %(origin)s::timestamp)"
        index = f"((extract(year FROM {local}) - 1970) * 12 + extract(month FROM {local}) - 1)"
        return (
            "(timestamp '1970-01-01' + make_interval(months =>"
            f" (floor({index} / %(months)s) * %(months)s)::integer))"
        )
