"""What is looked for: the words of a query, the countries and the near misses each may mean. Pure.

How many words, and how long, is bounded here, so that no query costs more than a few common words.
"""

from __future__ import annotations

import difflib
import functools
import re
import string
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import pycountry

from apps.devices.location import country_name

LONGEST_QUERY = 200
LONGEST_WORD = 40
MOST_WORDS = 8
# What the database's `search_clean` makes blanks of; a character beyond ASCII it judges itself.
SEPARATORS = re.compile(r"[\x00-\x20\x7f" + re.escape(string.punctuation) + r"\s]+")

# Words of Latin letters up to this length have their misspellings listed, some hundred of them.
LISTED_UP_TO = 12
# Longer words than this keep enough trigrams for a typo or two; in shorter ones one spoils them.
TRIGRAMS_BEYOND = 7
# Below it nearly every word is a near miss of every other.
SHORTEST_MISSPELT = 3
# From here on the beginning of a misspelt word will do.
PREFIX_FROM = 5
LETTERS = string.ascii_lowercase + string.digits
# How alike a word and a country's must be, by difflib's ratio: one letter of five is wrong.
ALIKE = 0.8
FILLERS = {"and", "of", "the"}


@dataclass(frozen=True)
class Word:
    """A word of a query, in lower case, as the client wrote it otherwise."""

    text: str

    @property
    def plain(self) -> str:
        """The word without accents, as far as Unicode tells."""
        return unaccented(self.text)

    def countries(self) -> list[str]:
        """Codes of the countries in whose English name a word begins like this one, in order."""
        found = {
            code
            for name, codes in country_words().items()
            if name.startswith(self.plain)
            for code in codes
        }
        return sorted(found)

    def countries_alike(self) -> list[str]:
        """Codes of the countries of whose English name a word is nearly this one, in order."""
        words = country_words()
        alike = difflib.get_close_matches(self.plain, words, n=5, cutoff=ALIKE)
        return sorted({code for name in alike for code in words[name]})

    def misspellings(self) -> list[str]:
        """Everything one typo away: a letter left out, put in or wrong, or two swapped.

        Nothing where `is_listed` says no.
        """
        return sorted({*_one_typo_away(self.plain)} - {self.plain}) if self.is_listed else []

    @property
    def is_listed(self) -> bool:
        """Whether `misspellings` lists them: not of long words, nor of other scripts."""
        return SHORTEST_MISSPELT <= len(self.plain) <= LISTED_UP_TO and self._is_latin

    @property
    def has_trigrams(self) -> bool:
        """Whether what is like this word can be told by trigrams."""
        enough = SHORTEST_MISSPELT if not self._is_latin else TRIGRAMS_BEYOND + 1
        return len(self.plain) >= enough

    @property
    def _is_latin(self) -> bool:
        return not {*self.plain} - {*LETTERS}


def words_of(query: str) -> list[Word]:
    """The words of a query in order, each once; the first eight of at most 200 characters.

    What holds no letter or digit, such as an emoji, is no word: nothing in the index is like it.
    """
    kept = unicodedata.normalize("NFKC", query[:LONGEST_QUERY]).lower()
    found = [word[:LONGEST_WORD] for word in SEPARATORS.split(kept)]
    proper = [word for word in found if any(character.isalnum() for character in word)]
    return [Word(word) for word in dict.fromkeys(proper)][:MOST_WORDS]


def unaccented(text: str) -> str:
    """A text in lower case, without the marks that Unicode writes apart."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


@functools.cache
def country_words() -> dict[str, frozenset[str]]:
    """Words of English names → codes of the countries that have them (ISO 3166 alpha-2)."""
    words: defaultdict[str, set[str]] = defaultdict(set)
    for country in pycountry.countries:
        names = f"{country.name} {country_name(country.alpha_2)}"
        for word in SEPARATORS.split(unaccented(names)):
            if word and word not in FILLERS:
                words[word].add(country.alpha_2)
    return {word: frozenset(codes) for word, codes in words.items()}


def _one_typo_away(word: str) -> Iterator[str]:
    for place in range(len(word) + 1):
        head, tail = word[:place], word[place:]
        for letter in LETTERS:
            yield f"{head}{letter}{tail}"
            if tail:
                yield f"{head}{letter}{tail[1:]}"
        if tail:
            yield f"{head}{tail[1:]}"
        if len(tail) > 1:
            yield f"{head}{tail[1]}{tail[0]}{tail[2:]}"
