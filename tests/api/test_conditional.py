"""ETags, 304 and what caches may keep (contract: conditional)."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.devices.models import Tag
from apps.users.models import User
from tests.api.urls import Marked


@pytest.fixture(autouse=True)
def first_version() -> Iterator[None]:
    """The marked view starts at version 1 and has not worked yet."""
    Marked.mark, Marked.worked = "1", 0
    yield
    Marked.mark = "1"


@pytest.mark.parametrize(
    "path", ["/v0/values", "/v0/names", "/v0", "/public", "/v0/echo?callback=f"]
)
@pytest.mark.parametrize("method", ["get", "head"])
def test_every_get_has_an_etag_that_saves_the_body(client: Client, path: str, method: str) -> None:
    ask = getattr(client, method)
    etag = ask(path)["ETag"]
    assert etag == client.get(path)["ETag"]
    again = ask(path, headers={"if-none-match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    assert "Content-Length" not in again


@pytest.mark.parametrize("known", ["*", '"other", {etag}', "W/{etag}", '{etag},"other"'])
def test_if_none_match_may_be_a_list_weak_or_anything(client: Client, known: str) -> None:
    header = known.format(etag=client.get("/v0/values")["ETag"])
    assert client.get("/v0/values", headers={"if-none-match": header}).status_code == 304


@pytest.mark.parametrize("known", ['"other"', "garbage", "", '"'])
def test_another_version_gets_the_whole_answer(client: Client, known: str) -> None:
    assert client.get("/v0/values", headers={"if-none-match": known}).status_code == 200


@pytest.mark.parametrize("path", ["/v0/values", "/v0/marked"])
def test_if_match_with_another_version_is_412_in_the_envelope(client: Client, path: str) -> None:
    answer = client.get(path, headers={"if-match": '"other"'})
    assert answer.status_code == 412
    assert answer.json()["id"] == "precondition_failed"
    assert client.get(path, headers={"if-match": "*"}).status_code == 200


def test_a_compressed_answer_has_a_weak_etag_that_works(client: Client) -> None:
    plain = client.get("/v0/public")
    packed = client.get("/v0/public", headers={"accept-encoding": "gzip"})
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert packed["ETag"] == f"W/{plain['ETag']}"
    assert "Accept-Encoding" in plain["Vary"]
    for known in (packed["ETag"], plain["ETag"]):
        headers = {"if-none-match": known, "accept-encoding": "gzip"}
        assert client.get("/v0/public", headers=headers).status_code == 304


@pytest.mark.django_db
def test_a_list_whose_total_changed_is_another_answer(client: Client) -> None:
    Tag.objects.all().delete()
    Tag.objects.bulk_create(Tag(name=f"{number:02}") for number in range(27))
    before = client.get("/v0/tags")
    Tag.objects.create(name="zz")
    after = client.get("/v0/tags", headers={"if-none-match": before["ETag"]})
    assert after.status_code == 200
    assert after.content == before.content
    assert after["Total"] == "28"


@pytest.mark.parametrize(
    ("path", "method"), [("/clock", "get"), ("/streamed", "get"), ("/echo", "post")]
)
def test_clocks_streams_and_writes_have_no_etag(client: Client, path: str, method: str) -> None:
    assert "ETag" not in getattr(client, method)(path)


def test_errors_have_no_etag(client: Client) -> None:
    assert "ETag" not in client.get("/v0/raise/record")
    assert "ETag" not in client.get("/nowhere")


def test_a_version_known_beforehand_saves_the_work(client: Client) -> None:
    etag = client.get("/v0/marked")["ETag"]
    assert etag.startswith('W/"')
    answers = [
        client.get("/v0/marked", headers={"if-none-match": etag}),
        client.head("/v0/marked", headers={"if-none-match": f'"x", {etag}'}),
        client.get("/v0/marked", headers={"if-none-match": "*"}),
    ]
    assert {answer.status_code for answer in answers} == {304}
    assert {answer["ETag"] for answer in answers} == {etag}
    assert Marked.worked == 1
    Marked.mark = "2"
    assert client.get("/v0/marked", headers={"if-none-match": etag}).json() == {"version": "2"}


def test_a_known_version_is_of_one_url_form_and_viewer(
    client: Client, alice: User, bob: User
) -> None:
    ask: list[Any] = [
        client.get("/v0/marked"),
        client.get("/v0/marked?pretty=true"),
        client.get("/v0/marked?callback=f"),
        client.get("/v0/marked", headers={"authorization": "User alice"}),
        client.get("/v0/marked", headers={"authorization": "User bob"}),
    ]
    assert len({answer["ETag"] for answer in ask}) == len(ask)


def test_without_a_known_version_the_content_decides(client: Client) -> None:
    Marked.mark = None
    assert client.get("/v0/marked")["ETag"].startswith('"')


def test_an_error_is_not_marked_as_the_version(client: Client) -> None:
    assert "ETag" not in client.get("/v0/marked?as=404")


def test_answers_are_kept_by_nobody_but_the_client_unless_the_view_says_so(
    client: Client,
) -> None:
    assert client.get("/v0/values")["Cache-Control"] == "private, no-cache"
    assert client.get("/v0/public")["Cache-Control"] == "public, max-age=60"
    etag = client.get("/v0/public")["ETag"]
    again = client.get("/v0/public", headers={"if-none-match": etag})
    assert again["Cache-Control"] == "public, max-age=60"
    assert "Cookie" not in client.get("/v0/values")["Vary"]
