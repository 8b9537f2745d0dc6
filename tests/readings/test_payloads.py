"""What kits send is read as they mean it, and what cannot be read says why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.readings.literals import NOT_A_NUMBER, Unreadable, read_number, read_time
from apps.readings.payloads import (
    MAX_PAYLOAD,
    Parsed,
    Refusal,
    Sample,
    excerpt,
    from_elements,
    from_kit,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2015-04-06 10:38:00", datetime(2015, 4, 6, 10, 38)),
        ("2015-5-12 10:38:00", datetime(2015, 5, 12, 10, 38)),
        ("2015-5-2 1:3:0", datetime(2015, 5, 2, 1, 3)),
        (" 2015-04-06 10:38:00 ", datetime(2015, 4, 6, 10, 38)),
        ("2016-06-08T10:30:00Z", datetime(2016, 6, 8, 10, 30)),
        ("2016-06-08T10:30Z", datetime(2016, 6, 8, 10, 30)),
        ("2015-02-02T15:59:48.435Z", datetime(2015, 2, 2, 15, 59, 48, 435000)),
        ("2015-02-02 15:59:48 UTC", datetime(2015, 2, 2, 15, 59, 48)),
        ("2015-02-02 15:59:48 00:00", datetime(2015, 2, 2, 15, 59, 48)),
        ("2015-02-02T15:59:48+02:00", datetime(2015, 2, 2, 13, 59, 48)),
        ("2015-02-02T15:59:48-0130", datetime(2015, 2, 2, 17, 29, 48)),
        ("2016-02-29 00:00:00", datetime(2016, 2, 29)),
        (1430230568, datetime(2015, 4, 28, 14, 16, 8)),
        (1430230568238, datetime(2015, 4, 28, 14, 16, 8, 238000)),
        ("1430230568", datetime(2015, 4, 28, 14, 16, 8)),
        ("2026-11-23T12:00:00Z", datetime(2026, 11, 23, 12)),
        ("2010-01-01 00:00:00", datetime(2010, 1, 1)),
    ],
)
def test_a_time_is_read_as_it_is_meant(written: Any, meant: datetime) -> None:
    assert read_time(written, NOW) == meant.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (None, "time is missing"),
        ("", "time is missing"),
        ("#", "time is #: the kit's clock failed"),
        ("yesterday", "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        ("2015-02-29 00:00:00", "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        ("2015-13-01 00:00:00", "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        ("2015-01-01 00:00:00+25:00", "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        ("٢٠١٥-04-06 10:38:00", "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        ([], "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        (True, "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        (float("nan"), "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        (1e300, "time cannot be read: use YYYY-MM-DDTHH:MM:SSZ"),
        ("2009-12-31 23:59:59", "time is before 2010"),
        (0, "time is before 2010"),
        ("2026-11-23T12:00:01Z", "time is more than a day ahead"),
    ],
)
def test_a_time_that_cannot_be_taken_says_why(written: Any, reason: str) -> None:
    with pytest.raises(Unreadable, match="^" + reason + "$"):
        read_time(written, NOW)


@pytest.mark.parametrize(
    ("sent", "number"),
    [
        ("29090.6", 29090.6),
        ("13", 13),
        ("-4", -4),
        (" 7 ", 7),
        ("1e3", 1000),
        (".5", 0.5),
        (21, 21),
    ],
)
def test_a_number_or_the_text_of_one_is_read(sent: Any, number: float) -> None:
    assert read_number(sent) == number


@pytest.mark.parametrize(
    "sent",
    ["abc", "", "nan", "inf", "1_000", "٣", "1e999", "0x10", "9" * 500, None, True, [], {}, 10**400]
    + [float("inf"), float("nan")],
)
def test_anything_else_is_no_number(sent: Any) -> None:
    with pytest.raises(Unreadable, match=NOT_A_NUMBER):
        read_number(sent)


def test_a_bad_value_does_not_sink_its_row_nor_a_bad_row_the_others() -> None:
    rows = [
        {"temp": "abc", "hum": "30072", "timestamp": "2015-04-06 10:38:00"},
        {"temp": "1", "timestamp": "#"},
        {"temp": "2", "timestamp": "2015-04-06 10:39:00"},
        "not a row",
    ]
    assert from_kit(orjson.dumps(rows).decode(), NOW) == Parsed(
        [
            Sample(0, datetime(2015, 4, 6, 10, 38, tzinfo=UTC), {"hum": 30072}),
            Sample(2, datetime(2015, 4, 6, 10, 39, tzinfo=UTC), {"temp": 2}),
        ],
        [
            Refusal(0, "temp", NOT_A_NUMBER, excerpt(rows[0])),
            Refusal(1, None, "time is #: the kit's clock failed", excerpt(rows[1])),
            Refusal(3, None, "row is not an object", "not a row"),
        ],
    )


def test_sixty_rows_are_read_and_the_others_kept_as_refused() -> None:
    start = datetime(2015, 4, 6, tzinfo=UTC)
    rows = [
        {"nets": str(n), "timestamp": f"{start + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}"}
        for n in range(62)
    ]
    parsed = from_kit(orjson.dumps(rows).decode(), NOW)
    assert [sample.numbers["nets"] for sample in parsed.samples] == list(range(60))
    assert [(r.index, r.reason) for r in parsed.refusals] == [
        (60, "more than 60 rows"),
        (61, "more than 60 rows"),
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("[{", "data is not JSON"),
        ("", "data is not JSON"),
        ("7", "data is not an array of objects"),
        ("[]", "data holds no rows"),
        ('[{"timestamp":"2015-04-06 10:38:00"}]', "row holds no values"),
    ],
)
def test_a_message_that_comes_to_nothing_says_why(data: str, reason: str) -> None:
    parsed = from_kit(data, NOW)
    assert parsed.samples == []
    assert [(refusal.reason, refusal.sensor) for refusal in parsed.refusals] == [(reason, None)]


def test_an_excerpt_is_bounded_and_can_be_stored() -> None:
    assert len(excerpt("x" * (MAX_PAYLOAD + 1))) == MAX_PAYLOAD
    assert excerpt("a\x00b\ud800") == "a\ufffdb?"
    assert excerpt(b"\xff") == "\ufffd"
    assert excerpt({"a": [1, None]}) == '{"a":[1,null]}'


@given(
    st.text()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("timestamp"), inner),
    ).map(lambda value: json.dumps(value))
)
def test_whatever_is_sent_gives_samples_or_reasons_and_never_an_exception(data: str) -> None:
    parsed = from_kit(data, NOW)
    assert parsed.samples or parsed.refusals
    for refusal in parsed.refusals:
        assert refusal.reason
        refusal.payload.encode()


def test_an_element_is_written_once_however_many_of_its_sensors_are_bad() -> None:
    sensors = [{"id": number, "value": "bad"} for number in range(1, 1001)]
    element = {"recorded_at": "2016-06-08 10:30:00", "sensors": sensors}
    refusals = from_elements([element], datetime(2026, 1, 1, tzinfo=UTC)).refusals
    assert [refusal.sensor for refusal in refusals] == list(range(1, 1001))
    assert len({id(refusal.payload) for refusal in refusals}) == 1


NUMBERS = st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none(), st.booleans())
SENSORS = st.fixed_dictionaries({"id": st.sampled_from([7, "7", "t", "", True]), "value": NUMBERS})


@given(st.lists(SENSORS, max_size=4))
def test_elements_in_order_are_read_as_they_are_one_by_one(sensors: list[dict[str, Any]]) -> None:
    """A bad sensor makes an element be read the long way: it must say the same of the others."""
    whole = from_elements([{"recorded_at": "2016-06-08 10:30:00", "sensors": sensors}], NOW)
    numbers: dict[str | int, float] = {}
    for sensor in sensors:
        alone = [{"recorded_at": "2016-6-8 10:30:00", "sensors": [sensor, None]}]
        for sample in from_elements(alone, NOW).samples:
            numbers |= sample.numbers
    assert [sample.numbers for sample in whole.samples] == ([numbers] if numbers else [])
