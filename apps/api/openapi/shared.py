"""What all operations share: the error envelope, the headers, the five ways to be someone."""

from __future__ import annotations

from typing import Any

from apps.api.errors import IDS
from apps.api.openapi.endpoints import STRING, Json, query

ERRORS = {
    400: "A parameter or the body cannot be read; `message` names it",
    401: "No credential where one is needed, or a wrong one",
    403: "Not allowed to this user, or with this token",
    404: "There is no such record, or none that you may see",
    406: "`Accept` admits no form that the endpoint has, or names another version",
    412: "`If-Match` names another version than the current one",
    413: "More than 10 MB, or more elements than are taken at once",
    415: "Neither JSON, nor a form, nor multipart",
    422: "`errors` has the reasons, field by field",
    429: "Too many requests; come again after `Retry-After` seconds",
    500: "A fault of ours, which is logged",
    503: "The database is away; come again after `Retry-After` seconds",
}
NAMES = {status: "".join(word.title() for word in IDS[status].split("_")) for status in ERRORS}

ERROR: Json = {
    "type": "object",
    "description": "The one envelope of every error.",
    "required": ["id", "message", "errors", "url"],
    "properties": {
        "id": {
            "type": "string",
            "description": "For programs; it never changes.",
            "enum": sorted({*IDS.values(), "parameter_missing", "not_found"}),
        },
        "message": {"type": "string", "description": "For people."},
        "errors": {
            "description": "Null but for 422: field → reasons.",
            "type": ["object", "null"],
            "additionalProperties": {"type": "array", "items": STRING},
        },
        "url": {"type": "null"},
    },
    "example": {
        "id": "record_not_found",
        "message": "Couldn't find Device with 'id'=101308",
        "errors": None,
        "url": None,
    },
}

HEADERS: dict[str, Json] = {
    "Link": {
        "description": "The URLs of the first, last, next and previous page, those that there are.",
        "schema": STRING,
        "example": '<https://api.example.org/v0/users?page=6&per_page=25>; rel="next"',
    },
    "Total": {
        "description": "How many rows the whole list has.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "4321",
    },
    "Per-Page": {
        "description": "How many rows a page has.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
        "example": "25",
    },
    "ETag": {
        "description": "The version of the answer, for `If-None-Match`.",
        "schema": {"type": "string", "pattern": '^(W/)?"[^"]+"$'},
    },
    "Retry-After": {
        "description": "Seconds to wait.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
    "WWW-Authenticate": {"description": "The ways in.", "required": True, "schema": STRING},
    "Location": {"description": "Where the new record is.", "required": True, "schema": STRING},
    "Content-Disposition": {"description": "The name of the file.", "schema": STRING},
}
HEADERS_OF_ERRORS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}

PARAMETERS: dict[str, Json] = {
    "page": query("page", "Which page; blank is the first.", {"type": "string"}, example="1"),
    "per_page": query(
        "per_page",
        "Rows on a page: 25 unless asked otherwise, at most 100, in the lists of the catalogue"
        " 1000; more is taken as the most.",
        {"type": "string"},
        example="25",
    ),
    "pretty": query("pretty", "`true` indents the JSON by two spaces.", STRING),
    "callback": query(
        "callback",
        "Wraps the JSON in a call of this function (JSON-P): a dotted JavaScript identifier of at"
        " most 128 characters.",
        STRING,
    ),
    "access_token": query("access_token", "An OAuth access token.", STRING),
    "If-None-Match": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of the answer that you have; while it holds you get 304.",
        "schema": STRING,
    },
}

SECURITY: dict[str, Json] = {
    "oauth2": {
        "type": "oauth2",
        "description": "`Authorization: Bearer TOKEN`; recommended.",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": "/oauth/authorize",
                "tokenUrl": "/oauth/token",
                "refreshUrl": "/oauth/token",
                "scopes": {},
            },
            "implicit": {"authorizationUrl": "/oauth/authorize", "scopes": {}},
            "clientCredentials": {"tokenUrl": "/oauth/token", "scopes": {}},
        },
    },
    "token": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Authorization: token TOKEN`, an OAuth access token.",
    },
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The username or e-mail address, and the password.",
    },
    "legacyKey": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Authorization: Token token=KEY`, the legacy API key of the user.",
    },
    "accessToken": {
        "type": "apiKey",
        "in": "query",
        "name": "access_token",
        "description": "An OAuth access token as a parameter, of the query or of the body.",
    },
}


def reference(kind: str, name: str) -> Json:
    """`{"$ref": "#/components/<kind>/<name>"}`."""
    return {"$ref": f"#/components/{kind}/{name}"}


def headers(*names: str) -> dict[str, Json]:
    """Headers of an answer, by name."""
    return {name: reference("headers", name) for name in names}


def errors(*statuses: int) -> dict[str, Json]:
    """The answers of errors, by status."""
    return {str(status): reference("responses", NAMES[status]) for status in sorted(statuses)}


def components(scopes: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The shared components; `scopes` are those of OAuth, by name."""
    told = {name: str(words) for name, words in scopes.items()}
    oauth2 = SECURITY["oauth2"]
    flows = {name: {**flow, "scopes": told} for name, flow in oauth2["flows"].items()}
    content = {
        "application/json": {"schema": reference("schemas", "Error")},
        "application/javascript": {"schema": {"type": "string"}},
    }
    responses = {
        NAMES[status]: {
            "description": words,
            "headers": headers(*HEADERS_OF_ERRORS.get(status, ())),
            "content": content,
        }
        for status, words in ERRORS.items()
    }
    return {
        "schemas": {"Error": ERROR},
        "responses": responses,
        "headers": HEADERS,
        "parameters": PARAMETERS,
        "securitySchemes": SECURITY | {"oauth2": {**oauth2, "flows": flows}},
    }
