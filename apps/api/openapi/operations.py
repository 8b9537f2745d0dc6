"""Makes an operation of the document from a view and what its app says of the endpoint."""

from __future__ import annotations

import copy
import re
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework.permissions import SAFE_METHODS

from apps.api.openapi import shared
from apps.api.openapi.endpoints import ENDPOINTS, TAG_OF, Endpoint, Json, JsonField
from apps.api.ransack.backend import RansackFilter
from apps.api.ransack.schema import declaration

WITH_BODY = {"POST", "PUT", "PATCH"}
DESCRIPTIONS = {200: "It is done", 201: "It was made"}


class Operation(AutoSchema):
    """One method of one path (`REST_FRAMEWORK["DEFAULT_SCHEMA_CLASS"]`)."""

    endpoint: Endpoint
    path: str
    method: str
    path_regex: str

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: Any
    ) -> Json | None:
        """The operation; raises KeyError for an endpoint that no app tells of."""
        self.endpoint = ENDPOINTS[method.upper(), path]
        found: Json | None = super().get_operation(path, path_regex, path_prefix, method, registry)
        return found

    def get_operation_id(self) -> str:
        """`get_devices_id_readings`: what clients that are generated name their functions by."""
        ours = self.path.startswith("/v0")
        path = self.path.removeprefix("/v0") if ours else f"/platform{self.path}"
        words = re.sub(r"[{}]", "", path).split("/")
        name = "_".join(word.strip(".").replace("-", "_") for word in words if word) or "root"
        return f"{self.method.lower()}_{name}"

    def get_summary(self) -> str:
        """In a few words."""
        return self.endpoint.summary

    def get_description(self) -> str:  # type: ignore[override]
        """What there is to know beside."""
        return self.endpoint.description

    def get_tags(self) -> list[str]:
        """The chapter."""
        return [TAG_OF[self.path]]

    def get_auth(self) -> list[Json]:
        """The ways in, each with the scope that it needs; anonymous first, where that is enough."""
        view: Any = self.view
        if not view.authentication_classes:
            return [{}]
        scope = "public" if self.reads else getattr(view, "write_scope", "write")
        ways: list[Json] = [{"oauth2": [scope]}]
        ways += [{name: []} for name in shared.SECURITY if name != "oauth2"]
        return ways if self.needs_user else [{}, *ways]

    @property
    def reads(self) -> bool:
        """Whether the method changes nothing."""
        return self.method in SAFE_METHODS

    @property
    def needs_user(self) -> bool:
        """Whether the view refuses who is not signed in."""
        view: Any = self.view
        asked = [permission.has_permission(view.request, view) for permission in view_rules(view)]
        return not all(asked)

    @property
    def lists(self) -> bool:
        """Whether it is a list that `q` searches."""
        backends = getattr(self.view, "filter_backends", [])
        return self.endpoint.many and self.reads and RansackFilter in backends

    # Parameters

    def _get_parameters(self) -> list[Json]:
        """Of the path, of the endpoint, of lists, and of every request."""
        endpoint = self.endpoint
        names = re.findall(r"{(\w+)}", self.path)
        found = [self.path_parameter(name) for name in names]
        found += endpoint.parameters
        if self.lists:
            found.append(search_parameter(self.view))
        shared_ones: list[str] = []
        if endpoint.pages:
            shared_ones += ["page", "per_page"]
        if self.reads:
            shared_ones += ["pretty", *(["callback"] if endpoint.jsonp else []), "If-None-Match"]
        else:
            shared_ones.append("pretty")
        return found + [shared.reference("parameters", name) for name in shared_ones]

    def path_parameter(self, name: str) -> Json:
        """A part of the path; digits where the URL map takes nothing else."""
        digits = f"(?P<{'pk' if name == 'id' else name}>[0-9]+)" in self.path_regex
        schema = {"type": "integer", "minimum": 0} if digits else {"type": "string", "minLength": 1}
        return {
            "name": name,
            "in": "path",
            "required": True,
            "description": f"{self.endpoint.named}." if name == "id" else "What the mail says.",
            "schema": schema,
        }

    # Bodies

    def get_request_serializer(self) -> Any:
        """What the client sends, in any form that the view reads."""
        body = self.endpoint.body
        return dict.fromkeys(self.map_parsers(), body) if isinstance(body, dict) else body

    def _get_request_for_media_type(
        self, serializer: Any, direction: Any = "request"
    ) -> tuple[Any, bool]:
        """Its schema. No body is required: parameters of the query will do (contract)."""
        if serializer is None or isinstance(serializer, dict):
            return serializer, False
        given = copy.copy(force_instance(serializer))
        given.partial = self.method in {"PATCH", "PUT"}
        return self.resolve_serializer(given, direction).ref, False

    def _map_serializer_field(
        self, field: Any, direction: Any, bypass_extensions: bool = False
    ) -> Any:
        """The schema of a field; ours bring theirs along."""
        if isinstance(field, JsonField):
            return field.schema
        return super()._map_serializer_field(field, direction, bypass_extensions)

    # Answers

    def _get_response_bodies(self, direction: str = "response") -> dict[str, Json]:
        """Every status that there is, each with its answer."""
        endpoint = self.endpoint
        answers = {str(endpoint.status): self.answer(endpoint.answer)}
        for status, shape in endpoint.also.items():
            answers[str(status)] = self.answer(shape)
        if self.reads:
            unchanged = {"description": "What you have is right", "headers": shared.headers("ETag")}
            answers["304"] = unchanged
        missing = self.error_statuses() - {int(status) for status in answers}
        return answers | shared.errors(*missing)

    def answer(self, shape: Any) -> Json:
        """An answer of a shape, in every form that it has."""
        endpoint = self.endpoint
        schema = self.schema_of(shape)
        content: Json = {}
        if schema is not None:
            content["application/json"] = {"schema": schema}
            if endpoint.example is not None:
                content["application/json"]["example"] = endpoint.example
        if self.reads and endpoint.jsonp:
            content["application/javascript"] = {"schema": {"type": "string"}}
        content |= {name: {"schema": form} for name, form in endpoint.media.items()}
        names = [*endpoint.headers, *(["ETag"] if self.reads else [])]
        names += {"numbers": ["Link", "Total", "Per-Page"], "cursor": ["Link"]}.get(
            endpoint.pages, []
        )
        return {
            "description": DESCRIPTIONS.get(endpoint.status, "As asked"),
            "headers": shared.headers(*names),
            "content": content,
        }

    def schema_of(self, shape: Any) -> Json | None:
        """A shape as a schema; a list of it where the endpoint answers many."""
        if shape is None or isinstance(shape, dict):
            return shape
        if isinstance(shape, tuple):  # a list of the first, or one of the second
            first, second = (self.resolve_serializer(each, "response").ref for each in shape)
            return {"anyOf": [{"type": "array", "items": first}, second]}
        schema: Json = self.resolve_serializer(shape, "response").ref
        return {"type": "array", "items": schema} if self.endpoint.many else schema

    def error_statuses(self) -> set[int]:
        """The errors that can come: by the rules of every request, and those the app adds."""
        view: Any = self.view
        found = {400, 406, 500, 503, *self.endpoint.errors}
        if view.authentication_classes:
            found |= {401, 403, 429}  # 429: too many wrong passwords
        if view.throttle_classes:
            found.add(429)
        if "{" in self.path:
            found.add(404)
        if self.reads:
            found.add(412)
        else:
            found |= {413, 415}
        if self.method in WITH_BODY:
            found.add(422)
        return found


