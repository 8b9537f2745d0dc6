"""What kits and clients send, turned into samples and refusals: pure functions, no database.

A sample is what one message says of one time. Nothing here knows devices, kits or calibration:
keys are left as they came. Whatever cannot be read becomes a refusal that says why.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from apps.readings.literals import Unreadable, read_number, read_time

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
