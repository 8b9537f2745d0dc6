"""`/v0/experiments`: named sets of devices, read by everyone, kept by those who made them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device, Experiment
from apps.users import accounts
from apps.users.models import User

WHOLE = {"name": "Heat", "description": "On roofs", "is_test": True} | {
    "starts_at": "2026-06-01T00:00:00Z",
    "ends_at": "2026-08-31T22:30:00Z",
}


@pytest.fixture
def secret(bob: User) -> Device:
    """A private device of bob's."""
    return Device.objects.create(owner=bob, name="Secret", is_private=True)


@pytest.fixture
def experiment(alice: User, device: Device) -> Experiment:
    """alice's, with her device."""
    return Experiment.objects.begin([device], name="Heat", owner=alice)


def test_an_experiment_is_added_with_its_devices(device: Device, alice: User, as_user: Any) -> None:
    body = {**WHOLE, "device_ids": [device.pk, device.pk]}
    response = as_user(alice).post("/v0/experiments/", body, format="json")
    assert response.status_code == 201, response.content
    made = Experiment.objects.get()
    assert response.json() == {
        **WHOLE,
        "id": made.pk,
        "owner_id": alice.pk,
        "active": False,
        "device_ids": [device.pk],
        "created_at": f"{made.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{made.updated_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    client = as_user(alice)
    assert client.get(f"/v0/experiments/{made.pk}").json() == response.json()
    assert client.get("/experiments").json() == [response.json()]
    assert client.get(f"/v0/devices/{device.pk}").json()["experiment_ids"] == [made.pk]


def test_a_name_is_enough(bob: User, as_user: Any) -> None:
    body = as_user(bob).post("/v0/experiments", {"name": "Noise"}, format="json").json()
    told = ("description", "is_test", "starts_at", "ends_at", "device_ids", "active", "owner_id")
    assert [body[name] for name in told] == [None, False, None, None, [], True, bob.pk]


@pytest.mark.parametrize(
    ("starts", "ends", "active"),
    [(-1, 1, True), (None, 1, True), (-1, None, True), (None, None, True)]
    + [(1, 2, False), (-2, -1, False), (None, -1, False), (1, None, False)],
)
def test_whether_it_is_active_follows_from_its_days(
    client: APIClient, alice: User, starts: int | None, ends: int | None, active: bool
) -> None:
    days = [None if n is None else timezone.now() + timedelta(days=n) for n in (starts, ends)]
    made = Experiment.objects.create(name="x", owner=alice, starts_at=days[0], ends_at=days[1])
    assert client.get(f"/v0/experiments/{made.pk}").json()["active"] is active


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2026-06-01T02:00:00+02:00", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01", datetime(2026, 6, 1, tzinfo=UTC)),
        ("2026-06-01 10:30:00 UTC", datetime(2026, 6, 1, 10, 30, tzinfo=UTC)),
        ("2026-06-01 10:30", datetime(2026, 6, 1, 10, 30, tzinfo=UTC)),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_as_people_write_them(
    alice: User, as_user: Any, written: str | None, stored: datetime | None
) -> None:
    as_user(alice).post("/v0/experiments", {"name": "x", "starts_at": written}, format="json")
    assert Experiment.objects.get().starts_at == stored


def test_what_is_left_out_stays(
    experiment: Experiment, device: Device, alice: User, as_user: Any
) -> None:
    client = as_user(alice)
    path = f"/v0/experiments/{experiment.pk}/"
    other = Device.objects.create(owner=alice, name="Other")
    body = {"active": False, "owner_id": 7, "id": 9, "description": "New"}
    changed = client.patch(path, body, format="json").json()
    assert (changed["name"], changed["description"]) == ("Heat", "New")
    told = [changed[name] for name in ("id", "owner_id", "active", "device_ids")]
    assert told == [experiment.pk, alice.pk, True, [device.pk]]
    set_ = client.put(path, {"device_ids": [other.pk]}, format="json").json()
    assert (set_["name"], set_["device_ids"]) == ("Heat", [other.pk])
    assert set_["updated_at"] >= changed["updated_at"]
    form = f"device_ids[]=&device_ids[]={device.pk}&device_ids[]={other.pk}"
    kind = "application/x-www-form-urlencoded"
    told = client.patch(path, form, content_type=kind).json()["device_ids"]
    assert told == [device.pk, other.pk]
    assert client.patch(path, "device_ids=", content_type=kind).json()["device_ids"] == []
    one = client.patch(path, f"device_ids={device.pk}", content_type=kind)
    assert one.json()["device_ids"] == [device.pk]


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"name": ""}, {"name": ["can't be blank"]}),
        ({"name": None}, {"name": ["can't be blank"]}),
        ({"name": "x" * 201}, {"name": ["is too long (maximum is 200 characters)"]}),
        ({"ends_at": "2026-05-31"}, {"ends_at": ["is before starts_at"]}),
        ({"starts_at": "2026-09-01"}, {"ends_at": ["is before starts_at"]}),
        ({"starts_at": "soon"}, {"starts_at": ["is invalid"]}),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, {"starts_at": ["is invalid"]}),
        ({"is_test": "perhaps"}, {"is_test": ["is invalid"]}),
        ({"device_ids": "x"}, {"device_ids.0": ["is not a number"]}),
        ({"device_ids": {"a": 1}}, {"device_ids": ["is invalid"]}),
        ({"device_ids": [0]}, {"device_ids.0": ["must be greater than or equal to 1"]}),
        (
            {"device_ids": [2**63]},
            {"device_ids.0": ["must be less than or equal to 9223372036854775807"]},
        ),
        (
            {"device_ids": list(range(1, 1002))},
            {"device_ids": ["are too many (maximum is 1000 devices)"]},
        ),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    alice: User, as_user: Any, body: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    client = as_user(alice)
    response = client.post("/v0/experiments", {**WHOLE, **body}, format="json")
    assert (response.status_code, response.json()["errors"]) == (422, errors)
    assert not Experiment.objects.exists()
    made = client.post("/v0/experiments", WHOLE, format="json").json()
    response = client.patch(f"/v0/experiments/{made['id']}", body, format="json")
    assert (response.status_code, response.json()["errors"]) == (422, errors)
    assert client.get(f"/v0/experiments/{made['id']}").json() == made