def view_rules(view: Any) -> list[Any]:
    """The permissions of a view, for the method of its request."""
    rules: list[Any] = view.get_permissions()
    return rules


def search_parameter(view: Any) -> Json:
    """`q[...]` of a list: what can be searched is what the model declares."""
    declared = declaration(view.queryset.model)
    assert declared is not None
    names = ", ".join(f"`{name}`" for name in declared.names)
    words = f"Searches and sorts: `q[<attribute>_<predicate>]=value`. Attributes: {names}."
    if declared.associations:
        through = ", ".join(f"`{name}_…`" for name in declared.associations)
        words += f" Of what belongs to it: {through}."
    words += (
        " Predicates are ransack's: `eq not_eq lt lteq gt gteq in not_in cont not_cont start end"
        " matches present blank null true false`, and each with `_any` or `_all`."
        " `q[s]=name asc` sorts, `q[m]=or` joins by or. Anything else is 400."
    )
    value = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    first = declared.names[0]
    return {
        "name": "q",
        "in": "query",
        "description": words,
        "style": "deepObject",
        "explode": True,
        "schema": {
            "type": "object",
            "properties": {"s": value, "sort": value, "sorts": value, "m": {"type": "string"}},
            "additionalProperties": value,
        },
        "example": {f"{first}_eq": "1", "s": f"{first} desc"},
    }
