"""Query parameters as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.api.conversions import LARGEST, boolean, positive_integer
from apps.api.exceptions import BadRequest


@pytest.mark.parametrize("text", ["true", "T", "1", " True "])
def test_these_are_true(text: str) -> None:
    assert boolean("raw", text) is True


@pytest.mark.parametrize("text", ["false", "F", "0"])
def test_these_are_false(text: str) -> None:
    assert boolean("raw", text, default=True) is False


@pytest.mark.parametrize("text", [None, "", "  "])
def test_blank_is_the_default(text: str | None) -> None:
    assert boolean("raw", text, default=True) is True
    assert positive_integer("page", text, 7) == 7


def test_another_word_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="raw must be true or false"):
        boolean("raw", "maybe")


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "abc", "１", "٣", "+1", "1_000", "0x1"])
def test_what_is_no_positive_integer_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest, match="page must be a positive integer"):
        positive_integer("page", text, 1)


@given(st.integers(min_value=1))
def test_a_positive_integer_of_any_length_is_safe(number: int) -> None:
    assert positive_integer("page", str(number), 1) == min(number, LARGEST)


def test_a_number_of_ten_thousand_digits_is_safe() -> None:
    assert positive_integer("page", "9" * 10_000, 1) == LARGEST
    assert positive_integer("page", "007", 1) == 7
