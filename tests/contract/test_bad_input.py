"""Bad input on every parameter of every endpoint: refused by name, and nothing has changed.

Three tables: what bodies hold, what queries hold, and what paths hold. A request that fails with
an exception fails its test, so that none of them is ever a 500.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from rest_framework.test import APIClient

from apps.devices.models import Device, Experiment
from apps.sensors.models import SensorTag
from apps.users.models import User
from tests.contract.conftest import As
from tests.contract.tools import assert_error, rows

HUGE = 10**40


class Endpoint(NamedTuple):
    """An endpoint that takes a body: who may, its list and one record, and what a POST needs."""

    who: str
    path: str
    record: str
    new: dict[str, Any]
    methods: tuple[str, ...] = ("post", "patch", "put")


ENDPOINTS = {
    "devices": Endpoint(
        "owner",
        "/v0/devices",
        "/v0/devices/{device}",
        {"name": "Beach SCK", "mac_address": "00:1C:B3:09:85:15"},
    ),
    "users": Endpoint(
        "owner",
        "/v0/users",
        "/v0/users/alice",
        {"username": "dora", "email": "dora@example.org", "password": "doradora"},
    ),
    "me": Endpoint("owner", "/v0/me", "/v0/me", {}, ("patch", "put")),
    "sensors": Endpoint("admin", "/v0/sensors", "/v0/sensors/12", {"name": "New"}),
    "measurements": Endpoint(
        "admin", "/v0/measurements", "/v0/measurements/1", {"name": "New", "description": "New"}
    ),
    "tags": Endpoint("admin", "/v0/tags", "/v0/tags/1", {"name": "New"}),
    "tag_sensors": Endpoint("admin", "/v0/tag_sensors", "/v0/tag_sensors/{tag}", {"name": "New"}),
    "kits": Endpoint("admin", "/v0/kits", "/v0/kits/3", {"name": "New", "slug": "new"}),
    "experiments": Endpoint(
        "owner", "/v0/experiments", "/v0/experiments/{experiment}", {"name": "New"}
    ),
}


class Kind(NamedTuple):
    """What no parameter of a kind can be; `emoji` is whether it takes them."""

    bad: list[Any]
    emoji: bool = False


NOT_TEXT: list[Any] = [True, ["a", "b"], [], {"a": "b"}, {}]
NOT_A_NUMBER: list[Any] = ["abc", "1,5", "🦊", [1], {}, "1" * 5000, "٣x"]


def text(longest: int | None = None, *bad: Any, emoji: bool = True) -> Kind:
    """Text of at most so many characters."""
    too_long = [] if longest is None else ["x" * (longest + 1), "🦊" * (longest + 1)]
    return Kind([*NOT_TEXT, *too_long, *bad], emoji)


def number(least: float, most: float) -> Kind:
    """A number between two."""
    beyond = [least - 1, most + 1, -HUGE, HUGE, "NaN", "Infinity", "-inf", "1e999"]
    return Kind([*NOT_A_NUMBER, *beyond, ""] if least == -500 else [*NOT_A_NUMBER, *beyond])


REFERENCE = Kind([*NOT_A_NUMBER, 101308, 0, -1, HUGE, -HUGE, 2**63, 1.5, True])
BOOLEAN = Kind(["perhaps", 2, -1, HUGE, [True], {}, "🦊", "x" * 5000, None])
WEB_ADDRESS = text(
    2000, "example.org", "ftp://example.org", "javascript:alert(1)", "https://", "https://🦊 x/"
)._replace(emoji=False)
MOMENT = Kind(
    ["soon", 5, True, [], {}, "2026-13-01", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+14:00"]
    + ["9999-12-31T23:59:59-14:00", "2026-01-01T25:00:00Z", "🦊", "x" * 5000, HUGE, -1]
)
COUNTRY = text(None, "XX", "ESP", "E", "🇪🇸", "ß", 34, "x" * 5000, emoji=False)
USERNAME = text(30, "ab", "123", 123, "a@b.org", "do/ra", "do\tra", "do\x85ra", None, "", "ALICE2")
EMAIL = text(
    None, "dora", "dora@", "@dora.org", "a@b.c\nBcc: d@e.f", 5, "🦊", None, "", "BOB@example.org"
)._replace(emoji=False)
PASSWORD = text(None, "1234567", 5, "", None, " ", emoji=True)

PARAMETERS: dict[str, dict[str, Kind]] = {
    "devices": {
        "name": text(200, None, "", "  "),
        "description": text(),
        "mac_address": text(
            17, None, "", "00:1C:B3:09:85", "00:1C:B3:09:85:GG", "001CB3098515", 5, emoji=False
        ),
        "kit_id": REFERENCE,
        "exposure": text(None, "outside", "INDOOR", 1, "🦊", "x" * 5000, emoji=False),
        "latitude": number(-90, 90),
        "longitude": number(-180, 180),
        "elevation": number(-500, 10_000),
        "city": text(200),
        "country_code": COUNTRY,
        "user_tags": Kind(["Nope", ["Nope"], "🦊", 5, True, {"a": 1}, [["School"]], "x" * 5000]),
        "is_private": BOOLEAN,
        "precise_location": BOOLEAN,
        "notify_low_battery": BOOLEAN,
        "notify_stopped_publishing": BOOLEAN,
        "enable_forwarding": BOOLEAN._replace(bad=[*BOOLEAN.bad, True]),
        "postprocessing": Kind(
            ["x", 5, True, [], [1], {"meta": {}}, {"meta": "a\0b"}, {"meta": "x" * 10_001}]
            + [{"forwarding_params": bad} for bad in ("x", HUGE, 2**63, 1.5, [1], {})]
            + [{"latest_postprocessing": bad} for bad in MOMENT.bad if bad != ""]
            + [{"hardware_url": bad} for bad in NOT_TEXT]
            + [{"blueprint_url": "x" * 2001}]
        ),
    },
    "users": {
        "username": USERNAME,
        "email": EMAIL,
        "password": PASSWORD,
        "first_name": text(150),
        "last_name": text(150),
        "city": text(200),
        "country_code": COUNTRY,
        "url": WEB_ADDRESS,
        "avatar": WEB_ADDRESS,
    },
    "sensors": {
        "name": text(200, None, "", " "),
        "description": text(),
        "unit": text(50),
        "unit_definition": text(),
        "default_key": text(50),
        "datasheet": WEB_ADDRESS,
        "parent_id": REFERENCE,
        "measurement_id": REFERENCE,
        "tags": Kind(["Air", ["Nope"], [["Air"]], [{}], [None], {"a": 1}, 5, True, None, ["🦊"]]),
    },
    "measurements": {
        "name": text(100, None, "", " ", "RELATIVE HUMIDITY"),
        "description": text(None, None, "", " "),
        "unit": text(50),
        "definition": text(),
    },
    "tags": {
        "name": text(100, None, "", " ", "a,b", "a|b", "SCHOOL"),
        "description": text(),
    },
    "tag_sensors": {
        "name": text(100, None, "", " ", "WATER"),
        "description": text(),
    },
    "kits": {
        "name": text(200, None, "", " "),
        "slug": text(100, None, "", "34", "a/b", "a b", "..", "🦊", "SCK:1,0", emoji=False),
        "description": text(),
        "sensors": Kind(
            [None, "7", 7, True, {"id": 7}, [7], [None], [[]], [{}], [{"id": "x"}], [{"id": HUGE}]]
            + [[{"id": 101308}], [{"id": 7}, {"id": 7}], [{"id": 7, "key": "x" * 51}]]
            + [[{"id": 7, "key": []}], [{"id": 7, "calibration": "x * 2"}]]
            + [[{"id": 7, "calibration": {"kind": "linear", "divide": 0}}], [{"id": -1}]]
        ),
    },
    "experiments": {
        "name": text(200, None, "", " "),
        "description": text(),
        "is_test": BOOLEAN,
        "starts_at": MOMENT,
        "ends_at": MOMENT,
        "device_ids": Kind(
            [[101308], [0], [-1], [2**63], [HUGE], ["x"], [1.5], [True], [None], [[1]], [{}]]
            + ["x", "1;2", "🦊", {"a": 1}, {}, 5, True, [1] * 1001]
        ),
    },
}
PARAMETERS["me"] = PARAMETERS["users"]

EVERY_PARAMETER = [(place, name) for place, found in PARAMETERS.items() for name in found]
LATITUDE_NEEDS_LONGITUDE = {"latitude": {"longitude": 0.5}, "longitude": {"latitude": 0.5}}


@pytest.fixture(autouse=True)
def what_there_is(device: Device, alice: User, bob: User, carol: User) -> SensorTag:
    """alice's device, three people and one more, and a tag of sensors; the catalogue as well."""
    User.objects.create_user("alice2", "alice2@example.org", None)
    SensorTag.objects.create(name="Water")
    return SensorTag.objects.create(name="Air")


