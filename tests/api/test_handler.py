"""Requests that Django itself fails on."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from apps.api.handler import get_application

pytestmark = pytest.mark.django_db
application = get_application()


def ask(content_type: str, body: bytes = b"{}", query: str = "") -> tuple[int, bytes]:
    """Status and body of the answer to a POST, as a web server gets them."""
    environ: dict[str, Any] = RequestFactory()._base_environ(  # type: ignore[attr-defined]
        REQUEST_METHOD="POST",
        PATH_INFO="/v0/echo",
        CONTENT_TYPE=content_type,
        CONTENT_LENGTH=str(len(body)),
        QUERY_STRING=query,
        **{"wsgi.input": io.BytesIO(body)},
    )
    statuses: list[str] = []
    start: Any = lambda status, headers: statuses.append(status)  # noqa: E731
    response: Any = application(environ, start)
    content = b"".join(response)
    response.close()
    return int(statuses[0].split()[0]), content


def test_an_ordinary_request_is_answered() -> None:
    assert ask("application/json") == (200, b"{}")


@pytest.mark.parametrize(
    "content_type", ["a/b;x*0;x*", "application/json; x*=zz''a", "application/json; x*=idna''  '"]
)
def test_a_content_type_that_cannot_be_read_is_415(content_type: str) -> None:
    status, body = ask(content_type)
    assert status == 415
    assert body.startswith(b'{"id":"unsupported_media_type"')


@pytest.mark.parametrize("charset", ["hex", "idna", "bz2", "utf-16", "undefined", "rot13", "x"])
def test_a_charset_that_no_client_of_ours_uses_is_415(charset: str) -> None:
    assert ask(f"application/json; charset={charset}", query="a=%ff")[0] == 415


@pytest.mark.parametrize("charset", ["utf-8", "UTF8", "us-ascii", "iso-8859-1"])
def test_json_is_utf_8_whatever_the_charset_says(charset: str) -> None:
    sent = '{"a":"é"}'.encode()
    assert ask(f"application/json; charset={charset}", sent) == (200, sent)


def test_an_old_form_is_read_by_its_charset() -> None:
    status, body = ask("application/x-www-form-urlencoded; charset=windows-1252", b"a=%E9")
    assert (status, body) == (200, '{"a":"é"}'.encode())


def test_too_many_parameters_are_400_whatever_the_charset() -> None:
    assert ask("application/json; charset=utf-8", query="&".join(["a=1"] * 1001))[0] == 400


pieces = st.lists(
    st.sampled_from(
        ["application/json", "multipart/form-data", ";", "=", "*", "*0", "*1*", "x", "charset"]
        + ["boundary", "'", "''", '"', "\\", "%ff", "utf-8", "hex", "idna", "\xff", " ", ","]
    ),
    max_size=12,
).map("".join)


@given(pieces)
def test_no_content_type_is_an_error_of_ours(content_type: str) -> None:
    assert ask(content_type)[0] in {200, 400, 415}
