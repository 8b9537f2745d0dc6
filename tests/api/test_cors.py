"""Any origin may read (contract: CORS)."""

from __future__ import annotations

import pytest
from django.test import Client

ORIGIN = {"origin": "https://map.example"}


@pytest.mark.parametrize(
    "path",
    [
        "/v0/values",
        "/v0/raise/anonymous",
        "/v0/raise/throttled",
        "/v0/raise/away",
        "/v0/raise/boom",
        "/plain/boom",
        "/nowhere",
        "/v0/values?a=%00",
    ],
)
def test_every_answer_may_be_read_from_anywhere(client: Client, path: str) -> None:
    answer = client.get(path, headers=ORIGIN)
    assert answer["Access-Control-Allow-Origin"] == "*"
    exposed = "Link, Total, Per-Page, Retry-After, ETag, X-Request-Id"
    assert answer["Access-Control-Expose-Headers"] == exposed
    assert "Access-Control-Allow-Credentials" not in answer
    assert "origin" in answer["Vary"].lower()


def test_a_304_may_be_read_too(client: Client) -> None:
    etag = client.get("/v0/values")["ETag"]
    answer = client.get("/v0/values", headers={**ORIGIN, "if-none-match": etag})
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (304, "*")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v0/me", "/nowhere"])
def test_a_preflight_allows_every_method_and_our_headers(
    client: Client, method: str, path: str
) -> None:
    answer = client.options(
        path,
        headers={
            **ORIGIN,
            "access-control-request-method": method,
            "access-control-request-headers": "authorization, onboardingsession",
        },
    )
    assert answer.status_code == 200
    assert method in answer["Access-Control-Allow-Methods"].split(", ")
    allowed = answer["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "onboardingsession", "if-none-match"} <= set(allowed)
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
