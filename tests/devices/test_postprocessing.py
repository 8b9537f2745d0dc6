"""What researchers keep with a device, as scdata and smartcitizen-connector send and read it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.users.models import User

HARDWARE = "https://raw.githubusercontent.com/fablabbcn/smartcitizen-data/master/hardware/S.json"
# `loads(postprocessing.model_dump_json())` of smartcitizen-connector 1.5.9
SENT: dict[str, Any] = {
    "id": 7,
    "blueprint_url": None,
    "hardware_url": HARDWARE,
    "forwarding_params": 3,
    "meta": "calibrated twice",
    "latest_postprocessing": "2020-10-29T08:35:23.500000Z",
    "created_at": None,
    "updated_at": "2020-01-01T00:00:00Z",
    "device_id": 9,
}


def patch(client: APIClient, device: Device, body: dict[str, Any]) -> Any:
    """As the client does: JSON, to the path with a trailing slash."""
    path = f"/v0/devices/{device.pk}/"
    return client.patch(path, json.dumps(body), content_type="application/json")


def test_what_the_client_sends_is_kept_and_shown_to_everyone(
    device: Device, alice: User, client: APIClient, as_user: Any
) -> None:
    response = patch(as_user(alice), device, {"postprocessing_attributes": SENT})
    assert response.status_code == 200
    shown = response.json()["postprocessing"]
    assert shown == {
        "id": device.pk,
        "device_id": device.pk,
        "blueprint_url": None,
        "hardware_url": HARDWARE,
        "forwarding_params": 3,
        "meta": "calibrated twice",
        "latest_postprocessing": "2020-10-29T08:35:23Z",
        "created_at": shown["created_at"],
        "updated_at": shown["created_at"],
    }
    assert shown["created_at"] > "2026"
    assert client.get(f"/v0/devices/{device.pk}").json()["postprocessing"] == shown


def test_what_is_left_out_stays(device: Device, alice: User, as_user: Any) -> None:
    client = as_user(alice)
    patch(client, device, {"postprocessing_attributes": SENT})
    Device.objects.filter(pk=device.pk).update(
        postprocessing={**Device.objects.get().postprocessing, "created_at": "2020-01-01T00:00:00Z"}
    )
    # By the name that it is shown under, too
    sent = {"postprocessing": {"hardware_url": "SCAS210001", "meta": ""}}
    shown = patch(client, device, sent).json()["postprocessing"]
    told = [shown[name] for name in ("hardware_url", "meta", "forwarding_params", "created_at")]
    assert told == ["SCAS210001", None, 3, "2020-01-01T00:00:00Z"]
    assert shown["updated_at"] > shown["created_at"]
    assert patch(client, device, {"name": "Other"}).json()["postprocessing"] == shown
    assert (
        patch(client, device, {"postprocessing_attributes": None}).json()["postprocessing"] is None
    )


def test_a_device_may_come_with_it(alice: User, installed: None, as_user: Any) -> None:
    body = {"name": "x", "mac_address": "00:1C:B3:09:85:15", "postprocessing": {"meta": "new"}}
    made = as_user(alice).post("/v0/devices", body, format="json").json()
    assert (made["postprocessing"]["meta"], made["postprocessing"]["id"]) == ("new", made["id"])


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ([1], {"postprocessing": ["is invalid"]}),
        ("x", {"postprocessing": ["is invalid"]}),
        ({"forwarding_params": "many"}, {"postprocessing.forwarding_params": ["is not a number"]}),
        (
            {"latest_postprocessing": "now"},
            {"postprocessing.latest_postprocessing": ["is invalid"]},
        ),
        (
            {"hardware_url": "x" * 2001},
            {"postprocessing.hardware_url": ["is too long (maximum is 2000 characters)"]},
        ),
        ({"meta": {"a": 1}}, {"postprocessing.meta": ["is invalid"]}),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    device: Device, alice: User, as_user: Any, sent: Any, errors: dict[str, list[str]]
) -> None:
    client = as_user(alice)
    patch(client, device, {"postprocessing_attributes": SENT})
    before = client.get(f"/v0/devices/{device.pk}").json()
    response = patch(client, device, {"postprocessing_attributes": sent})
    assert (response.status_code, response.json()["errors"]) == (422, errors)
    assert client.get(f"/v0/devices/{device.pk}").json() == before


def test_a_researcher_changes_his_own_devices_alone(
    device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    bob.role = User.Role.RESEARCHER
    bob.save()
    body = {"postprocessing_attributes": SENT}
    assert patch(as_user(bob), device, body).status_code == 403
    assert Device.objects.get().postprocessing is None
    assert patch(as_user(carol), device, body).status_code == 200


def test_what_admins_wrote_by_hand_is_whole_too(device: Device, client: APIClient) -> None:
    Device.objects.filter(pk=device.pk).update(postprocessing={"meta": "x", "extra": [1]})
    shown = client.get(f"/v0/devices/{device.pk}").json()["postprocessing"]
    assert (shown["meta"], shown["extra"], shown["hardware_url"]) == ("x", [1], None)
    assert (shown["id"], shown["latest_postprocessing"]) == (device.pk, None)


# Forwarding: who may begin it, and what is told of it


def test_researchers_and_admins_begin_forwarding_and_owners_end_it(
    device: Device, alice: User, carol: User, as_user: Any
) -> None:
    client = as_user(alice)
    response = patch(client, device, {"enable_forwarding": True})
    told = {"enable_forwarding": ["is for researchers and admins"]}
    assert (response.status_code, response.json()["errors"]) == (422, told)
    assert patch(client, device, {"enable_forwarding": False}).status_code == 200
    alice.refresh_from_db()
    assert alice.forwarding_token is None
    policy = patch(as_user(carol), device, {"enable_forwarding": True}).json()["data_policy"]
    alice.refresh_from_db()
    destination = f"/forward/{alice.forwarding_token}/device/{device.pk}/readings"
    assert policy["enable_forwarding"] is True
    assert policy["forwarding_destination"] == destination
    assert len(str(alice.forwarding_token)) >= 32 and alice.forwarding_username
    # On it stays, and its owner may end it.
    assert patch(client, device, {"enable_forwarding": True}).status_code == 200
    policy = patch(client, device, {"enable_forwarding": False}).json()["data_policy"]
    assert (policy["enable_forwarding"], policy["forwarding_destination"]) == (False, None)


def test_a_researcher_has_one_token_for_all_his_devices(
    device: Device, alice: User, as_user: Any
) -> None:
    alice.role = User.Role.RESEARCHER
    alice.save()
    first = patch(as_user(alice), device, {"enable_forwarding": True}).json()
    body = {"name": "x", "mac_address": "00:1C:B3:09:85:15", "enable_forwarding": True}
    second = as_user(alice).post("/v0/devices", body, format="json").json()
    tokens = {
        made["data_policy"]["forwarding_destination"].split("/")[2] for made in (first, second)
    }
    assert len(tokens) == 1


def test_a_token_that_became_known_is_replaced_by_ending_all_and_beginning_again(
    device: Device, alice: User, as_user: Any
) -> None:
    alice.role = User.Role.RESEARCHER
    alice.save()
    other = Device.objects.create(owner=alice, name="Other")
    tokens = []
    for changed, on in [(device, True), (other, True), (device, False), (other, False)] * 2:
        patch(as_user(alice), changed, {"enable_forwarding": on})
        alice.refresh_from_db()
        assert (alice.forwarding_username is None) == (alice.forwarding_token is None)
        tokens.append(alice.forwarding_token)
    first, second = tokens[:3], tokens[4:7]
    assert len(set(first)) == len(set(second)) == 1
    assert first[0] and second[0] and first[0] != second[0]
    assert tokens[3] is tokens[7] is None


def test_today_s_clients_find_no_null_where_they_need_a_text(
    device: Device, alice: User, as_user: Any
) -> None:
    body = as_user(alice).get(f"/v0/devices/{device.pk}").json()
    assert (body["mac_address"], "device_token" in body) == ("00:06:66:2A:02:B3", False)