@pytest.fixture
def ids(device: Device, what_there_is: SensorTag) -> dict[str, int]:
    """What stands in paths."""
    experiment = Experiment.objects.create(name="Heat", owner=device.owner)
    return {"device": device.pk, "tag": what_there_is.pk, "experiment": experiment.pk}


def written(endpoint: Endpoint, ids: dict[str, int]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path, and what else a good request holds, for each way to write."""
    for method in endpoint.methods:
        creates = method == "post"
        path = endpoint.path if creates else endpoint.record.format(**ids)
        yield method, path, endpoint.new if creates else {}


def send(client: APIClient, method: str, path: str, body: Any) -> Any:
    """A request with a body of JSON, which may hold half a surrogate pair."""
    content = json.dumps(body)
    return getattr(client, method)(path, content, content_type="application/json")


# Bodies


@pytest.mark.parametrize(("place", "parameter"), EVERY_PARAMETER)
def test_a_value_that_does_not_fit_is_422_and_its_field_is_named(
    place: str, parameter: str, ids: dict[str, int], as_: As, settings: Any
) -> None:
    settings.REST_FRAMEWORK = unthrottled(settings)
    endpoint = ENDPOINTS[place]
    client = as_(endpoint.who)
    before = rows()
    for value in PARAMETERS[place][parameter].bad:
        for method, path, others in written(endpoint, ids):
            also = LATITUDE_NEEDS_LONGITUDE.get(parameter, {})
            response = send(client, method, path, {**others, **also, parameter: value})
            said = (method, str(value)[:50], response.status_code, response.content[:300])
            assert response.status_code == 422, said
            errors = assert_error(response, 422, "unprocessable_entity")["errors"]
            assert errors, said
            for field, messages in errors.items():
                assert field.split(".")[0] == parameter, said
                assert messages and all(type(message) is str for message in messages), said
    assert rows() == before


@pytest.mark.parametrize(("place", "parameter"), EVERY_PARAMETER)
def test_text_that_no_database_holds_is_400(
    place: str, parameter: str, ids: dict[str, int], as_: As
) -> None:
    endpoint = ENDPOINTS[place]
    client = as_(endpoint.who)
    before = rows()
    for method, path, others in written(endpoint, ids):
        nul = send(client, method, path, {**others, parameter: "a\0b"})
        assert_error(nul, 400, "bad_request", f"{parameter} must not contain a NUL character")
        half = send(client, method, path, {**others, parameter: "a\ud800b"})
        assert_error(half, 400, "bad_request", "Malformed JSON")
        in_the_query = send(client, method, f"{path}?{parameter}=%00", others)
        assert_error(in_the_query, 400, "bad_request", "NUL")
        form = {**others, parameter: "a\0b"}
        assert_error(getattr(client, method)(path, form), 400, "bad_request", parameter)
    assert rows() == before


@pytest.mark.parametrize(
    ("place", "parameter"),
    [(place, name) for place, name in EVERY_PARAMETER if PARAMETERS[place][name].emoji],
)
def test_emoji_are_text_like_any_other(
    place: str, parameter: str, ids: dict[str, int], as_: As
) -> None:
    endpoint = ENDPOINTS[place]
    fox = "🦊 é́ ﷽ 🏳️‍🌈"
    for method, path, others in list(written(endpoint, ids))[:2]:
        response = send(as_(endpoint.who), method, path, {**others, parameter: f"{fox} {method}"})
        assert response.status_code in {200, 201}, response.content
        if parameter != "password":
            assert f"{fox} {method}" in response.content.decode()


BODIES = [
    (b"{", "application/json", 400, "Malformed JSON"),
    (b"name=x", "application/json", 400, "Malformed JSON"),
    (b"[]", "application/json", 400, "Malformed JSON"),
    (b'"text"', "application/json", 400, "Malformed JSON"),
    (b"null", "application/json", 400, "Malformed JSON"),
    (b"1", "application/json", 400, "Malformed JSON"),
    (b'{"name": NaN}', "application/json", 400, "Malformed JSON"),
    (b'{"name": 1e999}', "application/json", 400, "Malformed JSON"),
    (b'{"name": "\xff"}', "application/json", 400, "Malformed JSON"),
    (b'{"name": "\\ud800"}', "application/json", 400, "Malformed JSON"),
    (b'{"name": "a", "name": "b"}', "application/json", 400, '"name" appears twice'),
    (b'{"a":' * 101 + b"1" + b"}" * 101, "application/json", 400, "Malformed JSON"),
    (b'{"a":' * 9000, "application/json", 400, "Malformed JSON"),
    (b"<name>x</name>", "application/xml", 415, "application/xml"),
    (b"name: x", "text/plain", 415, "text/plain"),
    (b'{"name": "x"}', "nonsense", 415, "nonsense"),
    (b"x", "multipart/form-data", 400, ""),
]
IDS = {400: "bad_request", 415: "unsupported_media_type"}


@pytest.mark.parametrize("place", ENDPOINTS)
def test_a_body_that_cannot_be_read_changes_nothing(
    place: str, ids: dict[str, int], as_: As, settings: Any
) -> None:
    endpoint = ENDPOINTS[place]
    client = as_(endpoint.who)
    before = rows()
    for method, path, _ in written(endpoint, ids):
        call = getattr(client, method)
        for body, content_type, status, said in BODIES:
            response = call(path, body, content_type=content_type)
            assert_error(response, status, IDS[status], said)
    assert rows() == before


@pytest.mark.parametrize("place", ENDPOINTS)
def test_a_body_that_is_compressed_badly_or_too_large_changes_nothing(
    place: str, ids: dict[str, int], as_: As, settings: Any
) -> None:
    endpoint = ENDPOINTS[place]
    client = as_(endpoint.who)
    before = rows()
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    for method, path, others in written(endpoint, ids):

        def compressed(body: bytes, encoding: str, method: str = method, path: str = path) -> Any:
            headers = {"Content-Encoding": encoding}
            call = getattr(client, method)
            return call(path, body, content_type="application/json", headers=headers)

        large = send(client, method, path, {**others, "name": "x" * 2000})
        assert_error(large, 413, "payload_too_large")
        bomb = compressed(gzip.compress(b'{"name": "%s"}' % (b"x" * 100_000)), "gzip")
        assert_error(bomb, 413, "payload_too_large")
        assert_error(compressed(b"no gzip", "gzip"), 400, "bad_request", "gzip")
        cut = compressed(gzip.compress(b'{"name": "x"}')[:-9], "gzip")
        assert_error(cut, 400, "bad_request", "gzip")
        assert_error(compressed(b"{}", "br"), 415, "unsupported_media_type", "br")
    assert rows() == before


@pytest.mark.parametrize("place", [place for place in ENDPOINTS if place != "me"])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"  ", "application/json"),
        (b"{}", "application/json"),
        (b"", "application/x-www-form-urlencoded"),
        (b"&=&", "application/x-www-form-urlencoded"),
        (b'{"nonsense": "x", "name[]": [], "": 1}', "application/json"),
    ],
)
def test_an_empty_body_names_all_that_is_required(
    place: str, body: bytes, content_type: str, as_: As
) -> None:
    endpoint = ENDPOINTS[place]
    before = rows()
    response = as_(endpoint.who).post(endpoint.path, body, content_type=content_type)
    errors = assert_error(response, 422, "unprocessable_entity")["errors"]
    assert errors == {name: ["can't be blank"] for name in endpoint.new}
    assert rows() == before


@pytest.mark.parametrize("place", ENDPOINTS)
def test_what_is_not_a_clients_to_say_is_ignored(
    place: str, ids: dict[str, int], as_: As, bob: User
) -> None:
    endpoint = ENDPOINTS[place]
    path = endpoint.record.format(**ids)
    client = as_(endpoint.who)
    before = client.get(path).json()
    foreign = {
        "id": 4711,
        "uuid": "5efd2376-6783-476b-bf85-57ead5f89654",
        "created_at": "2001-01-01T00:00:00Z",
        "updated_at": "2001-01-01T00:00:00Z",
        "archived_at": "2001-01-01T00:00:00Z",
        "owner_id": bob.pk,
        "role": "admin",
        "latest": {"sensors": []},
        "🦊": "🦊",
        "__class__": "x",
        "kit__name": "x",
    }
    response = send(client, "patch", path, foreign)
    assert response.status_code == 200, response.content
    after = response.json()
    for body in (before, after):
        body.pop("updated_at")
        for device in body.get("devices", []):
            device.pop("updated_at")
    assert after == before


# Queries

LISTS = {
    "/v0/users": "username",
    "/v0/devices": "name",
    "/v0/components": "key",
    "/v0/kits": "name",
    "/v0/sensors": "name",
    "/v0/measurements": "name",
    "/v0/tags": "name",
    "/v0/tag_sensors": "name",
}
PAGED = [*LISTS, "/v0/search?q=alice"]
BAD_PAGES = ["0", "-1", "abc", "1.5", "1e3", "٣", "+1", "0x1", "1,2", "🦊", "1 2", "null", "00"]


def query(path: str, pairs: str) -> str:
    """A path with more parameters, which are escaped already."""
    return f"{path}{'&' if '?' in path else '?'}{pairs}"


@pytest.mark.parametrize("path", PAGED)
@pytest.mark.parametrize("parameter", ["page", "per_page"])
def test_a_page_that_is_no_positive_integer_is_400(
    path: str, parameter: str, client: APIClient
) -> None:
    for value in BAD_PAGES:
        response = client.get(query(path, f"{parameter}={quote(value)}"))
        said = f"{parameter} must be a positive integer"
        assert_error(response, 400, "bad_request", said)
    assert_error(client.get(query(path, f"{parameter}=%00")), 400, "bad_request", "NUL")


@pytest.mark.parametrize("path", PAGED)
def test_a_huge_page_is_empty_and_a_huge_per_page_is_the_most(path: str, client: APIClient) -> None:
    for page in (10**6, 2**31, 2**63, HUGE, "9" * 4000):
        response = client.get(query(path, f"page={page}"))
        assert (response.status_code, response.json()) == (200, [])
        assert 'rel="prev"' in response["Link"] and 'rel="next"' not in response["Link"]
    for per_page in (10**6, HUGE, "9" * 4000):
        response = client.get(query(path, f"per_page={per_page}"))
        assert response.status_code == 200
        assert response["Per-Page"] in {"100", "1000"}


@pytest.mark.parametrize("path", LISTS)
def test_a_search_that_makes_no_sense_is_400_and_named(path: str, client: APIClient) -> None:
    name = LISTS[path]
    for pairs, named in [
        ("q[nosuch_eq]=1", "nosuch"),
        ("q[id_resembles]=1", "id_resembles"),
        (f"q[{name}]=x", name),
        ("q[id_eq]=abc", "id"),
        ("q[id_in][]=1&q[id_in][]=x", "id"),
        ("q[id_lt]=1.5x", "id"),
        ("q[id_eq]=🦊", "id"),
        ("q[created_at_gt]=yesterday-ish", "created_at"),
        ("q[created_at_lt]=99999-01-01", "created_at"),
        (f"q[{name}_true]=1", name),
        (f"q[{name}_present]=perhaps", name),
        ("q[s]=nosuch", "nosuch"),
        ("q[s]=id sideways", "id sideways"),
        ("q[m]=xor&q[id_eq]=1", "m"),
        ("q=text", "q"),
        ("q[id_eq][a][b]=1", "id_eq"),
        ("q[g][0][nosuch_eq]=1", "nosuch"),
        ("q[c][0][a][0][name]=nosuch&q[c][0][p]=eq&q[c][0][v][0][value]=1", "nosuch"),
        ("q[c][0][a][0][name]=id&q[c][0][p]=nosuch&q[c][0][v][0][value]=1", "nosuch"),
        ("q[password_eq]=x", "password"),
        ("q[mac_address_eq]=x", "mac_address"),
        ("q[🦊_eq]=x", "🦊"),
        (f"q[{'x' * 3000}_eq]=1", "xxx"),
    ]:
        response = client.get(f"{path}?{quote(pairs, safe='=&[]')}")
        said = (pairs[:60], response.status_code, response.content[:200])
        assert response.status_code == 400, said
        body = assert_error(response, 400, "bad_request")
        assert named in body["message"] and "q" in body["message"], said
    assert_error(client.get(f"{path}?q[{name}_cont]=%00"), 400, "bad_request", "NUL")


@pytest.mark.parametrize("path", [path for path in LISTS if path != "/v0/components"])
def test_a_search_for_strange_text_is_a_search(path: str, client: APIClient) -> None:
    name = LISTS[path]
    strange = ["🦊", "%", "_", "\\", "'", '"', "; DROP TABLE users_user", "%ED%A0%80", "x" * 1000]
    for value in strange:
        escaped = value if value.startswith("%ED") else quote(value)
        for predicate in ("eq", "cont", "matches", "start", "in", "not_end"):
            if predicate == "matches" and value == "\\":
                continue  # a pattern that ends in half an escape
            response = client.get(f"{path}?q[{name}_{predicate}]={escaped}")
            assert response.status_code == 200, (value[:20], predicate, response.content[:200])
    endless = client.get(f"{path}?q[{name}_eq]={'x' * 1001}")
    assert_error(endless, 400, "bad_request", f"q[{name}_eq]: more than 1000 characters")


@pytest.mark.parametrize("path", LISTS)
def test_an_id_that_no_column_holds_is_nobodys(path: str, client: APIClient) -> None:
    for id_ in (0, -1, 2**31, 2**63 - 1, -(2**63)):
        assert client.get(f"{path}?q[id_eq]={id_}").json() == [], id_
        assert client.get(f"{path}?q[id_in][]={id_}").json() == [], id_
    for id_ in (2**63, -(2**63) - 1, HUGE, -HUGE):
        for parameter in ("q[id_eq]", "q[id_in][]", "q[id_not_eq]"):
            response = client.get(f"{path}?{parameter}={id_}")
            assert_error(response, 400, "bad_request", parameter.removesuffix("[]"))


@pytest.mark.parametrize("parameter", ["near", "bbox", "within"])
def test_a_place_that_is_none_is_400(parameter: str, client: APIClient) -> None:
    for value in ["x", "1", ",", "1,", "1,2,3", "1,2,3,4,5", "nan,nan", "inf,0", "🦊,🦊", "1;2"] + [
        "91,0",
        "0,181",
        f"{HUGE},0",
        "1e999,0",
        "-91,0",
        "0,-181",
        "0,95,1,96",
        "9" * 5000,
        "0,0,0,nan",
        "-1",
        "[1,2]",
    ]:
        if parameter == "within" and value in {"1"}:
            continue
        if parameter == "within" and value == "9" * 5000:
            continue
        near = "&near=0,0" if parameter == "within" else ""
        response = client.get(f"/v0/devices?{parameter}={quote(value)}{near}")
        assert_error(response, 400, "bad_request", parameter)
    assert_error(client.get("/v0/devices?within=5"), 400, "bad_request", "within")
    assert_error(client.get(f"/v0/devices?{parameter}=%00"), 400, "bad_request", "NUL")


@pytest.mark.parametrize("tags", ["Nope", "🦊", "|", "a|b|c", "%", "x" * 5000, "a,b", "'"])
def test_tags_that_are_none_find_nothing(tags: str, client: APIClient) -> None:
    response = client.get(f"/v0/devices?with_tags={quote(tags)}")
    assert (response.status_code, response.json(), response["Total"]) == (200, [], "0")


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        ("from", ["yesterday", "2016-13-01", "2016-02-30", "1e999", "x" * 5000, "🦊", "[]", "-"]),
        ("to", ["tomorrow", "2016-06-08 25:00:00", "2016-06-08T10:61", "{}", "🦊", "x" * 5000]),
        ("sensor_id", ["x", "-1", "1.5", "🦊", "٣", "7,12", "9" * 40]),
        (
            "cursor",
            ["x", "🦊", "x" * 5000, "AAAA", "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw", "-"],
        ),
        ("page", ["2", "x", "0", "-1"]),
        ("per_page", ["0", "x", "-1", "1.5"]),
    ],
)
def test_history_is_not_asked_for_by_nonsense(
    parameter: str, values: list[str], device: Device, client: APIClient
) -> None:
    path = f"/v0/devices/{device.pk}/readings"
    for value in values:
        response = client.get(f"{path}?{parameter}={quote(value)}")
        assert response.status_code == 400, (value[:40], response.content[:200])
        assert_error(response, 400, "bad_request", parameter)
    assert_error(client.get(f"{path}?{parameter}=%00"), 400, "bad_request", "NUL")


def test_history_ends_after_it_starts(device: Device, client: APIClient) -> None:
    response = client.get(f"/v0/devices/{device.pk}/readings?from=2016-02-01&to=2016-01-01")
    assert_error(response, 400, "bad_request", "from")


@pytest.mark.parametrize(
    "text",
    ["&", "|", "!", "(", ")", ":*", "'", '"', "\\", "<->", "a & | b", "%", "🦊", "x" * 5000]
    + ["; DROP TABLE users_user", "a " * 2000, "\u202e", "﷽" * 100],
)
def test_the_search_takes_any_text(text: str, client: APIClient) -> None:
    response = client.get(f"/v0/search?q={quote(text)}")
    assert response.status_code == 200, response.content
    assert int(response["Total"]) >= len(response.json())
    assert response.json() == [] or text == "%" or len(text) > 1


def test_the_search_takes_no_nul_and_no_list(client: APIClient) -> None:
    assert_error(client.get("/v0/search?q=%00"), 400, "bad_request", "NUL")
    assert_error(client.get("/v0/search?q[name_eq]=x"), 400, "parameter_missing", "q")


@pytest.mark.parametrize(
    "path", [*PAGED, "/v0/devices/world_map", "/v0/sensors/12", "/v0/nothing", "/v0/me", "/v0"]
)
def test_a_callback_that_is_no_function_is_400_as_plain_json(path: str, client: APIClient) -> None:
    # Where nothing is, or nobody is signed in, that is said; the callback is not used either way.
    statuses = {"/v0/nothing": (404, "not_found")}
    status, id_ = statuses.get(path, (400, "bad_request"))
    for name in ["", "1", "a b", "alert(1)", "a-b", "a..b", ".a", "<script>", "🦊", "x" * 129]:
        response = client.get(query(path, f"callback={quote(name)}"))
        assert_error(response, status, id_, "callback" if status == 400 else "")


# Paths

DETAILS = ["/v0/devices", "/v0/components", "/v0/sensors", "/v0/measurements", "/v0/tags"] + [
    "/v0/tag_sensors"
]
UNKNOWN = ["101308", "0", str(2**31), str(2**63), str(2**64), str(HUGE), "9" * 3000]
NOT_IDS = ["abc", "-1", "1.5", "1e3", ".", "%2E%2E", "a%2Fb", "1%2F2", "🦊", "٣", "%ff", "1%20"]
MODELS = {"tags": "Tag", "tag_sensors": "SensorTag", "users": "User", "kits": "Kit"}


def model(path: str) -> str:
    """The name of what is missing, as the message says it."""
    last = path.rsplit("/", 1)[-1]
    return MODELS.get(last, last.removesuffix("s").capitalize())


@pytest.mark.parametrize("path", [*DETAILS, "/v0/users", "/v0/kits"])
@pytest.mark.parametrize("method", ["get", "patch", "put", "delete"])
def test_an_unknown_id_is_404_and_named(path: str, method: str, as_: As) -> None:
    before = rows()
    client = as_("admin")
    for id_ in UNKNOWN:
        response = getattr(client, method)(f"{path}/{id_}")
        if path == "/v0/components" and method != "get":
            assert_error(response, 405, "method_not_allowed")
            continue
        said = f"Couldn't find {model(path)} with 'id'={id_[:200]}"
        assert assert_error(response, 404, "record_not_found")["message"] == said
    assert rows() == before


@pytest.mark.parametrize("path", DETAILS)
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_path_that_is_no_id_is_404(path: str, method: str, as_: As) -> None:
    before = rows()
    client = as_("admin")
    for segment in NOT_IDS:
        response = getattr(client, method)(f"{path}/{segment}")
        assert_error(response, 404, "not_found", "Endpoint not found")
    assert_error(getattr(client, method)(f"{path}/%00"), 400, "bad_request", "NUL")
    assert rows() == before


@pytest.mark.parametrize("path", ["/v0/users", "/v0/kits"])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_name_that_nobody_has_is_404(path: str, method: str, as_: As) -> None:
    before = rows()
    client = as_("admin")
    key = {"/v0/users": "username", "/v0/kits": "slug"}[path]
    for name in ["nobody", "-1", "1.5", "..", "...", "a.b", "🦊", "٣", "'", "%", "_", "x" * 3000]:
        response = getattr(client, method)(f"{path}/{quote(name)}")
        said = f"Couldn't find {model(path)} with '{key}'={name[:200]}"
        assert assert_error(response, 404, "record_not_found")["message"] == said
    for name in ["a%2Fb", "alice%2F", "alice%2Fdevices", "3%2F..%2F4"]:
        response = getattr(client, method)(f"{path}/{name}/x")
        assert_error(response, 404, "not_found")
    assert_error(getattr(client, method)(f"{path}/%00"), 400, "bad_request", "NUL")
    assert rows() == before


@pytest.mark.parametrize("id_", [*UNKNOWN, *NOT_IDS])
def test_the_history_of_no_device_is_404(id_: str, client: APIClient) -> None:
    response = client.get(f"/v0/devices/{id_}/readings")
    known = "record_not_found" if id_ in UNKNOWN else "not_found"
    assert_error(response, 404, known)


@pytest.mark.parametrize(
    "path", ["/v0/nothing", "/v1/users", "/v0/v0/users", "/v0/users/alice/x", "/v0//users", "/🦊"]
)
@pytest.mark.parametrize("method", ["get", "post", "patch", "put", "delete", "options"])
def test_where_nothing_is_it_is_404(path: str, method: str, client: APIClient) -> None:
    response = getattr(client, method)(path)
    assert assert_error(response, 404, "not_found")["message"] == "Endpoint not found"


@pytest.mark.parametrize("path", [*LISTS, "/v0/search", "/v0/devices/world_map", "/v0/me"])
def test_a_method_that_is_not_offered_is_405(path: str, client: APIClient) -> None:
    allowed = set(client.options(path)["Allow"].split(", "))
    refused = {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed
    assert refused, path
    before = rows()
    for method in sorted(refused):
        response = getattr(client, method.lower())(path)
        assert_error(response, 405, "method_not_allowed", method)
        assert set(response["Allow"].split(", ")) == allowed
    assert rows() == before


def unthrottled(settings: Any) -> dict[str, Any]:
    """The framework's settings without limits on how often one asks: this table is long."""
    return {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(("anon", "user"), ""),
    }


@pytest.mark.parametrize("digits", ["0", str(2**63), "9" * 40, "9" * 5000])
@pytest.mark.parametrize(
    "path",
    ["/v0/devices/{}", "/v0/devices/{}/readings", "/v0/users/{}", "/v0/kits/{}", "/v0/sensors/{}"],
)
def test_an_id_that_no_row_can_have_is_404(path: str, digits: str, client: APIClient) -> None:
    assert_error(client.get(path.format(digits)), 404, "record_not_found")
