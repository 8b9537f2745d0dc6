"""The newest readings of a device: what replaces what, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from apps.devices.latest import Latest, Newest, iso, number, shown

Reading = tuple[int, dict[int, tuple[float, float | None]]]
readings = st.lists(
    st.tuples(
        st.integers(0, 8),
        st.dictionaries(st.integers(1, 3), st.tuples(st.integers(0, 99).map(float), st.none())),
    ).filter(lambda reading: reading[1] != {}),
    max_size=12,
    unique_by=lambda reading: reading[0],
)


@given(readings, st.randoms())
def test_the_order_of_arrival_does_not_matter(inputs: list[Reading], chance: object) -> None:
    """Over distinct times: newest and previous of each sensor equal those of a plain sort."""
    latest = Latest()
    shuffled = list(inputs)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    for at, values in shuffled:
        latest.fold(at, at + 0.5, values)
    for sensor_id in {id_ for _, values in inputs for id_ in values}:
        of_sensor = sorted(
            (at, values[sensor_id][0]) for at, values in inputs if sensor_id in values
        )
        newest = latest.sensors[sensor_id]
        assert (newest.at, newest.value) == of_sensor[-1]
        before = (newest.prev_at, newest.prev_value)
        assert before == (of_sensor[-2] if len(of_sensor) > 1 else (None, None))
    assert latest.recorded_at == max((at for at, _ in inputs), default=None)
    assert Latest.from_json(latest.to_json()) == latest


def test_at_the_same_time_the_later_message_wins() -> None:
    latest = Latest()
    latest.fold(1, 1, {7: (50.0, 0.0)})
    latest.fold(1, 2, {7: (51.0, None)})
    assert latest.sensors == {7: Newest(51.0, None, 1)}
    assert latest.added_at == 2


def test_a_device_that_never_posted_has_no_compact_data() -> None:
    assert Latest.from_json(None).compact() is None


def test_numbers_are_shown_as_the_calibration_rules_say() -> None:
    assert [repr(number(n)) for n in (13.0, 0.5, -0.0, 1e300)] == ["13", "0.5", "0", "1e+300"]
    assert shown(0.0, 0.0) == (0.0, 0)
    assert repr(shown(80.0, 800.0)) == "(80.0, 800)"
    assert repr(shown(13.0, None)) == "(13, 13)"
    assert number(None) is None


def test_times_are_cut_to_whole_seconds() -> None:
    assert iso(1430230568.999) == "2015-04-28T14:16:08Z"
