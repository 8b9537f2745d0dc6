"""Reads the body of a request: JSON by orjson, strictly; forms as the framework does."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from typing import IO, Any

import orjson
from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import JSONParser as FrameworkJSONParser
from rest_framework.parsers import MultiPartParser as FrameworkMultiPartParser

from apps.api.exceptions import BadRequest, PayloadTooLarge

# Far deeper than any body of this API, and still far from what the renderer can write out again.
DEEPEST = 100
# A text, and the colon after it where it is the name of a member.
TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?', re.DOTALL)


class JSONParser(FrameworkJSONParser):
    """`application/json`: one object, in UTF-8. An empty body is an empty object.

    All of these are 400 with a message that says where: what is not JSON (NaN and numbers beyond
    a double included), invalid UTF-8, a name twice in one object, nesting beyond 100 levels, and
    anything but an object at the top. `Content-Encoding: gzip` is understood.
    """

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The object that the body holds; raises BadRequest, PayloadTooLarge (413) or 415."""
        return self.read(self.decoded_body(stream, parser_context))

    def read(self, body: bytes) -> dict[str, Any]:
        """The object that an encoded body comes to; raises BadRequest."""
        return read_object(body)

    def decoded_body(self, stream: IO[Any], parser_context: Mapping[str, Any] | None) -> bytes:
        """The body without its Content-Encoding."""
        request = (parser_context or {}).get("request")
        encoding = request.headers.get("content-encoding", "") if request else ""
        return decoded(stream.read(), encoding.strip().lower())


class BulkJSONParser(JSONParser):
    """JSON of many rows, where a name twice in one object has its last value.

    To find such a name costs more than to read all the rest, and one row must not sink the others.
    """

    def read(self, body: bytes) -> dict[str, Any]:
        """The object; raises BadRequest."""
        return loaded(body)


class MultiPartParser(FrameworkMultiPartParser):
    """`multipart/form-data`, where strange headers of a part are 400 too."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        """The parameters and files; raises BadRequest."""
        try:
            return super().parse(stream, media_type, parser_context)
        except (ValueError, TypeError, LookupError):
            raise BadRequest("Malformed multipart body") from None


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` holds, under the rules of JSONParser; raises BadRequest."""
    value = loaded(body)
    members = _members(value)
    if sum(map(bool, TEXT.findall(body))) != members:
        raise BadRequest(f"Malformed JSON: {_twice(body)} appears twice in one object")
    return value


def loaded(body: bytes) -> dict[str, Any]:
    """The JSON object that `body` holds; an empty body is an empty object. Raises BadRequest."""
    if not body.strip():
        return {}
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"Malformed JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadRequest("Malformed JSON: an object is expected at the top: line 1 column 1")
    return value


def decoded(body: bytes, encoding: str) -> bytes:
    """The body without its Content-Encoding, up to the limit that holds for any body.

    Raises BadRequest for broken data, PayloadTooLarge beyond the limit (a small body may unfold
    to gigabytes, so it is never unfolded further) and 415 for an encoding unknown here.
    """
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise UnsupportedMediaType(encoding, f"Unsupported Content-Encoding: {encoding[:50]}")
    limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0
    gzip = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        content = gzip.decompress(body, limit + 1)
    except zlib.error:
        raise BadRequest("The body is not gzip, though Content-Encoding says so") from None
    if len(content) > limit:
        raise PayloadTooLarge
    if not gzip.eof:
        raise BadRequest("The gzip data of the body ends too early")
    return content


def _members(value: Any) -> int:
    """How many members the objects within `value` have in all; raises BadRequest where too deep."""
    members = 0
    level = [value]
    for _ in range(DEEPEST):
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                members += len(node)
                node = node.values()
            below += [child for child in node if isinstance(child, dict | list)]
        if not below:
            return members
        level = below
    raise BadRequest(f"Malformed JSON: nested deeper than {DEEPEST} levels")


def _twice(body: bytes) -> str:
    """The first name that is twice in one object, as the message shows it."""
    names: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        names.extend(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]

    json.loads(body, object_pairs_hook=look)
    return f'"{names[0][:50]}"'
