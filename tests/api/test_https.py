"""https wherever the public address is https, old kits excepted (contract: https)."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from django.test import Client


@pytest.fixture
def https(settings: LazySettings) -> None:
    """The settings that follow from a PUBLIC_URL of https."""
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 31_536_000


@pytest.mark.parametrize(
    "path", ["/", "/v0/values?a=1,2", "/v0/address", "/v0/add/more", "/users/add"]
)
def test_plain_http_is_redirected_with_its_query(https: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 301
    assert answer["Location"] == f"https://testserver{path}"


@pytest.mark.parametrize("path", ["/add", "/v0/add", "/add/", "/datetime", "/v0/datetime"])
@pytest.mark.parametrize("method", ["get", "post", "put", "patch"])
def test_old_kits_come_by_plain_http(https: None, path: str, method: str) -> None:
    # The toy API has no such endpoint: to be answered by it is not to be redirected.
    assert getattr(Client(), method)(path).status_code == 404


def test_over_https_browsers_are_told_to_stay_there(https: None) -> None:
    answer = Client().get("/v0/values", secure=True)
    assert answer.status_code == 200
    assert answer["Strict-Transport-Security"].startswith("max-age=31536000")


def test_a_redirect_may_be_followed_from_any_origin(https: None) -> None:
    answer = Client().get("/v0/values", headers={"origin": "https://map.example"})
    assert answer["Access-Control-Allow-Origin"] == "*"
