"""Paths and methods (contract: paths, methods)."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.devices.models import Tag


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v0/tags", "/v0/tags/", "/tags", "/tags/"])
def test_a_path_answers_with_and_without_version_and_slash(client: Client, path: str) -> None:
    answer = client.get(f"{path}?per_page=1")
    assert answer.status_code == 200
    assert answer["Per-Page"] == "1"


@pytest.mark.django_db
def test_an_extra_action_is_no_record(client: Client) -> None:
    assert client.get("/v0/tags/newest/").json() == {"newest": True}


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["a.json", "a.b", "ñ", "a b"])
def test_a_key_is_all_that_is_not_a_slash(client: Client, key: str) -> None:
    assert client.get(f"/v0/tags/{key}").json()["message"].endswith(f"'id'={key}")


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["put", "patch"])
def test_put_is_patch(client: Client, method: str) -> None:
    tag = Tag.objects.create(name="before")
    change = getattr(client, method)
    kept = change(f"/v0/open-tags/{tag.pk}", {}, content_type="application/json")
    assert (kept.status_code, kept.json()["name"]) == (200, "before")
    changed = change(f"/v0/open-tags/{tag.pk}?name=after")
    assert changed.json()["name"] == "after"


@pytest.mark.django_db
def test_delete_answers_ok(client: Client) -> None:
    tag = Tag.objects.create(name="gone")
    answer = client.delete(f"/v0/open-tags/{tag.pk}")
    assert (answer.status_code, answer.json()) == (200, {"message": "OK"})
    assert not Tag.objects.filter(pk=tag.pk).exists()


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v0/values", ["GET", "HEAD", "OPTIONS"]),
        ("/v0/echo", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        ("/v0/tags", ["GET", "POST", "HEAD", "OPTIONS"]),
        ("/v0/tags/1", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]),
        ("/v0/me", ["GET", "HEAD", "OPTIONS"]),
        ("/v0/admins", ["GET", "HEAD", "OPTIONS"]),
    ],
)
def test_options_says_the_methods(client: Client, path: str, methods: list[str]) -> None:
    answer = client.options(path)
    assert sorted(answer["Allow"].split(", ")) == sorted(methods)
    if answer.status_code == 200:
        assert sorted(answer.json()["methods"]) == sorted(methods)


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/v0", "/v0/values", "/v0/tags", "/v0/names"])
def test_head_is_get_without_a_body(client: Client, path: str) -> None:
    same = {"X-Request-Id": "one-id-for-both"}
    got, headed = client.get(path, headers=same), client.head(path, headers=same)
    assert headed.status_code == 200
    assert headed.content == b""
    assert dict(headed.headers) == dict(got.headers)
