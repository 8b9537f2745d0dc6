"""Raw numbers become the values of the calibration tables, and bad formulas are named."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.sensors.calibration import calibrate, is_identity, problem

FIXTURE = Path(__file__).parents[2] / "apps/kits/fixtures/kits.json"
FORMULAS: dict[tuple[int, str], Any] = {
    (row["fields"]["kit"], row["fields"]["key"]): row["fields"]["calibration"]
    for row in json.loads(FIXTURE.read_text())
    if row["model"] == "kits.kitsensor"
}
SCK_1_0, SCK_1_1 = 2, 3


@pytest.mark.parametrize(
    ("kit", "key", "raw", "value"),
    [
        (SCK_1_1, "noise", 0, 50.0),
        (SCK_1_1, "noise", 5, 57 + 2 / 3),
        (SCK_1_1, "noise", 170, 64 + 2 / 3),
        (SCK_1_1, "noise", 1860, 109.0),
        (SCK_1_1, "noise", -1, 50.0),
        (SCK_1_1, "noise", 99999, 110.0),
        (SCK_1_1, "temp", 22788, 8.100881347656248),
        (SCK_1_1, "temp", 25132, 14.38578857421875),
        (SCK_1_1, "temp", 1e9, 500),
        (SCK_1_1, "temp", -1e9, -300),
        (SCK_1_1, "hum", 37488, 78.502685546875),
        (SCK_1_1, "hum", 30072, 64.3577880859375),
        (SCK_1_1, "hum", -1e9, 0),
        (SCK_1_1, "hum", 1e9, 1000),
        (SCK_1_1, "light", 3, 0.3),
        (SCK_1_1, "light", 1e9, 1e8),
        (SCK_1_1, "no2", 133482, 133.482),
        (SCK_1_1, "co", 41951, 41.951),
        (SCK_1_1, "bat", 800, 80.0),
        (SCK_1_1, "bat", 1200, 100.0),
        (SCK_1_1, "bat", -5, 0.0),
        (SCK_1_1, "panel", 1234, 1234),
        (SCK_1_1, "panel", 100001, 100000),
        (SCK_1_1, "panel", -1, 0),
        (SCK_1_1, "nets", 13, 13),
        (SCK_1_0, "noise", 0, 45.0),
        (SCK_1_0, "noise", 12.5, 59.0),
        (SCK_1_0, "noise", 2650, 103.0),
        (SCK_1_0, "temp", 215, 21.5),
        (SCK_1_0, "light", 2e6, 100000),
        (SCK_1_0, "panel", 12000, 12.0),
        (SCK_1_0, "co", -1, 0),
        (SCK_1_0, "bat", 1001, 100.0),
        (SCK_1_0, "nets", 4, 4),
    ],
)
def test_a_raw_number_becomes_the_value_of_the_table(
    kit: int, key: str, raw: float, value: float
) -> None:
    assert calibrate(FORMULAS[kit, key], raw) == pytest.approx(value, rel=1e-15, abs=0)


def test_formulas_that_only_bound_are_the_identity() -> None:
    identity = {
        pair for pair, formula in FORMULAS.items() if pair[0] != 34 and is_identity(formula)
    }
    assert identity == {(SCK_1_1, "panel"), (SCK_1_1, "nets"), (SCK_1_0, "nets")}


def test_the_catalogue_holds_no_bad_formula() -> None:
    assert [pair for pair, formula in FORMULAS.items() if problem(formula)] == []


@pytest.mark.parametrize(
    ("formula", "complaint"),
    [
        ("x * 2", "has to be null or an object with a kind"),
        ({}, "has to have the kind linear or table"),
        ({"kind": "linear", "times": 2}, "has unknown parts: times"),
        ({"kind": "linear", "add": "2"}, "has a add that is not a number"),
        ({"kind": "linear", "add": True}, "has a add that is not a number"),
        ({"kind": "linear", "multiply": float("nan")}, "has a multiply that is not a number"),
        ({"kind": "linear", "divide": 0}, "divides by zero"),
        ({"kind": "linear", "min": 2, "max": 1}, "has a min above its max"),
        ({"kind": "linear", "raw_min": 2, "raw_max": 1}, "has a raw_min above its raw_max"),
        ({"kind": "table"}, "has to have points, and nothing else"),
        ({"kind": "table", "points": [[0, 1]], "x": 1}, "has to have points, and nothing else"),
        ({"kind": "table", "points": [[0, 1]]}, "has to have between 2 and 1000 points"),
        (
            {"kind": "table", "points": [[0, 1], [1]]},
            "has to have points that are each [raw, value]",
        ),
        (
            {"kind": "table", "points": [[0, 1], [0, 2]]},
            "has to have its points in order of raw numbers, each once",
        ),
    ],
)
def test_a_bad_formula_is_named(formula: Any, complaint: str) -> None:
    assert problem(formula) == complaint


@given(
    st.lists(st.integers(-1000, 1000), min_size=2, max_size=20, unique=True).map(sorted),
    st.data(),
)
def test_a_table_stays_between_its_neighbouring_points(
    raws: list[int], data: st.DataObject
) -> None:
    values = data.draw(
        st.lists(st.integers(-100, 100), min_size=len(raws), max_size=len(raws)), "values"
    )
    formula = {"kind": "table", "points": [[a, b] for a, b in zip(raws, values, strict=True)]}
    assert problem(formula) is None
    for raw, value in zip(raws, values, strict=True):
        assert calibrate(formula, raw) == value
    for left in range(len(raws) - 1):
        between = calibrate(formula, (raws[left] + raws[left + 1]) / 2)
        assert min(values[left : left + 2]) <= between <= max(values[left : left + 2])
