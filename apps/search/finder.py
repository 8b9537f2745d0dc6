"""Finds users and devices in one query, best match first: the only SQL of the search.

The columns `search_words` and `search_text` come from this app's migration; who may be seen is the
querysets' to say.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, overload

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL

from apps.api.ransack.timeout import search_timeout
from apps.devices.models import Device
from apps.search.words import PREFIX_FROM, Word, words_of
from apps.users.models import User

Row = dict[str, Any]

# No search takes so long; one that would ends in a 400 instead of holding a connection.
LONGEST_MILLISECONDS = 2000
# For long words only: of their trigrams, half at least outlive one typo.
TRIGRAMS_ALIKE = 0.5
# What a match is worth in D, C, B and A (see the migration).
WEIGHTS = "'{0.1, 0.3, 0.5, 1.0}'"
OWNER_WEIGHT = 0.1

TYPED = "to_tsquery('simple', '''' || search_clean(%(word{n})s) || ''':*{weight}')"
WHOLE = "to_tsquery('simple', '''' || search_clean(%(word{n})s) || '''')"
FIND = """
WITH matched AS MATERIALIZED (
    SELECT 'User' AS type, seen.id, {user_score} AS score
    FROM ({users}) AS seen WHERE {user_matches}
    UNION ALL
    SELECT 'Device', seen.id, {device_score}
    FROM ({devices}) AS seen WHERE {device_matches}
), page AS (
    SELECT type, id, score FROM matched
    ORDER BY score DESC, type DESC, id LIMIT %(limit)s OFFSET %(offset)s
)
SELECT page.type, page.id, device.name, device.description, account.id AS account_id,
    account.username, account.avatar, account.url,
    CASE page.type WHEN 'User' THEN account.city ELSE device.city END AS city,
    CASE page.type WHEN 'User' THEN account.country_code ELSE device.country_code END
        AS country_code,
    counted.total
