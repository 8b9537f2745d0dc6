"""How kits and clients write times and numbers, and what of it is nonsense."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

# Contract, Readings, In by REST: what is a bad element
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
NOT_A_NUMBER = "value is not a finite number or the text of one"

# As nearly all write it; `TIME` reads the same, and takes ten times as long
PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?", re.ASCII)
TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|UTC|[+-]?\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
)
NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)


class Unreadable(ValueError):
    """A time or number that cannot be read; the message says why."""


def read_time(value: Any, now: datetime) -> datetime:
    """The UTC time that a message names, held to the contract's limits; raises `Unreadable`.

    Read are ISO 8601 (`2016-06-08T10:30:00Z`), the kits' `2015-04-06 10:38:00` and unpadded
    `2015-5-12 10:38:00`, `… UTC`, an offset, one whose `+` arrived as a space, and epoch seconds
    or milliseconds.
    """
    if value is None or value == "":
        raise Unreadable("time is missing")
    if value == "#":
        raise Unreadable("time is #: the kit's clock failed")
    read = moment(value)
    if read is None:
        raise Unreadable("time cannot be read: use YYYY-MM-DDTHH:MM:SSZ")
    if read < EARLIEST:
        raise Unreadable("time is before 2010")
    if read > now + AHEAD:
        raise Unreadable("time is more than a day ahead")
    return read


def moment(value: Any) -> datetime | None:
    """The UTC time that epoch seconds, milliseconds or a written time mean; None if unreadable."""
    if isinstance(value, str) and PLAIN_TIME.fullmatch(value):
        try:
            return datetime.fromisoformat(value[:19]).replace(tzinfo=UTC)
        except ValueError:  # such as the 30th of February
            return None
    return _epoch(value) or _written(value)


def read_number(value: Any) -> float:
    """The finite number that a value is or spells; raises `Unreadable`."""
    if isinstance(value, str):
        value = value.strip()
        # float() also reads "nan", "1_000" and other scripts' digits: none is a kit's number.
        if not NUMBER.fullmatch(value):
            raise Unreadable(NOT_A_NUMBER)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(NOT_A_NUMBER)
    try:
        number = float(value)
    except OverflowError:
        raise Unreadable(NOT_A_NUMBER) from None
    if not math.isfinite(number):
        raise Unreadable(NOT_A_NUMBER)
    return number


def _epoch(value: Any) -> datetime | None:
    """Epoch seconds, or milliseconds where seconds would lie past the year 5000."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d{9,14}(\.\d+)?", value, re.ASCII):
            return None
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    seconds = value / 1000 if abs(value) >= 1e11 else value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _written(value: Any) -> datetime | None:
    """A written time, UTC unless it says otherwise."""
    if not isinstance(value, str) or not (match := TIME.fullmatch(value.strip())):
        return None
    *parts, fraction, zone = match.groups()
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in parts)
        time = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        time += timedelta(microseconds=int((fraction or "0").ljust(6, "0")[:6]))
        return time - _offset(zone)
    except (ValueError, OverflowError):
        return None


def _offset(zone: str | None) -> timedelta:
    """How far a zone such as `Z`, `+02:00`, `0200` (a `+` that became a space) is from UTC."""
    if zone is None or zone.upper() in {"Z", "UTC"}:
        return timedelta(0)
    digits = zone.lstrip("+-").replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if ahead >= timedelta(days=1):
        raise ValueError(zone)
    return -ahead if zone.startswith("-") else ahead
