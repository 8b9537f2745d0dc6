"""Whatever is searched for is answered, in bounded time, and is never taken for SQL."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.search import finder
from apps.users.models import User


def test_a_search_that_takes_too_long_is_refused(
    client: APIClient, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finder, "LONGEST_MILLISECONDS", 20)
    monkeypatch.setattr(finder, "statement", lambda shapes, near: "SELECT pg_sleep(1) AS total")
    response = client.get("/v0/search", {"q": "oslo"})
    assert response.status_code == 400
    assert response.json()["message"].startswith("q took too long")


@pytest.mark.parametrize(
    "query",
    ["%", "_", "\\", "'", '"', "%_\\'", "a' OR 1=1 --", "');DROP TABLE users_user;--", "%(word0)s"]
    + [
        "oslo & !oslo",
        "oslo | x",
        "!oslo",
        "os:*",
        "oslo <-> 1",
        "(oslo",
        "':*A",
        "{}",
        "{0}",
        "=ES",
    ]
    + [
        "🌱",
        "oslo 🌱",
        "½ №",
        "ß",
        "İ",
        "ﬁ",
        "a\u0301",
        "\u200b",
        "東京",
        "x" * 5000,
    ]
    + [
        "oslo " * 500,
        " ".join(f"w{number}" for number in range(200)),
        "-",
        "1e400",
        "a.b@c.de/f?g=h",
    ],
)
def test_whatever_is_asked_is_answered(client: APIClient, thing: Any, query: str) -> None:
    thing("Elsewhere")
    response = client.get("/v0/search", {"q": query})
    assert response.status_code == 200, response.content
    assert User.objects.exists()


def test_a_nul_is_refused_as_in_every_parameter(client: APIClient, db: None) -> None:
    assert client.get("/v0/search", {"q": "oslo\x00"}).status_code == 400


@pytest.mark.parametrize(
    "query", ["oslo & !oslo", "!oslo", "'oslo':*", "oslo 🌱", "%oslo%", "_oslo"]
)
def test_operators_are_punctuation(found: Any, thing: Any, query: str) -> None:
    thing("Oslo")
    assert found(query) == ["Oslo"]


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(query=st.text(st.characters(codec="utf-8"), min_size=1, max_size=80))
def test_no_query_is_an_error_of_ours(client: APIClient, device: Device, query: str) -> None:
    response = client.get("/v0/search", {"q": query})
    assert response.status_code in {200, 400}
    assert response.status_code == 200 or "\x00" in query or not query.strip()
