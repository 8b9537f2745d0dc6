"""One envelope for every error, whatever its source (contract: Errors)."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

CHALLENGE = 'Basic realm="Application", Token realm="Application", Bearer realm="Application"'


@pytest.mark.parametrize(
    ("name", "status", "error_id", "message"),
    [
        ("parse", 400, "bad_request", "near must be lat,lng"),
        ("missing", 400, "parameter_missing", "param is missing or the value is empty: q"),
        ("anonymous", 401, "unauthorized", "Authorization required"),
        ("expired", 401, "unauthorized", "The token has expired"),
        ("forbidden", 403, "forbidden", "You do not have permission to perform this action."),
        (
            "django-forbidden",
            403,
            "forbidden",
            "You do not have permission to perform this action.",
        ),
        ("record", 404, "record_not_found", "Couldn't find Device with 'id'=101308"),
        ("http404", 404, "record_not_found", "Couldn't find the record"),
        ("not-found", 404, "record_not_found", "The link was used already"),
        ("endpoint", 404, "not_found", "Endpoint not found"),
        ("media", 415, "unsupported_media_type", 'Unsupported media type "text/x" in request.'),
        ("away", 503, "service_unavailable", None),
        ("teapot", 418, "teapot", "Validation failed: Tea only"),
        ("suspicious", 400, "bad_request", "The request cannot be understood"),
        ("django-bad", 400, "bad_request", "The request cannot be understood"),
        ("too-big", 413, "payload_too_large", "The body is too large"),
        ("too-many", 400, "bad_request", "There are too many parameters"),
        ("unreadable", 400, "bad_request", "The body cannot be read"),
        ("boom", 500, "internal_server_error", "Internal server error"),
    ],
)
def test_each_exception_has_its_status_id_and_message(
    client: Client, name: str, status: int, error_id: str, message: str | None
) -> None:
    answer = client.get(f"/v0/raise/{name}")
    body = answer.json()
    assert answer.status_code == status
    assert list(body) == ["id", "message", "errors", "url"]
    assert body["id"] == error_id
    assert message is None or body["message"] == message
    assert body["errors"] is None
    assert body["url"] is None
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "private, no-cache"


def test_the_bytes_of_an_error_are_minimal_json(client: Client) -> None:
    assert client.get("/v0/raise/record").content == (
        b'{"id":"record_not_found","message":"Couldn\'t find Device with \'id\'=101308",'
        b'"errors":null,"url":null}'
    )


@pytest.mark.parametrize("name", ["anonymous", "expired"])
def test_a_401_names_every_way_to_sign_in(client: Client, name: str) -> None:
    assert client.get(f"/v0/raise/{name}")["WWW-Authenticate"] == CHALLENGE


def test_too_many_requests_and_unavailable_say_when_to_come_back(client: Client) -> None:
    throttled = client.get("/v0/raise/throttled")
    assert (throttled.status_code, throttled["Retry-After"]) == (429, "3")
    assert throttled.json()["id"] == "too_many_requests"
    assert client.get("/v0/raise/away")["Retry-After"] == "10"


def test_a_model_that_refuses_a_value_is_422(client: Client) -> None:
    answer = client.get("/v0/raise/model-validation")
    assert answer.status_code == 422
    assert answer.json() == {
        "id": "unprocessable_entity",
        "message": "Validation failed: Name bad, Name worse",
        "errors": {"name": ["bad", "worse"]},
        "url": None,
    }
    assert client.get("/v0/raise/model-validation-list").json()["errors"] == {
        "base": ["is invalid"]
    }


@pytest.mark.parametrize("path", ["/nowhere", "/v0/nowhere", "/v0/devices/1/nowhere/"])
@pytest.mark.parametrize("method", ["get", "post", "delete", "options"])
def test_an_unknown_url_is_not_found_by_any_method(client: Client, path: str, method: str) -> None:
    answer = getattr(client, method)(path)
    assert answer.status_code == 404
    assert answer.json() == {
        "id": "not_found",
        "message": "Endpoint not found",
        "errors": None,
        "url": None,
    }


@pytest.mark.parametrize(
    ("name", "status", "error_id"),
    [
        ("django-forbidden", 403, "forbidden"),
        ("http404", 404, "not_found"),
        ("suspicious", 400, "bad_request"),
        ("django-bad", 400, "bad_request"),
        ("boom", 500, "internal_server_error"),
        ("too-big", 413, "payload_too_large"),
        ("too-many", 400, "bad_request"),
        ("away", 503, "service_unavailable"),
    ],
)
def test_views_of_django_answer_in_the_envelope_too(
    client: Client, name: str, status: int, error_id: str
) -> None:
    answer = client.get(f"/plain/{name}?callback=f")
    assert answer.status_code == status
    assert answer.json()["id"] == error_id


@pytest.mark.parametrize("path", ["/v0/raise/boom", "/plain/boom"])
def test_a_fault_of_ours_tells_nothing_and_is_logged_once_with_its_stack(
    client: Client, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = client.get(path)
    assert b"SELECT" not in answer.content
    assert b"RuntimeError" not in answer.content
    with_stack = [record for record in caplog.records if record.exc_info]
    assert len(with_stack) == 1
    assert "SELECT secret" in str(with_stack[0].exc_info)


@pytest.mark.parametrize("path", ["/v0/raise/suspicious", "/plain/suspicious", "/plain/django-bad"])
def test_what_made_a_request_suspicious_is_not_shown(client: Client, path: str) -> None:
    assert b"secret" not in client.get(path).content


def test_a_host_that_is_not_ours_is_refused_in_the_envelope(client: Client) -> None:
    answer = client.get("/v0/echo", headers={"host": "evil.example", "origin": "https://a.example"})
    assert answer.status_code == 400
    assert answer.json()["id"] == "bad_request"
    assert "evil" not in answer.json()["message"]
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_a_form_without_its_token_is_forbidden_in_the_envelope() -> None:
    answer = Client(enforce_csrf_checks=True).post("/form")
    assert answer.status_code == 403
    assert answer.json()["message"] == "The CSRF token is missing or wrong"


def test_a_wrong_method_is_405_and_says_which_are_right(client: Client) -> None:
    answer = client.put("/v0/values")
    assert answer.status_code == 405
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.json()["id"] == "method_not_allowed"
    assert answer.json()["message"] == 'Method "PUT" not allowed.'


def test_a_wrong_method_is_405_also_for_who_may_not_write(client: Client) -> None:
    assert client.delete("/v0/created").status_code == 405
    assert client.generic("BREW", "/v0/created").status_code == 405


@pytest.mark.parametrize("path", ["/v0/raise/record", "/nowhere", "/v0/raise/boom"])
def test_errors_are_pretty_where_that_was_asked_for(client: Client, path: str) -> None:
    assert client.get(path, {"pretty": "true"}).content.startswith(b'{\n  "id": "')


def test_the_framework_s_500_in_debug_mode_is_django_s(
    client: Client, settings: LazySettings
) -> None:
    settings.DEBUG = True
    answer: Any = client.get("/v0/raise/boom")
    assert answer.status_code == 500
