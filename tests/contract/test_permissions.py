"""Who may do what (contract, section 2): every endpoint and method, asked by everyone there is."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.devices.models import Device, Experiment, Tag
from apps.kits.models import Kit
from apps.sensors.models import Measurement, Sensor, SensorTag
from apps.users.models import User
from tests.contract.conftest import As
from tests.contract.tools import assert_error, rows

VIEWERS = ("anonymous", "stranger", "owner", "admin")

# {device} and {hidden} are alice's, the owner's; {hidden} is private. {new…} are rows that nothing
# needs. POST, PATCH and PUT send what BODIES says.
TABLE = """
request                                    anonymous  stranger  owner  admin

GET    /v0                                 200        200       200    200
GET    /v0/users                           200        200       200    200
GET    /v0/users/{alice}                   200        200       200    200
GET    /v0/users/alice                     200        200       200    200
POST   /v0/users                           201        201       201    201
PATCH  /v0/users/alice                     401        403       200    200
PUT    /v0/users/alice                     401        403       200    200
DELETE /v0/users/alice                     401        403       403    200
GET    /v0/me                              401        200       200    200
PATCH  /v0/me                              401        200       200    200
PUT    /v0/me                              401        200       200    200
DELETE /v0/me                              401        200       200    200
POST   /v0/me                              405        405       405    405

GET    /v0/devices                         200        200       200    200
POST   /v0/devices                         401        201       201    201
GET    /v0/devices/{device}                200        200       200    200
PATCH  /v0/devices/{device}                401        403       200    200
PUT    /v0/devices/{device}                401        403       200    200
DELETE /v0/devices/{device}                401        403       200    200
POST   /v0/devices/{device}                405        405       405    405
GET    /v0/devices/{device}/readings       200        200       200    200
POST   /v0/devices/{device}/readings       401        403       201    201
PATCH  /v0/devices/{device}/readings       405        405       405    405
GET    /v0/devices/{device}/ingest_errors  401        403       200    200
GET    /v0/devices/{hidden}/ingest_errors  401        404       200    200
POST   /v0/devices/{hidden}/readings       401        404       201    201
GET    /v0/devices/{device}/readings/csv_archive  401  403  200  403
GET    /v0/devices/{hidden}/readings/csv_archive  401  404  200  403
GET    /v0/devices/{device}/readings/csv_archive/file?token=x  404  404  404  404
GET    /v0/devices/world_map               200        200       200    200
GET    /v0/devices/fresh_world_map         401        200       200    200
PATCH  /v0/devices/world_map               405        405       405    405

GET    /v0/devices/{hidden}                404        404       200    200
PATCH  /v0/devices/{hidden}                401        404       200    200
PUT    /v0/devices/{hidden}                401        404       200    200
DELETE /v0/devices/{hidden}                401        404       200    200
GET    /v0/devices/{hidden}/readings       404        404       200    200
GET    /v0/components/{hidden_component}   404        404       200    200

GET    /v0/components                      200        200       200    200
GET    /v0/components/{component}          200        200       200    200
POST   /v0/components                      405        405       405    405
PATCH  /v0/components/{component}          405        405       405    405
DELETE /v0/components/{component}          405        405       405    405

GET    /v0/sensors                         200        200       200    200
POST   /v0/sensors                         401        403       403    201
GET    /v0/sensors/{new_sensor}            200        200       200    200
PATCH  /v0/sensors/{new_sensor}            401        403       403    200
PUT    /v0/sensors/{new_sensor}            401        403       403    200
DELETE /v0/sensors/{new_sensor}            401        403       403    200

GET    /v0/measurements                    200        200       200    200
POST   /v0/measurements                    401        403       403    201
GET    /v0/measurements/{new_measurement}  200        200       200    200
PATCH  /v0/measurements/{new_measurement}  401        403       403    200
PUT    /v0/measurements/{new_measurement}  401        403       403    200
DELETE /v0/measurements/{new_measurement}  401        403       403    200

GET    /v0/kits                            200        200       200    200
POST   /v0/kits                            401        403       403    201
GET    /v0/kits/{new_kit}                  200        200       200    200
GET    /v0/kits/new:1,0                    200        200       200    200
PATCH  /v0/kits/{new_kit}                  401        403       403    200
PUT    /v0/kits/{new_kit}                  401        403       403    200
DELETE /v0/kits/{new_kit}                  401        403       403    200

