"""The OpenAPI document: valid, whole, and what the server does (`tests/documented.py`)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from django.http import QueryDict
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from apps.api.openapi.document import document
from apps.api.requests import ApiRequest
from apps.devices.models import Device, Experiment
from apps.users.models import User
from tests import documented
from tests.contract.conftest import As

# Not of the API: pages for browsers, which answer HTML.
PAGES = re.compile(r"/(admin|ui|docs|oauth/(authorize|applications))(/|$)|/$")


def test_the_document_is_openapi_3_1() -> None:
    assert document()["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document()).validate()


def test_it_is_answered_to_anyone_as_json_or_yaml_and_kept_by_caches(
    client: APIClient, db: None
) -> None:
    plain = client.get("/v0/schema")
    assert (plain.status_code, plain["Content-Type"]) == (200, "application/json")
    assert plain.json() == json.loads(json.dumps(document(), default=str))
    assert plain["Cache-Control"] == "public, max-age=3600"
    again = client.get("/v0/schema", headers={"If-None-Match": plain["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    written = client.get("/schema/", headers={"Accept": "application/yaml"})
    assert (written.status_code, written["Content-Type"]) == (200, "application/yaml")
    assert yaml.safe_load(written.content) == plain.json()
    assert client.get("/v0/schema", headers={"Accept": "text/html"}).status_code == 406


def walked(patterns: Any = None, prefix: str = "") -> list[tuple[str, Any]]:
    """Every path of the URL map as the document writes it, and its view."""
    found: list[tuple[str, Any]] = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        written = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            found += walked(pattern.url_patterns, written)
        elif isinstance(pattern, URLPattern):
            path = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"{\1}", written)
            path = path.replace("(?:v0/)?", "v0/").replace("\\", "").replace("{pk}", "{id}")
            found.append((f"/{path.rstrip('$').removesuffix('/?')}", pattern.callback))
    return found


def methods_of(view: Any) -> set[str]:
    """The methods that a view answers, but for those that every view has."""
    if actions := getattr(view, "actions", None):
        return {method for method in actions if method != "head"}
    cls = getattr(view, "cls", None) or getattr(view, "view_class", None)
    if cls is None:
        return {"get", "post", "put", "patch"}  # the doors of old kits
    found = {name for name in cls.http_method_names if hasattr(cls, name)} - {"head", "options"}
    return found | ({"put"} if "patch" in found else set())


def test_every_endpoint_and_method_of_the_url_map_is_in_the_document_and_no_other() -> None:
    paths = document()["paths"]
    wanted: dict[str, set[str]] = {}
    for path, view in walked():
        here = f"/v0{path}" if path not in paths and f"/v0{path}" in paths else path
        if not PAGES.match(path):
            wanted[here.rstrip("/") or "/"] = methods_of(view)
    assert wanted == {path: set(methods) for path, methods in paths.items()}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    operations = [one for methods in document()["paths"].values() for one in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation["summary"] and operation["tags"] for operation in operations)


class Recording(QueryDict):
    """A query that notes which parameters were looked at."""

    seen: set[str] = set()

    def get(self, key: Any, default: Any = None) -> Any:
        """As Django's."""
        self.seen.add(key)
        return super().get(key, default)

    def getlist(self, key: Any, default: Any = None) -> Any:
        """As Django's."""
        self.seen.add(key)
        return super().getlist(key, default)

    def __contains__(self, key: Any) -> bool:
        self.seen.add(key)
        return super().__contains__(key)


ASKED = [
    "",
    "sensor_id=7&rollup=1h",
    "sensor_key=temp&rollup=auto",
    "rollup=1h&sensor_id=7&all_intervals=true&relative=1d&limit=3",
    "format=csv",
    "near=1,1&within=3",
]


def test_every_parameter_that_a_view_looks_at_is_in_the_document(
    as_: As, device: Device, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    Experiment.objects.create(name="Noise", owner=alice)
    seen = Recording.seen

    def query_params(request: ApiRequest) -> QueryDict:
        before = set(seen)
        query = Recording(request._request.META["QUERY_STRING"])
        seen.intersection_update(before)  # making it looks at every name
        return query

    monkeypatch.setattr(ApiRequest, "query_params", property(query_params))
    ids = {"{id}": str(device.pk), "{token}": "unknown"}
    for path, methods in document()["paths"].items():
        if "get" not in methods:
            continue
        url = re.sub(r"{\w+}", lambda found: ids[found[0]], path)
        for query in ASKED:
            seen.clear()
            as_("owner").get(f"{url}?{query}")
            told = [documented.resolved(each) for each in methods["get"].get("parameters", [])]
            names = {each["name"] for each in told if each["in"] == "query"}
            # Credentials are told by the security schemes.
            assert seen - {"access_token"} <= names, (path, query)


def lists() -> list[tuple[str, dict[str, Any]]]:
    """Every GET without an id in its path that answers JSON, and its parameters in a query."""
    found = []
    for path, methods in document()["paths"].items():
        if "get" in methods and "{" not in path:
            told = [documented.resolved(each) for each in methods["get"].get("parameters", [])]
            found.append((path, {each["name"]: each for each in told if each["in"] == "query"}))
    return found


def test_every_list_pages_searches_and_sorts_by_what_the_document_says_and_no_other(
    as_: As, device: Device, alice: User
) -> None:
    Experiment.objects.create(name="Noise", owner=alice)
    searched = 0
    for path, told in lists():
        if path in {"/metrics", "/v0/me/export"}:
            continue
        browser = as_("owner")
        q = "x" if path == "/v0/search" else None
        paged = browser.get(path, {"per_page": "1", **({"q": q} if q else {})})
        assert (paged.headers.get("Per-Page") == "1") == ({"page", "per_page"} <= told.keys()), path
        if q:
            assert told["q"]["required"]
            continue
        refused = browser.get(path, {"q[no_such_thing_eq]": "1"})
        assert (refused.status_code == 400) == ("q" in told), path
        for name in ("near", "bbox"):
            refused = browser.get(path, {name: "nonsense"})
            assert (refused.status_code in (400, 422)) == (name in told), (path, name)
        if "q" not in told:
            continue
        names = re.findall(r"`(\w+)`", told["q"]["description"].split(". ")[1])
        for name in names:
            searched += 1
            answer = browser.get(path, {f"q[{name}_present]": "1", "q[s]": f"{name} desc"})
            assert answer.status_code == 200, (path, name, answer.content)
    assert searched > 40


@pytest.mark.parametrize(
    ("status", "media_type", "body", "wrong"),
    [
        (418, "application/json", {}, "418 is not in the schema"),
        (200, "text/html", {}, "text/html is not in the schema"),
        (200, "application/json", {"status": "fine"}, '"fine" is not one of'),
        (200, "application/json", {"status": "ok", "more": 1}, "Additional properties"),
        (200, "application/json", {}, '"status" is a required property'),
    ],
)
def test_an_answer_that_is_not_in_the_document_fails_the_test_that_asked(
    status: int, media_type: str, body: dict[str, Any], wrong: str, client: APIClient, db: None
) -> None:
    response = client.get("/health/live")
    response.status_code = status
    response.headers["Content-Type"] = media_type
    response.json = lambda: body  # type: ignore[method-assign]
    with pytest.raises(AssertionError, match=re.escape(wrong)):
        documented.check(response)
