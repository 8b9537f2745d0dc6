"""Every answer carries an id that its lines in the log carry too."""

from __future__ import annotations

import contextvars
import json
import logging
import re

import pytest
from django.conf import settings
from pythonjsonlogger.orjson import OrjsonFormatter
from rest_framework.test import APIClient

from apps.api.observation import RequestId

pytestmark = pytest.mark.django_db


def test_an_answer_names_its_request(client: APIClient) -> None:
    one, other = client.get("/v0/sensors"), client.get("/v0/sensors/0")
    assert re.fullmatch("[0-9a-f]{32}", one["X-Request-Id"])
    assert other.status_code == 404
    assert one["X-Request-Id"] != other["X-Request-Id"]


@pytest.mark.parametrize("path", ["/v0/sensors", "/v0/sensors/0", "/nowhere", "/v0/sensors?a=%00"])
def test_an_id_that_came_with_the_request_is_kept(client: APIClient, path: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": "proxy-1234.5678"})
    assert answer["X-Request-Id"] == "proxy-1234.5678"


@pytest.mark.parametrize(
    "given", ["short", "a" * 65, "with space in it", "new\tline-12345", "ümlaut-123456"]
)
def test_an_id_that_could_forge_a_line_is_replaced(client: APIClient, given: str) -> None:
    answer = client.get("/v0/sensors", headers={"X-Request-Id": given})
    assert re.fullmatch("[0-9a-f]{32}", answer["X-Request-Id"])


def test_lines_of_the_log_carry_the_id_and_never_the_query(
    client: APIClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.handler.addFilter(RequestId())
    client.get("/nowhere?access_token=secret", headers={"X-Request-Id": "request-of-test"})
    [record] = [line for line in caplog.records if line.name == "django.request"]
    assert record.request_id == "request-of-test"  # type: ignore[attr-defined]
    options = dict(settings.LOGGING["formatters"]["json"])
    options.pop("()")
    line = OrjsonFormatter(**options).format(record)
    shown = json.loads(line)
    assert shown["level"] == "WARNING"
    assert shown["logger"] == "django.request"
    assert shown["message"] == "Not Found: /nowhere"
    assert shown["request_id"] == "request-of-test"
    assert re.match(r"\d{4}-\d\d-\d\d", shown["time"])
    assert "secret" not in line


def test_outside_a_request_there_is_no_id() -> None:
    record = logging.LogRecord("a", logging.INFO, __file__, 1, "message", None, None)
    assert contextvars.Context().run(RequestId().filter, record)
    assert record.request_id == "-"  # type: ignore[attr-defined]