FROM (SELECT count(*) AS total FROM matched) AS counted
LEFT JOIN page ON true
LEFT JOIN devices_device AS device ON page.type = 'Device' AND device.id = page.id
LEFT JOIN users_user AS account ON account.id = coalesce(device.owner_id, page.id)
ORDER BY page.score DESC, page.type DESC, page.id
"""


class Found(Sequence[Row]):
    """What a query finds, a page at a time: rows of users and devices, best first.

    A row has the columns of FIND. Every word has to match. Where nothing matches as typed, what is
    a typo away does: so that a word that is right is never answered by those that resemble it.
    A page costs one query, or two where there are typos.
    """

    def __init__(self, query: str) -> None:
        self.words = words_of(query)
        self.total: int | None = None

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        """The rows of a slice, as the pagination takes them."""
        if isinstance(place, int):
            return self[place : place + 1][0]
        offset = place.start or 0
        return self._page(offset, place.stop - offset)

    def __len__(self) -> int:
        """How many there are, exactly."""
        if self.total is None:
            self._page(0, 0)
        assert self.total is not None
        return self.total

    def _page(self, offset: int, limit: int) -> list[Row]:
        self.total = 0
        if not self.words:
            return []
        with search_timeout(LONGEST_MILLISECONDS):
            rows = self._ask(near=False, offset=offset, limit=limit)
            if not self.total:
                rows = self._ask(near=True, offset=offset, limit=limit)
        return rows

    def _ask(self, near: bool, offset: int, limit: int) -> list[Row]:
        parameters = {"limit": limit, "offset": offset, "threshold": str(TRIGRAMS_ALIKE)}
        for number, word in enumerate(self.words):
            parameters |= word_parameters(number, word, near)
        with connection.cursor() as cursor:
            if near:
                cursor.execute(
                    "SELECT set_config('pg_trgm.word_similarity_threshold', %(threshold)s, true)",
                    parameters,
                )
            cursor.execute(statement(tuple(word.is_listed for word in self.words), near), parameters)
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        self.total = int(rows[0]["total"])
        return [row for row in rows if row["id"] is not None]


def word_parameters(number: int, word: Word, near: bool) -> dict[str, str]:
    """What the statement is given of a word: itself, its countries, and its misspellings."""
    codes = word.countries_alike() if near else []
    codes += word.countries()
    parameters = {
        f"word{number}": word.text,
        f"countries{number}": " | ".join(f"'={code}'" for code in codes),
    }
    if near:
        misspellings = word.misspellings()
        for name, weight in (("", ""), ("names", "A")):
            mark = "*" if len(word.plain) >= PREFIX_FROM else ""
            label = f":{mark}{weight}" if mark or weight else ""
            parameters[f"misspelt{name}{number}"] = " | ".join(
                f"'{misspelt}'{label}" for misspelt in misspellings
            )
    return parameters


@functools.cache
def statement(listed: tuple[bool, ...], near: bool) -> str:
    """The query for so many words; of each, whether its misspellings are listed."""
    numbers = range(len(listed))
    owner = [_owner_matches(number, near, listed[number]) for number in numbers]
    words = [_words_match(number, near, listed[number]) for number in numbers]
    both = [f"({match} OR {by_owner})" for match, by_owner in zip(words, owner, strict=True)]
    by_owner_score = " + ".join(f"({match})::int" for match in owner)
    score = _likeness(numbers) if near else _rank(numbers)
    return FIND.format(
        users=_users(),
        devices=_devices(),
        user_matches=" AND ".join(f"({match})" for match in words),
        device_matches=" AND ".join(both),
        user_score=score,
        device_score=f"{score} + {OWNER_WEIGHT} * ({by_owner_score})",
    )


def _words_match(number: int, near: bool, listed: bool) -> str:
    """The condition that a row itself holds a word."""
    typed = TYPED.format(n=number, weight="")
    asked = f"{typed} || %(countries{number})s::tsquery"
    if not near:
        return f"seen.search_words @@ ({asked})"
    match = f"seen.search_words @@ ({asked} || %(misspelt{number})s::tsquery)"
    return match if listed else f"{match} OR seen.search_text %%> search_clean(%(word{number})s)"


def _owner_matches(number: int, near: bool, listed: bool) -> str:
    """The condition that the username of a device's owner holds a word."""
    asked = TYPED.format(n=number, weight="A")
    if near:
        asked = f"{asked} || %(misspeltnames{number})s::tsquery"
    match = f"search_words @@ ({asked})"
    if near and not listed:
        word = f"search_clean(%(word{number})s)"
        alike = f"search_text %%> {word} AND search_clean(username::text) %%> {word}"
        match = f"{match} OR ({alike})"
    return f"seen.owner_id = ANY (ARRAY(SELECT id FROM users_user WHERE {match}))"


def _rank(numbers: range) -> str:
    """How well a row matches as typed: where the words stand, and whether they are whole."""
    begins = " || ".join(TYPED.format(n=number, weight="") for number in numbers)
    whole = " || ".join(WHOLE.format(n=number) for number in numbers)
    return (
        f"ts_rank({WEIGHTS}, seen.search_words, {begins})"
        f" + ts_rank({WEIGHTS}, seen.search_words, {whole})"
    )


def _likeness(numbers: range) -> str:
    """How alike a row is to the words: the sum over them, each at most 1."""
    return " + ".join(
        f"word_similarity(search_clean(%(word{number})s), seen.search_text)" for number in numbers
    )


@functools.cache
def _users() -> str:
    return _seen(User.objects.active().values("id"), "users_user")


@functools.cache
def _devices() -> str:
    devices = Device.objects.visible_to(AnonymousUser())
    return _seen(devices.values("id", "owner_id"), "devices_device")


def _seen(visible: QuerySet[Any, Any], table: str) -> str:
    """The SQL of what anyone may see, with the columns that are searched.

    The querysets take no value from outside, so the statement is the same for every request.
    """
    searched = {
        name: RawSQL(f'"{table}"."{name}"', (), output_field=TextField())
        for name in ("search_words", "search_text")
    }
    sql, parameters = visible.order_by().annotate(**searched).query.sql_with_params()
    assert not parameters, "a value would have to be passed on"
    return sql
