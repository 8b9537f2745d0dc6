"""What an attribute holds: how a value of it is read from text, and how it is compared in SQL."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from django.db import models
from django.db.models import BooleanField, F, Func, Q, TextField, Value
from django.db.models.expressions import Expression
from django.db.models.functions import Lower
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
)

Operand: TypeAlias = Expression | F

TRUE = {"true", "t", "1"}
FALSE = {"false", "f", "0"}
BIGINT = range(-(2**63), 2**63)
WHOLE = re.compile(r"[+-]?\d{1,19}", re.ASCII)
# Of a dot and digits in two optional parts each way of sharing a long row of digits would be tried.
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?", re.ASCII | re.IGNORECASE)
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# A year alone would pass for the first hour of 1970: an epoch has its nine digits or more.
EPOCH = re.compile(r"(\d{9,11})(\.\d+)?", re.ASCII)
TIME = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"([T ](?P<clock>\d\d:\d\d(:\d\d)?)([.,]\d+)?"
    # A `+` that was not percent-encoded arrives as a space.
    r" ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d|(?<= )\d\d:\d\d)?)?",
    re.ASCII | re.IGNORECASE,
)
SECOND = timedelta(seconds=1)


def read_flag(text: str) -> bool:
    """A boolean as ransack writes it; raises ValueError for anything else."""
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise ValueError(text)


class Kind:
    """What all kinds have in common; each method builds the `Q` of one comparison.

    The children of these `Q` are expressions, which Django negates as SQL does: a row where the
    operand is NULL is neither in a comparison nor in its negation.
    """

    shape: str  # completes "… is not"
    plural = "values"  # completes "is for attributes that hold …"

    def read(self, text: str) -> Any:
        """The value that `text` says; raises ValueError where it says none of this kind."""
        raise NotImplementedError

    def equal(self, operand: Operand, value: Any) -> Q:
        """The operand is this value."""
        return Q(Exact(operand, value))

    def among(self, operand: Operand, values: Sequence[Any]) -> Q:
        """The operand is one of these values."""
        return Q(In(operand, list(values)))

    def below(self, operand: Operand, value: Any) -> Q:
        """The operand is less than this value."""
        return Q(LessThan(operand, value))

    def up_to(self, operand: Operand, value: Any) -> Q:
        """The operand is less than this value, or equal to it."""
        return Q(LessThanOrEqual(operand, value))

    def above(self, operand: Operand, value: Any) -> Q:
        """The operand is greater than this value."""
        return Q(GreaterThan(operand, value))

    def at_least(self, operand: Operand, value: Any) -> Q:
        """The operand is greater than this value, or equal to it."""
        return Q(GreaterThanOrEqual(operand, value))

    def null(self, operand: Operand) -> Q:
        """The operand is NULL."""
        return Q(IsNull(operand, True))

    def blank(self, operand: Operand) -> Q:
        """The operand is NULL, or an empty text."""
        return self.null(operand)


class Text(Kind):
    """Text: equality ignores case, order does not."""

    shape = "a text that a database can hold"
    plural = "text"

    def read(self, text: str) -> str:
        """Any text without the characters that PostgreSQL has no place for."""
        text.encode("utf-8")  # a lone surrogate is a ValueError
        if "\0" in text:
            raise ValueError(text)
        return text

    def equal(self, operand: Operand, value: Any) -> Q:
        """Both sides are lowered by the database, so that they are lowered alike."""
        return Q(Exact(Lower(operand), _lowered(value)))

    def among(self, operand: Operand, values: Sequence[Any]) -> Q:
        """As `equal`, with several values."""
        return Q(In(Lower(operand), [_lowered(value) for value in values]))

    def like(self, operand: Operand, pattern: str) -> Q:
        """The operand matches a pattern of LIKE, ignoring case."""
        return Q(
            Func(
                operand,
                Value(pattern, output_field=TextField()),
                template="(%(expressions)s)",
                arg_joiner=" ILIKE ",
                output_field=BooleanField(),
            )
        )

    def blank(self, operand: Operand) -> Q:
        """NULL or empty; white space is not blank, as in ransack."""
        return self.null(operand) | Q(Exact(operand, Value("", output_field=TextField())))


class Integer(Kind):
    """Whole numbers of up to 64 bits, the most that a column holds."""

    shape = "an integer of at most 64 bits"

    def read(self, text: str) -> int:
        """Digits with an optional sign."""
        if not WHOLE.fullmatch(text) or int(text) not in BIGINT:
            raise ValueError(text)
        return int(text)


class Float(Kind):
    """Numbers of double precision."""

    shape = "a number"

    def read(self, text: str) -> float:
        """Digits with an optional sign, fraction and exponent; no infinity, no NaN."""
        if not NUMBER.fullmatch(text) or not math.isfinite(number := float(text)):
            raise ValueError(text)
        return number


class Numeric(Kind):
    """Decimal numbers."""

    shape = "a number"

    def read(self, text: str) -> Decimal:
        """As a float is written, and within the same range."""
        Float().read(text)
        return Decimal(text)


class Boolean(Kind):
    """True or false."""

    shape = "a boolean (true, false, t, f, 1 or 0)"
    plural = "true or false"

    def read(self, text: str) -> bool:
        """One of the six ways to say it, ignoring case."""
        return read_flag(text)


class Identifier(Kind):
    """UUIDs."""

    shape = "a UUID"

    def read(self, text: str) -> UUID:
        """32 hexadecimal digits, with or without the four hyphens."""
        if not UUID_TEXT.fullmatch(text):
            raise ValueError(text)
        return UUID(text)


class Time(Kind):
    """Moments, compared at the whole second that an API shows of them.

    Values are whole seconds; comparing the column itself with their bounds lets an index serve.
    """

    shape = (
        "a time (2015-04-28T14:16:08Z, 2015-04-28 14:16:08 UTC, 2015-04-28 or seconds since 1970)"
    )

    def read(self, text: str) -> datetime:
        """The second that the time falls in; without a zone it is UTC."""
        if epoch := EPOCH.fullmatch(text):
            return datetime.fromtimestamp(int(epoch[1]), UTC)
        if not (parts := TIME.fullmatch(text)):
            raise ValueError(text)
        zone = (parts["zone"] or "Z").upper()
        zone = "Z" if zone == "UTC" else zone if zone[0] in "Z+-" else f"+{zone}"
        local = datetime.fromisoformat(f"{parts['date']}T{parts['clock'] or '00:00'}{zone}")
        try:
            moment = local.astimezone(UTC)
            moment + SECOND  # its end has to be a time as well
        except OverflowError:
            raise ValueError(text) from None
        return moment

    def equal(self, operand: Operand, value: Any) -> Q:
        """The operand lies in this second."""
        return self.at_least(operand, value) & self.up_to(operand, value)

    def among(self, operand: Operand, values: Sequence[Any]) -> Q:
        """The operand lies in one of these seconds."""
        return Q(*(self.equal(operand, value) for value in values), _connector=Q.OR)

    def up_to(self, operand: Operand, value: Any) -> Q:
        """The operand lies in this second or before."""
        return Q(LessThan(operand, value + SECOND))

    def above(self, operand: Operand, value: Any) -> Q:
        """The operand lies after this second."""
        return Q(GreaterThanOrEqual(operand, value + SECOND))


# From the special to the general: the first that fits decides.
KINDS: tuple[tuple[type[models.Field[Any, Any]], Kind], ...] = (
    (models.BooleanField, Boolean()),
    (models.DateTimeField, Time()),
    (models.IntegerField, Integer()),
    (models.FloatField, Float()),
    (models.DecimalField, Numeric()),
    (models.UUIDField, Identifier()),
    (models.CharField, Text()),
    (models.TextField, Text()),
)


def kind_of(field: models.Field[Any, Any]) -> Kind:
    """The kind of what a model's field holds; raises TypeError where ransack has none for it."""
    if isinstance(field, models.ForeignKey):
        return kind_of(field.target_field)
    if isinstance(field, models.GeneratedField) and field.output_field is not None:
        return kind_of(field.output_field)
    for known, kind in KINDS:
        if isinstance(field, known):
            return kind
    raise TypeError(f"{field} is a {type(field).__name__}, which cannot be searched")


def _lowered(value: str) -> Lower:
    return Lower(Value(value, output_field=TextField()))
