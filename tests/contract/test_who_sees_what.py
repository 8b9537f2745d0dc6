"""Who sees what, and who may say what: private devices, secrets, fields not for clients."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.devices.models import Device, Experiment
from apps.users.models import User
from tests.contract.conftest import As
from tests.contract.permission_table import BODIES, VIEWERS
from tests.contract.tools import STATUSES, assert_error, rows

# Private devices: who sees them, wherever devices show; how to find the ids in each answer.

DEVICES_SHOWN: dict[str, Any] = {
    "/v0/devices": lambda body: [device["id"] for device in body],
    "/v0/devices?q[owner_username_eq]=alice": lambda body: [device["id"] for device in body],
    "/v0/devices?q[sort]=id desc": lambda body: sorted(device["id"] for device in body),
    "/v0/devices?near=41.4,2.2": lambda body: sorted(device["id"] for device in body),
    "/v0/devices?near=50,3&within=5000": lambda body: sorted(device["id"] for device in body),
    "/v0/devices?bbox=-20,0,20,80": lambda body: [device["id"] for device in body],
    "/v0/users": lambda body: [device["id"] for device in body[0]["devices"]],
    "/v0/users/alice": lambda body: [device["id"] for device in body["devices"]],
    "/v0/users/{alice}": lambda body: [device["id"] for device in body["devices"]],
    "/v0/users?q[username_eq]=alice": lambda body: [d["id"] for d in body[0]["devices"]],
    "/v0/devices/{device}": lambda body: body["owner"]["device_ids"],
    "/v0/devices?q[name_eq]=SmartHaarlem": lambda body: body[0]["owner"]["device_ids"],
    "/v0/components?per_page=1000": lambda body: sorted({part["device_id"] for part in body}),
    "/v0/experiments": lambda body: sorted(id_ for each in body for id_ in each["device_ids"]),
    "/v0/experiments/{experiment}": lambda body: body["device_ids"],
}


@pytest.mark.parametrize("path", DEVICES_SHOWN)
def test_private_devices_show_to_their_owner_and_admins_alone(
    path: str, ids: dict[str, int], as_: As
) -> None:
    for viewer in VIEWERS:
        sees = viewer in {"owner", "admin"}
        response = as_(viewer).get(path.format(**ids))
        assert response.status_code == 200
        expected = [ids["device"], ids["hidden"]] if sees else [ids["device"]]
        assert DEVICES_SHOWN[path](response.json()) == expected, viewer
        assert (b"Secret garden" in response.content) <= sees, viewer


@pytest.mark.parametrize(
    ("path", "seen", "unseen"),
    [
        ("/v0/devices?per_page=1", 2, 1),
        ("/v0/devices?near=41.4,2.2&per_page=1", 2, 1),
        ("/v0/devices?with_tags=School", 1, 0),
        ("/v0/devices?bbox=2,41,3,42", 1, 0),
        ("/v0/devices?near=41.4,2.2&within=10", 1, 0),
        ("/v0/devices?q[name_cont]=secret", 1, 0),
        ("/v0/devices?q[tags_name_eq]=School", 1, 0),
        ("/v0/devices?q[sensors_id_eq]=55", 1, 0),
        ("/v0/devices?q[city_eq]=Barcelona", 1, 0),
        ("/v0/components?q[sensor_id_eq]=55", 1, 0),
        ("/v0/components?q[device_id_eq]={hidden}", 10, 0),
        ("/v0/users?q[devices_name_cont]=secret", 1, 0),
        ("/v0/users?q[devices_id_eq]={hidden}", 1, 0),
        ("/v0/users?q[devices_city_or_username_eq]=Barcelona", 1, 0),
        ("/v0/users?q[devices_latitude_lt]=42", 1, 0),
        ("/v0/users?q[sensors_id_eq]=55", 1, 0),
        ("/v0/users?q[g][0][devices_description_start]=Hush", 1, 0),
        # Not one of a user's devices: bob, ruth, carol; and alice, to who does not see that one.
        ("/v0/users?q[devices_name_not_cont]=secret", 3, 4),
        ("/v0/search?q=secret", 0, 0),
        ("/v0/search?q=barcelona", 0, 0),
        ("/v0/search?q=hush", 0, 0),
    ],
)
def test_private_devices_count_for_their_owner_and_admins_alone(
    path: str, seen: int, unseen: int, ids: dict[str, int], as_: As
) -> None:
    for viewer in VIEWERS:
        count = seen if viewer in {"owner", "admin"} else unseen
        response = as_(viewer).get(path.format(**ids))
        assert response.status_code == 200, response.content
        assert response["Total"] == str(count), viewer
        if "per_page=1" not in path:
            assert len(response.json()) == count, viewer


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("order", ["asc", "desc"])
def test_the_order_of_users_tells_nothing_of_private_devices(
    order: str, viewer: str, ids: dict[str, int], as_: As, bob: User
) -> None:
    # bob's device is named between alice's two: by the private one she would stand elsewhere.
    Device.objects.register(owner=bob, name="Seen by all")
    client = as_(viewer)
    path = f"/v0/users?q[s]=devices_name {order}&q[devices_name_present]=1"
    with_it = [user["username"] for user in client.get(path).json()]
    Device.objects.filter(pk=ids["hidden"]).delete()
    without_it = [user["username"] for user in client.get(path).json()]
    assert set(with_it) == set(without_it) == {"alice", "bob"}
    if viewer in {"anonymous", "stranger", "researcher"}:
        assert with_it == without_it


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("path", ["/v0/devices/world_map", "/v0/devices/fresh_world_map"])
def test_private_devices_are_on_no_map(
    path: str, viewer: str, ids: dict[str, int], as_: As
) -> None:
    if (path, viewer) == ("/v0/devices/fresh_world_map", "anonymous"):
        assert_error(as_(viewer).get(path), 401, "unauthorized")
        return
    entries = as_(viewer).get(path).json()
    assert [entry["id"] for entry in entries] == [ids["device"]]


@pytest.mark.parametrize("viewer", VIEWERS)
def test_a_private_device_is_answered_like_one_that_is_not(
    viewer: str, ids: dict[str, int], as_: As
) -> None:
    client = as_(viewer)
    for method in ("get", "patch", "delete"):
        for path in ("/v0/devices/{}", "/v0/devices/{}/readings"):
            if viewer in {"owner", "admin"}:
                continue
            hidden = getattr(client, method)(path.format(ids["hidden"]))
            missing = getattr(client, method)(path.format(101308))
            assert hidden.status_code == missing.status_code, (method, path)
            said = hidden.json()["message"].replace(str(ids["hidden"]), "101308")
            assert said == missing.json()["message"]


# Secrets: absent, or "[FILTERED]" where the contract says so.

OWN = "alice@example.org"
SECRETS = [
    ("/v0/users/alice", "email", OWN, "[FILTERED]"),
    ("/v0/users", "email", OWN, "[FILTERED]"),
    ("/v0/users/alice", "forwarding_token", "f0rward", "[FILTERED]"),
    ("/v0/users/alice", "forwarding_username", "f0rwarder", "[FILTERED]"),
    ("/v0/devices/{device}", "mac_address", "00:06:66:2A:02:B3", None),
    ("/v0/devices", "mac_address", "00:06:66:2A:02:B3", None),
    ("/v0/devices/{device}", "device_token", "abc123", None),
]


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize(("path", "name", "secret", "instead"), SECRETS)
def test_secrets_are_for_their_owner_and_admins(
    path: str, name: str, secret: str, instead: str | None, viewer: str, ids: Any, as_: As
) -> None:
    User.objects.filter(pk=ids["alice"]).update(
        forwarding_token="f0rward", forwarding_username="f0rwarder"
    )
    Device.objects.filter(pk=ids["device"]).update(device_token="abc123")
    response = as_(viewer).get(path.format(**ids))
    body = response.json()
    first = body[0] if isinstance(body, list) else body
    if viewer in {"owner", "admin"}:
        assert first[name] == secret
    else:
        assert first.get(name) == instead
        assert (name in first) == (instead is not None)
        assert secret not in response.content.decode()


@pytest.mark.parametrize("viewer", VIEWERS)
def test_nobody_else_is_shown_the_legacy_key_and_nobody_a_password(
    viewer: str, ids: dict[str, int], as_: As
) -> None:
    client = as_(viewer)
    for path in ("/v0/users/alice", "/v0/users", "/v0/devices/{device}", "/v0/devices"):
        written = client.get(path.format(**ids)).content.decode()
        assert '"password"' not in written and "legacy_api_key_hash" not in written
    key = client.get("/v0/users/alice").json()["legacy_api_key"]
    assert (key == "[FILTERED]") == (viewer in {"anonymous", "stranger", "researcher"})


# Fields that no client sets, whoever he is: what is said of them is ignored.
NOT_FOR_CLIENTS: dict[str, dict[str, Any]] = {
    "/v0/me": {
        "id": 1,
        "uuid": "00000000-0000-0000-0000-000000000001",
        "role": "admin",
        "is_admin": True,
        "is_staff": True,
        "is_superuser": True,
        "archived_at": "2020-01-01T00:00:00Z",
        "closed_at": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
        "joined_at": "2020-01-01T00:00:00Z",
        "last_login": "2020-01-01T00:00:00Z",
        "legacy_api_key": "0" * 32,
        "legacy_api_key_hash": "0" * 64,
        "forwarding_token": "mine",
        "forwarding_username": "mine",
        "unconfirmed_email": "other@example.org",
        "devices": [1],
    },
    "/v0/devices/{device}": {
        "id": 1,
        "uuid": "00000000-0000-0000-0000-000000000001",
        "owner": 1,
        "owner_id": 1,
        "device_token": "mine",
        "latest": {},
        "last_reading_at": "2020-01-01T00:00:00Z",
        "future_at": "2020-01-01T00:00:00Z",
        "readings_version": 99,
        "state": "has_published",
        "archived_at": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
        "added_at": "2020-01-01T00:00:00Z",
        "is_test": True,
        "hardware_info": {"id": 1},
        "geohash": "zzzzzzzz",
        "public_latitude": 1,
        "sensors": [1],
        "components": [1],
        "experiment_ids": [1],
    },
    "/v0/experiments/{experiment}": {
        "id": 1,
        "owner": 1,
        "owner_id": 1,
        "active": False,
        "created_at": "2020-01-01T00:00:00Z",
        "devices": [],
    },
    "/v0/applications/{application}": {
        "id": 1,
        "uid": "mine",
        "client_id": "mine",
        "secret": "mine",
        "client_secret": "mine",
        "user": 1,
        "user_id": 1,
        "skip_authorization": True,
        "algorithm": "HS256",
    },
}


@pytest.mark.parametrize("path", NOT_FOR_CLIENTS)
def test_what_is_not_for_clients_is_ignored_even_from_the_owner(
    path: str, ids: dict[str, int], as_: As
) -> None:
    owner, before = as_("owner"), without_times(rows())
    for name, value in NOT_FOR_CLIENTS[path].items():
        answer = owner.patch(path.format(**ids), {name: value}, format="json")
        assert answer.status_code == 200, (name, answer.content)
        assert without_times(rows()) == before, name
    answer = owner.patch(path.format(**ids), NOT_FOR_CLIENTS[path], format="json")
    assert answer.status_code == 200
    assert without_times(rows()) == before


def without_times(tables: dict[str, list[str]]) -> dict[str, list[str]]:
    """Rows but for times of this year, among them when they were changed."""
    year = f"{timezone.now():%Y}"
    return {
        name: [re.sub(rf'"{year}-[^"]*"', "", row) for row in found]
        for name, found in tables.items()
    }


@pytest.mark.parametrize("field", ["role", "is_admin", "is_staff", "is_superuser", "archived_at"])
def test_nobody_signs_up_as_more_than_he_is(field: str, ids: dict[str, int], as_: As) -> None:
    sent = {**BODIES["users"], field: NOT_FOR_CLIENTS["/v0/me"][field]}
    for viewer in ("anonymous", "stranger", "admin"):
        with transaction.atomic():
            response = as_(viewer).post("/v0/users", sent, format="json")
            assert (response.status_code, response.json()["role"]) == (201, "citizen")
            dora = User.objects.get(username="dora")
            assert (dora.is_admin, dora.archived_at) == (False, None)
            transaction.set_rollback(True)


def test_who_adds_a_device_owns_it_whomever_he_names(ids: dict[str, int], as_: As) -> None:
    sent = {**BODIES["devices"], "owner_id": ids["alice"], "owner": ids["alice"]}
    body = as_("stranger").post("/v0/devices", sent, format="json").json()
    assert body["owner"]["username"] == "bob"
    sent = {**BODIES["experiments"], "owner_id": ids["alice"]}
    body = as_("stranger").post("/v0/experiments", sent, format="json").json()
    assert body["owner_id"] == User.objects.get(username="bob").pk


@pytest.mark.parametrize("viewer", ["stranger", "researcher"])
@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v0/devices/{device}", {"is_private": True}),
        ("/v0/devices/{device}", {"precise_location": False}),
        ("/v0/devices/{device}", {"enable_forwarding": True}),
        ("/v0/devices/{device}", {"mac_address": "00:1C:B3:09:85:15"}),
        ("/v0/devices/{device}", {"owner_id": "{viewer}"}),
        ("/v0/devices/{device}", {"postprocessing": {"meta": "x"}}),
        ("/v0/users/alice", {"email": "evil@example.org"}),
        ("/v0/users/alice", {"password": "evil evil"}),
        ("/v0/users/{alice}", {"role": "citizen"}),
        ("/v0/experiments/{experiment}", {"device_ids": []}),
    ],
)
def test_nobody_changes_what_is_anothers(
    path: str, fields: dict[str, Any], viewer: str, ids: dict[str, int], as_: As
) -> None:
    before = rows()
    for method in ("patch", "put"):
        answer = getattr(as_(viewer), method)(path.format(**ids), fields, format="json")
        assert_error(answer, 403, "forbidden")
    assert rows() == before


def test_nobody_puts_anothers_private_device_into_an_experiment(
    ids: dict[str, int], as_: As
) -> None:
    for wanted in (ids["hidden"], 10**6):
        sent = {"name": "Mine", "device_ids": [wanted]}
        for viewer in ("stranger", "researcher"):
            answer = as_(viewer).post("/v0/experiments", sent, format="json")
            body = assert_error(answer, 422, "unprocessable_entity")
            said = body["errors"]["device_ids"]
            assert said == [f"must exist, and be public or the owner's (ids: {wanted})"]
    assert Experiment.objects.count() == 1


def test_only_who_holds_a_role_for_it_begins_forwarding(ids: dict[str, int], as_: As) -> None:
    path = f"/v0/devices/{ids['device']}"
    refused = as_("owner").patch(path, {"enable_forwarding": True}, format="json")
    assert_error(refused, 422, "unprocessable_entity")
    assert as_("admin").patch(path, {"enable_forwarding": True}, format="json").status_code == 200
    assert Device.objects.get(pk=ids["device"]).enable_forwarding


def test_a_refusal_is_decided_before_the_body_is_looked_at(ids: dict[str, int], as_: As) -> None:
    broken = json.dumps({"latitude": "north", "name": None})
    for viewer, status in (("anonymous", 401), ("stranger", 403)):
        client = as_(viewer)
        for path in (f"/v0/devices/{ids['device']}", "/v0/users/alice", "/v0/sensors/12"):
            with CaptureQueriesContext(connection) as queries:
                response = client.patch(path, broken, content_type="application/json")
            assert_error(response, status, STATUSES[status])
            assert not [sql for sql in queries if not sql["sql"].startswith("SELECT")]
