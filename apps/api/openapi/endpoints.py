"""How an app tells of its endpoints, so that `apps/<app>/schema.py` reads like the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework import serializers

Json = dict[str, Any]

STRING: Json = {"type": "string"}
INTEGER: Json = {"type": "integer"}
TIME: Json = {"type": "string", "format": "date-time"}
# Numbers of a query may be blank, which is the default.
BOOLEAN: Json = {"enum": ["true", "t", "1", "false", "f", "0", ""]}


class Shape(serializers.Serializer[Any]):
    """The base of shapes: every field is always there; `allow_null` says that it may be null.

    Shapes only describe. What makes the answers are plain functions, and a test compares the two.
    """


class JsonField(serializers.Field[Any, Any, Any, Any]):
    """A field of a shape by its JSON Schema, where the framework has no field for it."""

    def __init__(self, schema: Json, **options: Any) -> None:
        self.schema = schema
        super().__init__(**options)


class Message(Shape):
    """What was done, in words."""

    message = serializers.CharField()


@dataclass(frozen=True)
class Endpoint:
    """What is said of one method of one path, beside what its view says by itself.

    `answer` is the body of the first of `statuses`: a shape, a JSON Schema, or None. `body` is
    what the client sends. `errors` are the statuses that no rule of `operations.py` tells. `also`
    are further answers (status → shape), `media` further media types (name → JSON Schema).
    """

    summary: str
    answer: Any = None
    many: bool = False
    status: int = 200
    body: Any = None
    description: str = ""
    parameters: tuple[Json, ...] = ()
    named: str = "The id"
    example: Any = None
    errors: tuple[int, ...] = ()
    also: Mapping[int, Any] = field(default_factory=dict)
    media: Mapping[str, Json] = field(default_factory=dict)
    headers: tuple[str, ...] = ()
    pages: str = ""  # "numbers" or "cursor"
    jsonp: bool = True


ENDPOINTS: dict[tuple[str, str], Endpoint] = {}
# What no view of the framework answers: path → method → the operation, whole.
OUTSIDE: dict[str, dict[str, Json]] = {}


def document(tag: str, endpoints: Mapping[str, Endpoint]) -> None:
    """Tell of endpoints: `"GET /v0/devices/{id}"` → Endpoint. PUT is PATCH (contract: methods)."""
    TAGS.append(tag)
    for line, endpoint in endpoints.items():
        method, path = line.split()
        ENDPOINTS[method, path] = endpoint
        TAG_OF[path] = tag
        if method == "PATCH":  # where routers say so; of other views `document.py` does
            ENDPOINTS["PUT", path] = endpoint


def document_outside(tag: str, paths: Mapping[str, Mapping[str, Json]]) -> None:
    """Tell of what no view of the framework answers: path → method → OpenAPI's operation."""
    for path, methods in paths.items():
        OUTSIDE[path] = {method: {"tags": [tag], **told} for method, told in methods.items()}


TAGS: list[str] = []
TAG_OF: dict[str, str] = {}


def query(name: str, description: str, schema: Json = STRING, **more: Any) -> Json:
    """A parameter of the query."""
    return {"name": name, "in": "query", "description": description, "schema": schema, **more}


def header(name: str, description: str, schema: Json = STRING, **more: Any) -> Json:
    """A parameter that is a header."""
    return {"name": name, "in": "header", "description": description, "schema": schema, **more}


def catalogue(
    path: str, one: str, many: str, shape: Any, given: Any = None, **more: Any
) -> dict[str, Endpoint]:
    """The five endpoints of a list and its records; only the reads where nothing is `given`."""
    named = more.pop("named", "The id")
    examples = more.pop("examples", {})
    found = {
        f"GET {path}": Endpoint(
            f"List {many}", shape, many=True, pages="numbers", example=examples.get("list"), **more
        ),
        f"GET {path}/{{id}}": Endpoint(
            f"Get {one}", shape, named=named, example=examples.get("one")
        ),
    }
    if given is None:
        return found
    return found | {
        f"POST {path}": Endpoint(f"Add {one}", shape, status=201, body=given),
        f"PATCH {path}/{{id}}": Endpoint(f"Change {one}", shape, body=given, named=named),
        f"DELETE {path}/{{id}}": Endpoint(f"Delete {one}", Message, named=named, errors=(422,)),
    }
