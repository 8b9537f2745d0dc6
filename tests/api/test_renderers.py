"""The bytes of answers (contract: media, numbers and times, pretty)."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import gettext_lazy
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.serializers import Serializer
from rest_framework.utils.serializer_helpers import ReturnList

from apps.api.renderers import JSONPRenderer, JSONRenderer, timestamp, to_json
from apps.devices.models import Tag


def test_json_is_minimal_and_in_utf_8(client: Client) -> None:
    answer = client.get("/v0/values")
    assert answer["Content-Type"] == "application/json"
    assert (
        answer.content
        == (
            '{"time":"2016-06-08T10:30:00Z","uuid":"00000000-0000-0000-0000-000000000007",'
            '"decimal":1.5,"text":"Ñandú \u2028\u2029 </script>"}'
        ).encode()
    )


def test_pretty_indents_by_two_spaces(client: Client) -> None:
    assert client.get("/v0/names?per_page=1&pretty=true").content == b"[\n  0\n]"
    assert client.get("/v0/names?per_page=1&pretty=false").content == b"[0]"
    assert client.get("/v0/names?per_page=1&pretty=maybe").content == b"[0]"
    assert client.get("/v0/values?pretty=TRUE&callback=f").content.startswith(b'/**/f({\n  "time"')


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (
            datetime(2016, 6, 8, 12, 30, tzinfo=timezone(timedelta(hours=2))),
            '"2016-06-08T10:30:00Z"',
        ),
        (datetime(2016, 6, 8, 10, 30), '"2016-06-08T10:30:00Z"'),
        (datetime(1, 1, 1, tzinfo=UTC), '"0001-01-01T00:00:00Z"'),
        (date(2016, 6, 8), '"2016-06-08"'),
        (time(10, 30), '"10:30:00"'),
        (uuid.UUID(int=0), '"00000000-0000-0000-0000-000000000000"'),
        (Decimal("52.0"), "52"),
        (Decimal("0.1"), "0.1"),
        (Decimal("1E+40"), "1e+40"),
        (Decimal("sNaN"), "null"),
        (math.nan, "null"),
        (math.inf, "null"),
        (2**64 - 1, "18446744073709551615"),
        (2**200, str(2**200)),
        ([-(2**63), -(2**63) - 1], "[-9223372036854775808,-9223372036854775809]"),
        ("half \ud800", '"half ?"'),
        ({"\ud800": 1, 7: [math.nan]}, '{"?":1,"7":[null]}'),
        ((1, "a"), '[1,"a"]'),
        ({5}, "[5]"),
        (iter([1, 2]), "[1,2]"),
        (b"bytes", '"bytes"'),
        (gettext_lazy("lazy"), '"lazy"'),
        (ReturnList([1], serializer=Serializer()), "[1]"),
        (True, "true"),
    ],
)
def test_every_value_has_its_json(value: Any, written: str) -> None:
    assert to_json(value).decode() == written


@pytest.mark.django_db
def test_a_queryset_is_a_list() -> None:
    Tag.objects.all().delete()
    Tag.objects.create(name="a")
    assert to_json(Tag.objects.values_list("name", flat=True)) == b'["a"]'


def test_a_time_is_cut_not_rounded() -> None:
    assert (
        timestamp(datetime(2016, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC)) == "2016-01-01T23:59:59Z"
    )


def test_nothing_is_no_body() -> None:
    assert JSONRenderer().render(None) == b""
    assert JSONPRenderer().render(None) == b""
    assert JSONRenderer().render({"a": 1}) == b'{"a":1}'


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()), inner),
    max_leaves=20,
)


@given(anything)
def test_no_value_of_json_s_kinds_ever_fails(value: Any) -> None:
    json.loads(to_json(value))
    json.loads(to_json(value, pretty=True))
