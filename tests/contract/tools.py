"""What the contract's tests compare with: examples, types, errors, whole tables."""

from __future__ import annotations

import re
from typing import Any

from django.apps import apps
from django.db import connection

TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z")
STATUSES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "record_not_found",
    405: "method_not_allowed",
}
WHOLE_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def assert_shows(found: Any, example: Any, where: str = "") -> None:
    """`found` is what an example of the reference shows; fields of ours may stand beside.

    Types count too, `0` is not `0.0`; times of the example are cut to whole seconds; arrays are
    of the same length and in the same order.
    """
    if isinstance(example, dict):
        assert isinstance(found, dict), where
        for name, value in example.items():
            assert name in found, f"{where}.{name} is missing"
            assert_shows(found[name], value, f"{where}.{name}")
    elif isinstance(example, list):
        assert isinstance(found, list) and len(found) == len(example), where
        for position, value in enumerate(example):
            assert_shows(found[position], value, f"{where}[{position}]")
    else:
        if isinstance(example, str):
            example = TIME.sub(r"\1Z", example)
        assert (type(found), found) == (type(example), example), where


def at(body: Any, path: str) -> Any:
    """What stands at a path such as `location.city`."""
    for name in path.split("."):
        body = body[name]
    return body


def assert_is(kind: str, value: Any) -> None:
    """`value` is of a type, by the reference's name for it."""
    match kind:
        case "integer":
            assert type(value) is int
        case "decimal":
            assert type(value) is float
        case "string":
            assert type(value) is str
        case "object":
            assert type(value) is dict
        case "array":
            assert type(value) is list
        case "datetime":
            assert WHOLE_SECONDS.fullmatch(value), value
        case _:
            raise AssertionError(f"the reference knows no {kind}")


def assert_error(response: Any, status: int, id_: str, named: str = "") -> dict[str, Any]:
    """The response is an error in the one envelope (contract: Errors) that says `named`."""
    assert response.status_code == status, (response.status_code, response.content[:300])
    assert response["Content-Type"] == "application/json"
    body: dict[str, Any] = response.json()
    assert body.keys() == {"id", "message", "errors", "url"}
    assert (body["id"], body["url"]) == (id_, None)
    assert isinstance(body["message"], str) and body["message"]
    assert named in body["message"], body["message"]
    assert (body["errors"] is not None) == (status == 422)
    return body


def rows() -> dict[str, list[str]]:
    """Every row of every table of the house, as text."""
    ours = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    tables = sorted(
        {model._meta.db_table for model in ours if model.__module__.startswith("apps.")}
        | {"oauth2_provider_accesstoken", "oauth2_provider_application"}
    )
    union = " UNION ALL ".join(f"SELECT '{table}', t::text FROM \"{table}\" t" for table in tables)
    found: dict[str, list[str]] = {table: [] for table in tables}
    with connection.cursor() as cursor:
        cursor.execute(f"{union} ORDER BY 1, 2")
        for table, row in cursor.fetchall():
            found[table].append(row)
    return found
