"""A query becomes few words; each knows its countries and its near misses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.search.words import LONGEST_WORD, MOST_WORDS, Word, words_of


def texts(query: str) -> list[str]:
    return [word.text for word in words_of(query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("Nat Kit", ["nat", "kit"]),
        ("  nat\tkit,nat;NAT ", ["nat", "kit"]),
        ("sck:1,1", ["sck", "1"]),
        ("Ünïcödé", ["ünïcödé"]),
        ("cafe\u0301", ["café"]),
        ("東京 タワー", ["東京", "タワー"]),
        ("— 🌱 %_\\'", []),
        ("", []),
    ],
)
def test_words_are_what_stands_between_blanks_and_punctuation(
    query: str, expected: list[str]
) -> None:
    assert texts(query) == expected


@given(st.text())
def test_there_are_never_many_nor_long_ones(query: str) -> None:
    words = words_of(query)
    assert len(words) <= MOST_WORDS
    assert all(0 < len(word.text) <= LONGEST_WORD for word in words)


@pytest.mark.parametrize(
    ("word", "code"),
    [("spain", "ES"), ("spa", "ES"), ("kingdom", "GB"), ("côte", "CI"), ("cote", "CI")],
)
def test_a_country_is_known_by_the_beginning_of_a_word_of_its_name(word: str, code: str) -> None:
    assert code in Word(word).countries()


@pytest.mark.parametrize(("word", "code"), [("spian", "ES"), ("germny", "DE"), ("portugla", "PT")])
def test_a_country_is_known_by_a_word_that_is_nearly_its_name(word: str, code: str) -> None:
    assert code in Word(word).countries_alike()


@pytest.mark.parametrize("word", ["the", "of", "xyz", "東京"])
def test_other_words_are_no_country(word: str) -> None:
    assert Word(word).countries() == []


@pytest.mark.parametrize("meant", ["pris", "parris", "pares", "apris", "parsi", "aris", "pariss"])
def test_one_typo_in_a_short_word_is_listed(meant: str) -> None:
    assert meant in Word("paris").misspellings()


@pytest.mark.parametrize("word", ["ab", "constantinople", "улица"])
def test_neither_very_short_nor_long_nor_other_scripts_are_listed(word: str) -> None:
    assert Word(word).misspellings() == []
