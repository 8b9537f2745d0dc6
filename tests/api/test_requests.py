"""Parameters from body and query (contract: bodies in)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("method", ["post", "patch", "put"])
def test_parameters_come_from_the_query_too_and_the_body_wins(client: Client, method: str) -> None:
    send = getattr(client, method)
    expected = {"a": "query", "b": "body"}
    assert send("/v0/echo?a=query&b=query", {"b": "body"}, content_type=JSON).json() == expected
    assert send("/v0/echo?a=query&b=query", "b=body", content_type=FORM).json() == expected
    assert send("/v0/echo?a=query&b=body").json() == expected


def test_a_null_in_the_body_wins_over_the_query(client: Client) -> None:
    answer = client.post("/v0/echo?a=query", {"a": None}, content_type=JSON)
    assert answer.json() == {"a": None}


def test_a_delete_takes_nothing_from_the_query(client: Client) -> None:
    assert client.delete("/v0/echo?a=1").json() == {}


def test_multipart_is_read(client: Client) -> None:
    answer = client.post("/v0/echo?c=3", {"a": "1", "b": "ñ"})
    assert answer.json() == {"c": "3", "a": "1", "b": "ñ"}


def test_a_file_of_a_multipart_is_a_parameter(client: Client) -> None:
    answer = client.post("/v0/echo", {"file": SimpleUploadedFile("a.txt", b"12")})
    assert list(answer.json()) == ["file"]


def test_the_last_value_counts_and_brackets_make_a_list(client: Client) -> None:
    answer = client.post("/v0/echo?a=1&a=2&t[]=x", "b=1&b=2&u[]=x&u[]=y", content_type=FORM)
    assert answer.json() == {"a": "2", "t": ["x"], "b": "2", "u": ["x", "y"]}


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "", "garbage", "/;=,"])
def test_another_content_type_is_415(client: Client, content_type: str) -> None:
    answer = client.post("/v0/echo", b"<a/>", content_type=content_type)
    assert answer.status_code == 415
    assert answer.json()["id"] == "unsupported_media_type"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"a":"x\\u0000"}', JSON), (b'{"a\\u0000":1}', JSON), (b"a=x%00", FORM)],
)
def test_text_with_a_nul_is_400_and_named(client: Client, body: bytes, content_type: str) -> None:
    answer = client.post("/v0/echo", body, content_type=content_type)
    assert answer.status_code == 400
    assert answer.json()["message"] == "a must not contain a NUL character"


def test_a_nul_deeper_in_the_body_is_the_reader_s_to_judge(client: Client) -> None:
    body = b'{"data":[{"id":"x\\u0000"}]}'
    assert client.post("/v0/echo", body, content_type=JSON).content == body


def test_a_length_that_is_no_number_is_400(client: Client) -> None:
    answer: Any = client.post("/v0/echo", {}, content_type=JSON, CONTENT_LENGTH="many")
    assert answer.status_code == 400
    assert answer.json()["message"] == "Content-Length must be a number"


def test_a_body_in_chunks_is_refused_rather_than_lost(client: Client) -> None:
    headers = {"transfer-encoding": "chunked"}
    answer: Any = client.generic("POST", "/v0/echo", b"", headers=headers)
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("Content-Length is missing")


def test_a_form_of_too_many_fields_is_400(client: Client) -> None:
    body = "&".join(f"a{number}=1" for number in range(1001))
    answer = client.post("/v0/echo", body, content_type=FORM)
    assert answer.status_code == 400
    assert answer.json()["message"] == "There are too many parameters"


@given(st.binary(max_size=200), st.sampled_from([FORM, "multipart/form-data; boundary=b"]))
def test_no_form_is_an_error_of_ours(body: bytes, content_type: str) -> None:
    for sent in (body, b"--b\r\n" + body + b"\r\n--b--\r\n"):
        answer = Client().post("/v0/echo", sent, content_type=content_type)
        assert answer.status_code in {200, 400}


@pytest.mark.parametrize("header", ["name*0=a; name*", "name*=zz''a", "name*=idna''  '"])
def test_a_part_with_a_strange_header_is_400_or_left_out(client: Client, header: str) -> None:
    body = f"--b\r\nContent-Disposition: form-data; {header}\r\n\r\n1\r\n--b--\r\n"
    answer = client.generic(
        "POST", "/v0/echo", body, content_type="multipart/form-data; boundary=b"
    )
    assert answer.status_code in {200, 400}


part = st.sampled_from(
    [
        b"--b\r\n",
        b"--b--",
        b"\r\n",
        b'Content-Disposition: form-data; name="a"',
        b'Content-Disposition: form-data; name="f"; filename="x"',
        b"Content-Transfer-Encoding: base64",
        b"Content-Type: text/plain; charset=zz",
        b"Content-Disposition: form-data; name*=utf-8''%ff",
        b"Content-Disposition: form-data; name*0=a; name*",
        b"a",
        b"=",
        b"\xff",
    ]
)


@given(st.lists(part, max_size=12).map(b"".join), st.sampled_from(["b", "", '"', "b; charset=x"]))
def test_no_broken_multipart_is_an_error_of_ours(body: bytes, boundary: str) -> None:
    content_type = f"multipart/form-data; boundary={boundary}"
    answer = Client().generic("POST", "/v0/echo", body, content_type=content_type)
    assert answer.status_code in {200, 400}
