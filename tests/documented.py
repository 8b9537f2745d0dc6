"""Holds answers against the OpenAPI document: status, headers, media type and body."""

from __future__ import annotations

import functools
import re
from typing import Any

import jsonschema_rs

from apps.api.openapi.document import document

# What is no operation of its own: OPTIONS, and methods that a path has not.
NO_OPERATIONS = {405}


@functools.cache
def closed() -> dict[str, Any]:
    """The components, with no field in an answer beside those that are named."""
    found: dict[str, Any] = close(document()["components"])
    return found


def close(schema: Any) -> Any:
    """A schema in which every object with named fields has no others."""
    if isinstance(schema, list):
        return [close(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: close(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        found.setdefault("additionalProperties", False)
    return found


@functools.cache
def patterns() -> list[tuple[re.Pattern[str], str]]:
    """A pattern for each path; those without parameters come first."""
    paths = sorted(document()["paths"], key=lambda path: (path.count("{"), path))
    return [(_pattern(path), path) for path in paths]


def _pattern(path: str) -> re.Pattern[str]:
    """`/v0` may be left out, but where another endpoint is there."""
    bare = path.removeprefix("/v0")
    parts = bare.split("/")
    written = "/".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)
    alone = bare == path or bare in document()["paths"]
    prefix = path.removesuffix(bare) if alone else "(/v0)?"
    return re.compile(rf"{prefix}{written}/?")


def path_of(asked: str) -> str | None:
    """The path of the document that a request asked for; None for none of them."""
    for pattern, path in patterns():
        if pattern.fullmatch(asked):
            return path
    return None


def operation_of(method: str, asked: str) -> dict[str, Any] | None:
    """The operation that a request asked for; HEAD is GET without a body."""
    path = path_of(asked)
    methods = document()["paths"].get(path, {})
    found: dict[str, Any] | None = methods.get("get" if method == "HEAD" else method.lower())
    return found


@functools.cache
def validator(path: str, method: str, status: int, media_type: str) -> Any:
    """What validates the body of one answer."""
    answer = resolved(document()["paths"][path][method]["responses"][str(status)])
    schema = close(answer["content"][media_type].get("schema", {}))
    return jsonschema_rs.validator_for(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "components": closed(),
            **schema,
        },
        validate_formats=True,
    )


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or what it refers to."""
    if "$ref" not in part:
        return part
    found: Any = document()
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def check(response: Any) -> None:
    """Raise AssertionError where an answer is not what the document says."""
    asked, method = response.request["PATH_INFO"], response.request["REQUEST_METHOD"]
    operation = operation_of(method, asked)
    status = response.status_code
    if operation is None or status in NO_OPERATIONS:
        return
    where = f"{method} {asked} {status}"
    assert str(status) in operation["responses"], f"{where} is not in the schema"
    answer = resolved(operation["responses"][str(status)])
    for name, told in answer.get("headers", {}).items():
        told = resolved(told)
        assert name in response.headers or not told.get("required"), f"{where} lacks {name}"
        if name in response.headers:
            found = response.headers[name]
            assert jsonschema_rs.is_valid(told["schema"], found), f"{where}: {name}: {found}"
    if method == "HEAD" or status == 304:
        return
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    content = answer.get("content", {})
    assert media_type in content, f"{where}: {media_type} is not in the schema"
    if media_type != "application/json" or response.streaming:
        return
    path = path_of(asked)
    assert path is not None
    errors = list(validator(path, method.lower(), status, media_type).iter_errors(response.json()))
    assert not errors, f"{where}: {errors[0].instance_path}: {errors[0].message[:500]}"
