"""The JSON body (contract: bodies in)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from apps.api.exceptions import BadRequest
from apps.api.parsers import DEEPEST, read_object


def post(client: Client, body: bytes, **headers: str) -> Any:
    """Send bytes as a JSON body."""
    return client.post("/v0/echo", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize("body", [b"", b"  \n", b"{}"])
def test_an_empty_body_is_an_empty_object(client: Client, body: bytes) -> None:
    answer = post(client, body)
    assert (answer.status_code, answer.content) == (200, b"{}")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"a": }', "line 1 column 7 (char 6)"),
        (b'{"a": 1,\n "b": NaN}', "line 2 column 7 (char 15)"),
        (b'{"a": Infinity}', "line 1 column 7 (char 6)"),
        (b'{"a": 1e999}', "number is infinity"),
        (b'{"a": 1} x', "line 1 column 10 (char 9)"),
        (b"{'a': 1}", "line 1 column 2 (char 1)"),
        (b'{"a": "\xff"}', "UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "BOM"),
        (b'{"a": "\\ud800"}', "surrogate"),
        (b'{"a": 1, "a": 2}', '"a" appears twice in one object'),
        (b'{"b": [{"a": ":", "x":[{}, {"a" : 1,"a":1}]}]}', '"a" appears twice in one object'),
        (b"[]", "an object is expected at the top"),
        (b"null", "an object is expected at the top"),
        (b'"text"', "an object is expected at the top"),
        (b"[" * 100_000, "depth limit"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "nested deeper than 100 levels"),
    ],
)
def test_malformed_json_is_400_and_says_where(client: Client, body: bytes, where: str) -> None:
    answer = post(client, body)
    assert answer.status_code == 400
    assert answer.json()["id"] == "bad_request"
    assert answer.json()["message"].startswith("Malformed JSON: ")
    assert where in answer.json()["message"]


def test_nesting_within_the_limit_is_read_and_can_be_answered(client: Client) -> None:
    body = b'{"a":' * DEEPEST + b"1" + b"}" * DEEPEST
    assert post(client, body).content == body


def test_names_are_told_from_texts_that_look_like_them(client: Client) -> None:
    sent = {"a": ['"', ':"', '":', "\\", '\\":', "a:b"], 'x":"': {"a": '"a":'}, "b\\": 1}
    assert post(client, json.dumps(sent).encode()).json() == sent


@given(st.binary(max_size=200))
def test_no_bytes_are_an_error_of_ours(body: bytes) -> None:
    assert post(Client(), body).status_code in {200, 400}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_whatever_is_an_object_is_read(value: dict[str, Any]) -> None:
    assert read_object(json.dumps(value, ensure_ascii=False).encode()) == value
    assert read_object(json.dumps(value, indent=1).encode()) == value


@given(st.dictionaries(st.text(), json_values, min_size=1, max_size=3), st.data())
def test_a_name_that_is_there_twice_is_always_seen(
    value: dict[str, Any], data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    twice = json.dumps(value)[:-1] + "," + json.dumps(name) + ":0}"
    with pytest.raises(BadRequest, match="appears twice"):
        read_object(twice.encode())


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_a_compressed_body_is_unfolded(client: Client, encoding: str) -> None:
    answer = post(client, gzip.compress(b'{"a":1}'), **{"content-encoding": encoding})
    assert answer.json() == {"a": 1}


def test_a_body_marked_as_not_compressed_is_read(client: Client) -> None:
    assert post(client, b'{"a":1}', **{"content-encoding": "identity"}).json() == {"a": 1}


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b'{"a":1}')[:-9]])
def test_a_broken_compressed_body_is_400(client: Client, body: bytes) -> None:
    answer = post(client, body, **{"content-encoding": "gzip"})
    assert answer.status_code == 400
    assert "gzip" in answer.json()["message"]


def test_a_small_body_that_unfolds_to_a_huge_one_is_413(client: Client) -> None:
    bomb = gzip.compress(b" " * (11 * 1024 * 1024))
    assert len(bomb) < 20_000
    answer = post(client, bomb, **{"content-encoding": "gzip"})
    assert answer.status_code == 413


def test_another_compression_is_415(client: Client) -> None:
    answer = post(client, b"x", **{"content-encoding": "br"})
    assert answer.status_code == 415
    assert answer.json()["message"] == "Unsupported Content-Encoding: br"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=b"])
def test_a_body_over_the_limit_is_413(
    client: Client, settings: LazySettings, content_type: str
) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    answer = client.post("/v0/echo", b"x" * 11, content_type=content_type)
    assert answer.status_code == 413
    assert answer.json() == {
        "id": "payload_too_large",
        "message": "The body is too large",
        "errors": None,
        "url": None,
    }


def test_without_a_limit_any_body_is_read(client: Client, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = None
    assert post(client, b'{"a":1}').json() == {"a": 1}
