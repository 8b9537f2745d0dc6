"""Who sees what of a user: secrets, private devices, and true positions."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.users import legacy_keys
from apps.users.models import User
from tests.users.conftest import IssueToken

FILTERED = "[FILTERED]"
SECRETS = ("email", "legacy_api_key", "forwarding_token", "forwarding_username")


def get(client: APIClient, segment: object) -> Any:
    """The JSON of the user whom the segment names."""
    response = client.get(f"/v0/users/{quote(str(segment))}")
    assert response.status_code == 200, response.content
    return response.json()


def test_secrets_are_for_the_user_himself_and_admins(
    client: APIClient, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    alice.forwarding_token, alice.forwarding_username = "f0rward", "forwarder"
    alice.save()
    for viewer in (client, as_user(bob)):
        assert [get(viewer, "alice")[name] for name in SECRETS] == [FILTERED] * 4
        listed = {user["username"]: user for user in viewer.get("/v0/users").json()}
        assert [listed["alice"][name] for name in SECRETS] == [FILTERED] * 4
    key = legacy_keys.reveal(alice)
    for viewer in (as_user(alice), as_user(carol)):
        shown = ["alice@example.org", key, "f0rward", "forwarder"]
        assert [get(viewer, "alice")[name] for name in SECRETS] == shown


def test_a_token_shows_the_legacy_key_only_where_it_may_do_as_much(
    client: APIClient, alice: User, issue_token: IssueToken
) -> None:
    whole, narrow = issue_token(alice), issue_token(alice, "public")
    key = legacy_keys.reveal(alice)
    for token, shown in ((whole, key), (narrow, FILTERED)):
        body = client.get("/v0/users/alice", headers={"Authorization": f"Bearer {token}"}).json()
        assert (body["legacy_api_key"], body["email"]) == (shown, "alice@example.org")


def test_only_devices_that_the_viewer_may_see_are_there_in_order_of_ids(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    hidden = Device.objects.register(owner=alice, name="hidden", is_private=True)
    last = Device.objects.register(owner=alice, name="last")
    gone = Device.objects.register(owner=alice, name="gone")
    Device.objects.filter(pk=gone.pk).update(archived_at=timezone.now())
    Device.objects.filter(pk=device.pk).update(name="changed, so that its row moved")
    for viewer, ids in (
        (client, [device.pk, last.pk]),
        (as_user(bob), [device.pk, last.pk]),
        (as_user(alice), [device.pk, hidden.pk, last.pk]),
        (as_user(carol), [device.pk, hidden.pk, last.pk]),
    ):
        assert [found["id"] for found in get(viewer, "alice")["devices"]] == ids
        listed = viewer.get("/v0/users").json()[0]
        assert [found["id"] for found in listed["devices"]] == ids


def test_the_true_position_and_the_hardware_are_for_the_owner_and_admins(
    client: APIClient, device: Device, alice: User, bob: User, carol: User, as_user: Any
) -> None:
    device.precise_location, device.elevation, device.hardware_info = False, 12, {"id": "1"}
    device.save()
    for viewer in (client, as_user(bob)):
        response = viewer.get("/v0/users/alice")
        assert b"52.3781227" not in response.content
        assert b"u173cr4udt" not in response.content
        nested = response.json()["devices"][0]
        public = (device.public_latitude, device.public_longitude)
        assert (nested["latitude"], nested["longitude"]) == public
        assert nested["location"]["elevation"] is None
        assert nested["hardware"]["last_status_message"] is None
    for viewer in (as_user(alice), as_user(carol)):
        nested = get(viewer, "alice")["devices"][0]
        assert (nested["latitude"], nested["longitude"]) == (52.3781227, 4.6291324)
        assert nested["location"]["elevation"] == 12
        assert nested["hardware"]["last_status_message"]["id"] == "1"
