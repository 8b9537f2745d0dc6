"""Finds users and devices in one query, best match first: the only SQL of the search.

The columns `search_words` and `search_text` come from this app's migration; who may be seen is the
querysets' to say.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple, overload

from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.expressions import RawSQL

from apps.api.exceptions import BadRequest
from apps.api.ransack.exceptions import SearchTooSlow
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
TRIGRAM_WEIGHT = 0.05  # less than any rank

TYPED = "to_tsquery('simple', quote_literal(search_clean(%(word{n})s)) || ':*{weight}')"
WHOLE = "to_tsquery('simple', quote_literal(search_clean(%(word{n})s)))"
COUNTRIES = "%(countries{n})s::tsquery"
# Of all that is one typo away from a word, what there is: some hundred looks into the indexes,
# a few microseconds each. `count` rather than EXISTS, for which the planner would read the tables.
CORRECTED = """
corrected{n} AS MATERIALIZED (
    SELECT coalesce(string_agg(misspelt || %(mark{n})s, ' | '), '')::tsquery AS anywhere,
        coalesce(string_agg(misspelt || %(mark{n})s || 'A', ' | '), '')::tsquery AS in_name
    FROM unnest(%(misspelt{n})s::text[]) AS misspelt
    WHERE (SELECT count(*) FROM devices_device
           WHERE search_words @@ (misspelt || %(mark{n})s)::tsquery) > 0
       OR (SELECT count(*) FROM users_user
           WHERE search_words @@ (misspelt || %(mark{n})s)::tsquery) > 0
),
"""
# Until the transaction ends. The planner takes comparing trigrams for as cheap as comparing
# numbers, and would read small tables through rather than use their index.
PREPARE_NEAR = """
SELECT set_config('pg_trgm.word_similarity_threshold', %(alike)s, true),
    set_config('enable_seqscan', 'off', true)
"""
FIND = """
WITH {corrected} matched AS MATERIALIZED (
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
        try:
            with search_timeout(LONGEST_MILLISECONDS):
                rows = self._ask(near=False, offset=offset, limit=limit)
                if not self.total:
                    rows = self._ask(near=True, offset=offset, limit=limit)
        except SearchTooSlow:
            raise BadRequest("q took too long to search for: use fewer or longer words") from None
        return rows

    def _ask(self, near: bool, offset: int, limit: int) -> list[Row]:
        parameters: Row = {"limit": limit, "offset": offset}
        for number, word in enumerate(self.words):
            parameters |= word_parameters(number, word, near)
        with connection.cursor() as cursor:
            if near:
                cursor.execute(PREPARE_NEAR, {"alike": str(TRIGRAMS_ALIKE)})
            cursor.execute(statement(tuple(map(shape_of, self.words)), near), parameters)
            names = [column.name for column in cursor.description]
            rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        self.total = int(rows[0]["total"])
        return [row for row in rows if row["id"] is not None]


def word_parameters(number: int, word: Word, near: bool) -> Row:
    """What the statement is given of a word: itself, its countries, and its misspellings."""
    codes = word.countries() + (word.countries_alike() if near else [])
    parameters: Row = {
        f"word{number}": word.text,
        f"countries{number}": " | ".join(f"'={code}'" for code in codes),
    }
    if near and word.is_listed:
        parameters[f"misspelt{number}"] = word.misspellings()
        parameters[f"mark{number}"] = ":*" if len(word.plain) >= PREFIX_FROM else ":"
    return parameters


class Shape(NamedTuple):
    """How the near misses of a word are told: what the statement depends on."""

    listed: bool
    trigrams: bool


def shape_of(word: Word) -> Shape:
    """The shape of a word."""
    return Shape(word.is_listed, word.has_trigrams)


TYPED_ONLY = Shape(listed=False, trigrams=False)


@functools.lru_cache(maxsize=128)
def statement(shapes: tuple[Shape, ...], near: bool) -> str:
    """The query for so many words, as typed or for what is near to them."""
    asked = list(enumerate(shapes if near else [TYPED_ONLY] * len(shapes)))
    owner = [_owner_matches(number, shape) for number, shape in asked]
    itself = [_words_match(number, shape) for number, shape in asked]
    either = [f"({match} OR {by_owner})" for match, by_owner in zip(itself, owner, strict=True)]
    by_owner_score = " + ".join(f"({match})::int" for match in owner)
    score = " + ".join(_likeness(*one) for one in asked) if near else _rank(range(len(shapes)))
    return FIND.format(
        corrected="".join(CORRECTED.format(n=number) for number, shape in asked if shape.listed),
        users=_users(),
        devices=_devices(),
        user_matches=" AND ".join(f"({match})" for match in itself),
        device_matches=" AND ".join(either),
        user_score=score,
        device_score=f"{score} + {OWNER_WEIGHT} * ({by_owner_score})",
    )


def _words_match(number: int, shape: Shape) -> str:
    """The condition that a row itself holds a word."""
    asked = f"{TYPED.format(n=number, weight='')} || {COUNTRIES.format(n=number)}"
    match = f"seen.search_words @@ ({asked})"
    if shape.listed:
        match += f" OR seen.search_words @@ (SELECT anywhere FROM corrected{number})"
    if shape.trigrams:
        match += f" OR seen.search_text %%> search_clean(%(word{number})s)"
    return match


def _owner_matches(number: int, shape: Shape) -> str:
    """The condition that the username of a device's owner holds a word."""
    match = f"search_words @@ {TYPED.format(n=number, weight='A')}"
    if shape.listed:
        match += f" OR search_words @@ (SELECT in_name FROM corrected{number})"
    if shape.trigrams:
        word = f"search_clean(%(word{number})s)"
        match += f" OR (search_text %%> {word} AND search_clean(username::text) %%> {word})"
    return f"seen.owner_id = ANY (ARRAY(SELECT id FROM users_user WHERE {match}))"


def _rank(numbers: range) -> str:
    """How well a row matches as typed: where the words stand, and whether they are whole."""
    begins = " || ".join(TYPED.format(n=number, weight="") for number in numbers)
    whole = " || ".join(WHOLE.format(n=number) for number in numbers)
    return (
        f"ts_rank({WEIGHTS}, seen.search_words, {begins})"
        f" + ts_rank({WEIGHTS}, seen.search_words, {whole})"
    )


def _likeness(number: int, shape: Shape) -> str:
    """How alike a row is to one word that may be misspelt; trigrams are compared at last resort."""
    asked = TYPED.format(n=number, weight="")
    if shape.listed:
        asked = f"({asked} || (SELECT anywhere FROM corrected{number}))"
    rank = f"ts_rank({WEIGHTS}, seen.search_words, {asked})"
    if not shape.trigrams:
        return rank
    alike = f"word_similarity(search_clean(%(word{number})s), seen.search_text)"
    return f"coalesce(nullif({rank}, 0), {TRIGRAM_WEIGHT} * {alike})"


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
    sql: str
    sql, parameters = visible.order_by().annotate(**searched).query.sql_with_params()
    assert not parameters, "a value would have to be passed on"
    return sql