def test_a_missing_name_is_named(alice: User, as_user: Any) -> None:
    response = as_user(alice).post("/v0/experiments", {}, format="json")
    assert (response.status_code, response.json()["errors"]) == (422, {"name": ["can't be blank"]})


def test_a_private_device_of_somebody_else_is_like_one_that_is_not_there(
    secret: Device, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    unknown = secret.pk + 1000
    body = {"name": "x", "device_ids": [device.pk, unknown, secret.pk]}
    response = as_user(alice).post("/v0/experiments", body, format="json")
    told = f"must exist, and be public or the owner's (ids: {secret.pk}, {unknown})"
    assert (response.status_code, response.json()["errors"]) == (422, {"device_ids": [told]})
    mine = {"name": "x", "device_ids": [device.pk, secret.pk]}
    made = as_user(bob).post("/v0/experiments", mine, format="json").json()
    assert made["device_ids"] == sorted([device.pk, secret.pk])
    path = f"/v0/experiments/{made['id']}"
    assert as_user(alice).get(path).json()["device_ids"] == [device.pk]
    assert as_user(carol).get(path).json()["device_ids"] == sorted([device.pk, secret.pk])
    # An admin who changes it may name what its owner may.
    assert as_user(carol).patch(path, mine, format="json").json() == made | {
        "updated_at": as_user(carol).get(path).json()["updated_at"]
    }


def test_devices_that_are_gone_leave_it(
    experiment: Experiment, device: Device, alice: User, client: APIClient
) -> None:
    device.archive()
    path = f"/v0/experiments/{experiment.pk}"
    assert client.get(path).json()["device_ids"] == []
    accounts.archive(alice)
    response = client.get(path)
    assert response.status_code == 404
    told = f"Couldn't find Experiment with 'id'={experiment.pk}"
    assert response.json()["message"] == told
    assert client.get("/v0/experiments").json() == []


def test_the_experiments_of_an_archived_account_are_named_by_no_device(
    device: Device, bob: User, client: APIClient
) -> None:
    Experiment.objects.begin([device], name="Bob's", owner=bob)
    accounts.archive(bob)
    assert client.get(f"/v0/devices/{device.pk}").json()["experiment_ids"] == []


def test_deleting_one_leaves_its_devices(
    experiment: Experiment, device: Device, alice: User, as_user: Any
) -> None:
    client = as_user(alice)
    response = client.delete(f"/v0/experiments/{experiment.pk}")
    assert (response.status_code, response.json()) == (200, {"message": "OK"})
    assert client.get(f"/v0/devices/{device.pk}").json()["experiment_ids"] == []
    assert client.delete(f"/v0/experiments/{experiment.pk}").status_code == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("q[name_cont]=HEA", 1),
        ("q[name_eq]=noise", 0),
        ("q[is_test_true]=1", 0),
        ("q[starts_at_null]=1", 1),
        ("q[ends_at_lt]=2026-01-01", 0),
        ("q[owner_id_gt]=0&q[s]=created_at desc", 1),
        ("q[id_in][]=0", 0),
    ],
)
def test_the_list_is_searched(
    experiment: Experiment, client: APIClient, query: str, count: int
) -> None:
    response = client.get(f"/v0/experiments?{query}")
    assert (response.status_code, len(response.json())) == (200, count)
    assert response["Total"] == str(count)


@pytest.mark.parametrize("query", ["q[devices_name_eq]=x", "q[active_true]=1", "q[starts_at_eq]=x"])
def test_what_cannot_be_searched_is_refused(client: APIClient, db: None, query: str) -> None:
    assert client.get(f"/v0/experiments?{query}").status_code == 400
