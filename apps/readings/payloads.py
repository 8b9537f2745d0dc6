"""What kits and clients send, turned into samples and refusals: pure functions, no database.

A sample is what one message says of one time. Nothing here knows devices, kits or calibration:
keys are left as they came. Whatever cannot be read becomes a refusal that says why.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

# Contract, Readings, In by REST: what is a bad element
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=1)
# Contract, In by old kits: a JSON array of up to 60 objects
MAX_ROWS = 60
# Contract, In by REST: up to 10,000 elements
MAX_ELEMENTS = 10_000
# What a refusal keeps of the payload: all that a kit may send in its headers
MAX_PAYLOAD = 16 * 1024
# There are some two hundred kinds of sensors; no kit has as many.
MAX_SENSORS = 1000
# What stands around a word of a raw message: spaces, and quotes where somebody wrote JSON
WRAPPING = " \t\r\n\"'"
NOT_A_NUMBER = "value is not a finite number or the text of one"

# As nearly all write it; `TIME` reads the same, and takes ten times as long
PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\dZ?", re.ASCII)
TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:[.,](\d{1,9}))?)?"
    r"\s*(Z|UTC|[+-]?\d{2}:?\d{2})?",
    re.IGNORECASE | re.ASCII,
)
NUMBER = re.compile(r"[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sample:
    """Numbers of one time, by sensor key or id as sent; `index` is the element's place."""

    index: int
    recorded_at: datetime
    numbers: dict[str | int, float]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one element (`sensor` is None) or one of its sensors was not taken, and what it said."""

    index: int | None
    sensor: str | int | None
    reason: str
    payload: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a message came to."""

    samples: list[Sample]
    refusals: list[Refusal]


class Unreadable(ValueError):
    """A time or number that cannot be read; the message says why."""


def excerpt(payload: Any) -> str:
    """A payload as text that a person can read, cut to what is kept of it."""
    if isinstance(payload, bytes):
        payload = payload.decode("utf-8", "replace")
    if not isinstance(payload, str):
        try:
            payload = orjson.dumps(payload, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError:  # nested deeper than it writes, though it reads it
            payload = repr(payload)
    text = str(payload)
    # PostgreSQL's text holds no NUL, and lone surrogates are no UTF-8.
    clean = text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
    return clean if len(clean) <= MAX_PAYLOAD else clean[: MAX_PAYLOAD - 1] + "…"


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


def from_kit(data: str, now: datetime) -> Parsed:
    """Read the `X-SmartCitizenData` header of an old kit (contract: In by old kits).

    A JSON array of up to 60 objects whose values are text:
    `[{"temp":"25132","nets":"13","timestamp":"2015-04-06 10:38:00"}]`. Every row counts.
    """
    try:
        rows = orjson.loads(data)
    except orjson.JSONDecodeError:
        return _refused("data is not JSON", data)
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        return _refused("data is not an array of objects", data)
    if not rows:
        return _refused("data holds no rows", data)
    parsed = Parsed([], [])
    for index, row in enumerate(rows):
        if index >= MAX_ROWS:
            parsed.refusals.append(Refusal(index, None, f"more than {MAX_ROWS} rows", excerpt(row)))
        elif not isinstance(row, dict):
            parsed.refusals.append(Refusal(index, None, "row is not an object", excerpt(row)))
        else:
            values = ((key, value) for key, value in row.items() if key != "timestamp")
            _take(parsed, index, row, row.get("timestamp"), values, now)
    return parsed


def from_mqtt(payload: bytes, now: datetime) -> Parsed:
    """Read what a newer kit publishes to `…/readings` (issue 6: Kits over MQTT).

    `{"data":[{"recorded_at":"2016-06-08 10:30:00","sensors":[{"id":55,"value":21}]}, …]}`
    """
    try:
        body = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return _refused("message is not JSON", payload)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list):
        return _refused('message is not {"data":[…]}', payload)
    if not data:
        return _refused("data holds no elements", payload)
    if len(data) > MAX_ELEMENTS:
        return _refused(f"more than {MAX_ELEMENTS} elements", payload)
    return from_elements(data, now)