GET    /v0/tags                            200        200       200    200
POST   /v0/tags                            401        403       403    201
GET    /v0/tags/{new_tag}                  200        200       200    200
PATCH  /v0/tags/{new_tag}                  401        403       403    200
PUT    /v0/tags/{new_tag}                  401        403       403    200
DELETE /v0/tags/{new_tag}                  401        403       403    200

GET    /v0/tag_sensors                     200        200       200    200
POST   /v0/tag_sensors                     401        403       403    201
GET    /v0/tag_sensors/{new_sensor_tag}    200        200       200    200
PATCH  /v0/tag_sensors/{new_sensor_tag}    401        403       403    200
PUT    /v0/tag_sensors/{new_sensor_tag}    401        403       403    200
DELETE /v0/tag_sensors/{new_sensor_tag}    401        403       403    200

GET    /v0/experiments                     200        200       200    200
POST   /v0/experiments                     401        201       201    201
GET    /v0/experiments/{experiment}        200        200       200    200
PATCH  /v0/experiments/{experiment}        401        403       200    200
PUT    /v0/experiments/{experiment}        401        403       200    200
DELETE /v0/experiments/{experiment}        401        403       200    200
POST   /v0/experiments/{experiment}        405        405       405    405

GET    /v0/password_resets/unknown         404        404       404    404
PATCH  /v0/password_resets/unknown         404        404       404    404
PUT    /v0/password_resets/unknown         404        404       404    404
DELETE /v0/password_resets/unknown         405        405       405    405

POST   /v0/onboarding/device               201        201       201    201
GET    /v0/onboarding/device               404        404       404    404
PATCH  /v0/onboarding/device               404        404       404    404
PUT    /v0/onboarding/device               404        404       404    404
DELETE /v0/onboarding/device               405        405       405    405
POST   /v0/onboarding/register             401        404       404    404
DELETE /v0/onboarding/register             405        405       405    405
DELETE /v0/onboarding/user                 405        405       405    405

GET    /v0/metrics                         200        200       200    200
POST   /v0/metrics                         405        405       405    405
GET    /v0/version                         200        200       200    200
POST   /v0/version                         405        405       405    405

GET    /v0/search?q=alice                  200        200       200    200
POST   /v0/search                          405        405       405    405
"""
BODIES: dict[str, dict[str, Any]] = {
    "users": {
        "username": "dora",
        "email": "dora@example.org",
        "password": "doradora",
        "city": "Lyon",
    },
    "me": {"city": "Lyon"},
    "password_resets": {"password": "a new one"},
    "devices": {
        "name": "Roof",
        "mac_address": "00:1C:B3:09:85:15",
        "data": [{"recorded_at": "2016-06-08 10:30:00", "sensors": [{"id": 55, "value": 21}]}],
    },
    "kits": {"name": "Other", "slug": "other:1,0"},
    "sensors": {"name": "Other"},
    "measurements": {"name": "Other", "description": "Other"},
    "tags": {"name": "Other"},
    "tag_sensors": {"name": "Other"},
    "experiments": {"name": "Other"},
}
STATUSES = {401: "unauthorized", 403: "forbidden", 404: "record_not_found"} | {
    405: "method_not_allowed"
}


class Line(NamedTuple):
    """A line of the table: a request, and the status of the answer by who asks."""

    method: str
    path: str
    statuses: dict[str, int]


def lines() -> list[Line]:
    """The table, line by line."""
    found = []
    for line in TABLE.splitlines()[2:]:
        if line:
            method, path, *statuses = line.split()
            by_viewer = dict(zip(VIEWERS, map(int, statuses), strict=True))
            found.append(Line(method, path, by_viewer))
    return found


def request_of(line: Line) -> str:
    """A line by its request, in the names of the tests."""
    return f"{line.method} {line.path}"


@pytest.fixture
def hidden(alice: User, sck_1_1: Kit) -> Device:
    """A private device of alice's, in Barcelona, with a tag, an experiment and a sensor alone."""
    device: Device = Device.objects.register(
        owner=alice,
        kit=sck_1_1,
        name="Secret garden",
        description="Hush",
        mac_address="00:06:66:2A:02:B4",
        latitude=41.401108,
        longitude=2.215319,
        city="Barcelona",
        country_code="ES",
        is_private=True,
        tags=[Tag.objects.get(name="School")],
    )
    device.components.create(sensor_id=55, key="only_here")
    experiment = Experiment.objects.create(name="Heat", owner=alice)
    experiment.devices.add(device)
    return device


