"""Turns raw numbers into calibrated values: pure functions over formulas that are data.

A formula is what an administrator may edit, as JSON; nothing in it is ever evaluated as code:

- `null`: the value is the raw number.
- `{"kind": "linear", "multiply": 175.72, "divide": 65536, "add": -53, "min": -300, "max": 500,
  "raw_min": 0, "raw_max": 1000}`: x · multiply / divide + add; every part is optional. `raw_min`
  and `raw_max` hold the raw number, `min` and `max` the value.
- `{"kind": "table", "points": [[0, 50], [2, 55], …]}`: linear interpolation between points of
  [raw, value]; below the first point the first value holds, above the last the last.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

LINEAR_PARTS = {"multiply", "divide", "add", "min", "max", "raw_min", "raw_max"}
MAX_POINTS = 1000

Formula = Mapping[str, Any] | None


def calibrate(formula: Formula, raw: float) -> float:
    """The calibrated value of a finite `raw` number by a formula that `problem` has passed.

    reference: Worked examples of the calibration tables, e.g. SCK 1.1 noise 5 → 57.666…
    """
    if formula is None:
        return raw
    if formula["kind"] == "table":
        return _interpolate(formula["points"], raw)
    if formula["kind"] != "linear":
        raise LookupError(f"there is no kind of formula called {formula['kind']}")
    held = _hold(raw, formula.get("raw_min"), formula.get("raw_max"))
    value = held * formula.get("multiply", 1) / formula.get("divide", 1) + formula.get("add", 0)
    return _hold(value, formula.get("min"), formula.get("max"))


def is_identity(formula: Formula) -> bool:
    """Whether the formula only bounds: then a value within its bounds is the raw number itself.

    Such values have no `_raw` key in the compact data and show as integers where whole.
    """
    return formula is None or (
        formula["kind"] == "linear" and not {"multiply", "divide", "add"} & formula.keys()
    )


def problem(formula: Any) -> str | None:
    """What is wrong with a formula, in words for who edits it; None if nothing."""
    if formula is None:
        return None
    if not isinstance(formula, Mapping):
        return "has to be null or an object with a kind"
    if formula.get("kind") == "linear":
        return _linear_problem({k: v for k, v in formula.items() if k != "kind"})
    if formula.get("kind") == "table":
        return _table_problem({k: v for k, v in formula.items() if k != "kind"})
    return "has to have the kind linear or table"


def _hold(number: float, low: float | None, high: float | None) -> float:
    """`number`, held between two bounds, each of which may be absent."""
    if low is not None and number < low:
        return low
    if high is not None and number > high:
        return high
    return number


def _interpolate(points: list[list[float]], raw: float) -> float:
    """The value at `raw` on the line through the points, held at both ends."""
    after = bisect_right(points, raw, key=lambda point: point[0])
    if after == 0:
        return float(points[0][1])
    if after == len(points):
        return float(points[-1][1])
    (x0, y0), (x1, y1) = points[after - 1], points[after]
    return float(y0 + (raw - x0) * (y1 - y0) / (x1 - x0))


def _is_number(value: Any) -> bool:
    """Whether a JSON value is a finite number (booleans are not)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer beyond any float
        return False


def _linear_problem(parts: Mapping[str, Any]) -> str | None:
    """What is wrong with the parts of a linear formula."""
    if unknown := sorted(parts.keys() - LINEAR_PARTS):
        return f"has unknown parts: {', '.join(map(str, unknown))}"
    for name, value in parts.items():
        if not _is_number(value):
            return f"has a {name} that is not a number"
    if parts.get("divide", 1) == 0:
        return "divides by zero"
    for low, high in (("min", "max"), ("raw_min", "raw_max")):
        if low in parts and high in parts and parts[low] > parts[high]:
            return f"has a {low} above its {high}"
    return None


def _table_problem(parts: Mapping[str, Any]) -> str | None:
    """What is wrong with the points of a table."""
    points = parts.get("points")
    if parts.keys() != {"points"} or not isinstance(points, list):
        return "has to have points, and nothing else"
    if not 2 <= len(points) <= MAX_POINTS:
        return f"has to have between 2 and {MAX_POINTS} points"
    if not all(isinstance(p, list) and len(p) == 2 and all(map(_is_number, p)) for p in points):
        return "has to have points that are each [raw, value]"
    if any(a[0] >= b[0] for a, b in zip(points, points[1:], strict=False)):
        return "has to have its points in order of raw numbers, each once"
    return None