def from_elements(data: list[Any], now: datetime) -> Parsed:
    """Read elements as REST and MQTT send them (contract: In by REST).

    Each is `{"recorded_at":"2016-06-08 10:30:00","sensors":[{"id":55,"value":21}]}`; `id` is a
    sensor's id or key. A bad element never sinks the others, nor a bad sensor its element.
    """
    parsed = Parsed([], [])
    for index, element in enumerate(data):
        if not isinstance(element, dict):
            parsed.refusals.append(
                Refusal(index, None, "element is not an object", excerpt(element))
            )
        elif not isinstance(sensors := element.get("sensors"), list):
            parsed.refusals.append(
                Refusal(index, None, "sensors is not an array", excerpt(element))
            )
        elif len(sensors) > MAX_SENSORS:
            refused = f"more than {MAX_SENSORS} sensors"
            parsed.refusals.append(Refusal(index, None, refused, excerpt(element)))
        else:
            named = _plain(sensors) or _named(parsed, index, sensors)
            _take(parsed, index, element, element.get("recorded_at"), named, now)
    return parsed


def _plain(sensors: list[Any]) -> dict[str | int, float] | None:
    """The numbers of sensors that are all in order, as nearly always; None where one is not.

    Says the same as `_named` and `read_number` one by one, in a fraction of the time.
    """
    try:
        numbers = {sensor["id"]: sensor["value"] for sensor in sensors}
        in_order = (
            len(numbers) == len(sensors)
            and {*map(type, numbers)} <= {int, str}
            and {*map(type, numbers.values())} <= {int, float}
            and all(map(math.isfinite, numbers.values()))
            and "" not in numbers
        )
    except (TypeError, LookupError, OverflowError):
        return None
    return dict(zip(numbers, map(float, numbers.values()), strict=True)) if in_order else None


def _named(parsed: Parsed, index: int, sensors: list[Any]) -> Iterator[tuple[str | int, Any]]:
    """The sensors of an element as pairs of id or key and value; what names none is refused."""
    for sensor in sensors:
        name = sensor.get("id") if isinstance(sensor, dict) else None
        if isinstance(name, str) and name or isinstance(name, int) and not isinstance(name, bool):
            yield name, sensor.get("value")
        else:
            parsed.refusals.append(Refusal(index, None, "sensor has no id", excerpt(sensor)))


def from_mqtt_raw(payload: bytes, now: datetime) -> Parsed:
    """Read what a newer kit publishes to `…/readings/raw` (issue 6: Kits over MQTT).

    `{t:2017-03-24T13:35:14Z,29:48.45,13:66}`: unquoted, spaces anywhere, the time in any place;
    `null` is a sensor that had nothing to say. What is no ASCII is noise of the line and left out.
    """
    text = payload.decode("ascii", "ignore").strip()
    if not (text.startswith("{") and text.endswith("}")):
        return _refused("message is not {t:time,id:value,…}, or was cut off", payload)
    pairs: dict[str | int, str] = {}
    for part in text[1:-1].split(","):
        key, _, value = (word.strip(WRAPPING) for word in part.partition(":"))
        if key:
            pairs[int(key) if key.isdigit() and len(key) < 10 else key] = value
    if len(pairs) > MAX_SENSORS:
        return _refused(f"more than {MAX_SENSORS} sensors", payload)
    time = pairs.pop("t", None)
    values = ((key, value) for key, value in pairs.items() if value.lower() != "null")
    parsed = Parsed([], [])
    _take(parsed, 0, payload, time, values, now)
    return parsed


def _refused(reason: str, payload: Any) -> Parsed:
    """A message that came to nothing."""
    return Parsed([], [Refusal(None, None, reason, excerpt(payload))])


def _take(
    parsed: Parsed,
    index: int,
    element: Any,
    time: Any,
    values: dict[str | int, float] | Iterator[tuple[str | int, Any]],
    now: datetime,
) -> None:
    """Read one element: a bad time refuses it whole, a bad value only itself.

    A dictionary of values has been read already.
    """
    try:
        recorded_at = read_time(time, now)
    except Unreadable as problem:
        parsed.refusals.append(Refusal(index, None, str(problem), excerpt(element)))
        return
    if isinstance(values, dict):
        parsed.samples.append(Sample(index, recorded_at, values))
        return
    numbers: dict[str | int, float] = {}
    payload = None
    for key, value in values:
        try:
            numbers[key] = read_number(value)
        except Unreadable as problem:
            # Written once: an element may be long, and each of its sensors bad.
            payload = excerpt(element) if payload is None else payload
            parsed.refusals.append(Refusal(index, key, str(problem), payload))
    if numbers:
        parsed.samples.append(Sample(index, recorded_at, numbers))
    elif parsed.refusals[-1:] == [] or parsed.refusals[-1].index != index:
        parsed.refusals.append(Refusal(index, None, "row holds no values", excerpt(element)))


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