@pytest.fixture
def ids(device: Device, hidden: Device, alice: User) -> dict[str, int]:
    """What stands in the paths of the table; both devices are in the experiment."""
    hidden.experiments.all()[0].devices.add(device)
    return {
        "alice": alice.pk,
        "device": device.pk,
        "hidden": hidden.pk,
        "component": device.components.all()[0].pk,
        "hidden_component": hidden.components.all()[0].pk,
        "experiment": hidden.experiments.all()[0].pk,
        "new_sensor": Sensor.objects.create(name="New").pk,
        "new_measurement": Measurement.objects.create(name="New", description="New").pk,
        "new_kit": Kit.objects.create(name="New", slug="new:1,0").pk,
        "new_tag": Tag.objects.create(name="New").pk,
        "new_sensor_tag": SensorTag.objects.create(name="New").pk,
    }


@pytest.mark.parametrize("line", lines(), ids=request_of)
def test_who_may_do_what(line: Line, ids: dict[str, int], as_: As) -> None:
    path = line.path.format(**ids)
    body = BODIES.get(path.split("/")[2].partition("?")[0], {}) if path != "/v0" else {}
    before = rows()
    for viewer, status in line.statuses.items():
        with transaction.atomic():
            call = getattr(as_(viewer), line.method.lower())
            bare = line.method in {"GET", "DELETE"}
            response = call(path) if bare else call(path, body, format="json")
            assert response.status_code == status, (viewer, response.content[:300])
            if status >= 400:
                assert_error(response, status, STATUSES[status])
                assert ("WWW-Authenticate" in response) == (status == 401)
            # An archive is asked for by GET, as ever (contract: Also served).
            changes = status < 400 and (line.method != "GET" or path.endswith("csv_archive"))
            assert (rows() != before) == changes, viewer
            transaction.set_rollback(True)  # for the next one all is as it was


@pytest.mark.parametrize("line", [line for line in lines() if line.method == "GET"], ids=request_of)
def test_who_may_get_may_head_and_options_are_for_everyone(
    line: Line, ids: dict[str, int], as_: As
) -> None:
    path = line.path.format(**ids)
    for viewer, status in line.statuses.items():
        client = as_(viewer)
        head = client.head(path)
        assert (head.status_code, head.content) == (status, b"")
        # What is for nobody else may be hidden from OPTIONS too.
        options = client.options(path)
        assert options.status_code in {200, status}
        if options.status_code == 200:
            assert {"GET", "HEAD", "OPTIONS"} <= set(options["Allow"].split(", "))


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
        # Not one of a user's devices: bob, carol, and alice to those who do not see the secret one.
        ("/v0/users?q[devices_name_not_cont]=secret", 2, 3),
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
    if viewer in {"anonymous", "stranger"}:
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
    assert (key == "[FILTERED]") == (viewer in {"anonymous", "stranger"})


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "admin"},
        {"is_admin": True, "is_staff": True, "is_superuser": True},
        {"id": 1, "owner_id": 1, "owner": 1},
    ],
)
def test_nobody_makes_himself_more_than_he_is(
    fields: dict[str, Any], ids: dict[str, int], as_: As, alice: User
) -> None:
    owner = as_("owner")
    for path in ("/v0/me", "/v0/users/alice", f"/v0/devices/{ids['device']}"):
        assert owner.patch(path, fields, format="json").status_code == 200
    alice.refresh_from_db()
    assert (alice.role, alice.is_admin) == ("citizen", False)
    assert Device.objects.get(pk=ids["device"]).owner_id == alice.pk
    signed_up = {**BODIES["users"], **fields}
    response = APIClient().post("/v0/users", signed_up, format="json")
    assert (response.status_code, response.json()["role"]) == (201, "citizen")


def test_a_refusal_is_decided_before_the_body_is_looked_at(ids: dict[str, int], as_: As) -> None:
    broken = json.dumps({"latitude": "north", "name": None})
    for viewer, status in (("anonymous", 401), ("stranger", 403)):
        client = as_(viewer)
        for path in (f"/v0/devices/{ids['device']}", "/v0/users/alice", "/v0/sensors/12"):
            with CaptureQueriesContext(connection) as queries:
                response = client.patch(path, broken, content_type="application/json")
            assert_error(response, status, STATUSES[status])
            assert not [sql for sql in queries if not sql["sql"].startswith("SELECT")]
