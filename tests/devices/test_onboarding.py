"""`/v0/onboarding/…`: a device is set up without an owner, and claimed by who holds its session."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices import device_tokens, onboarding
from apps.devices.models import Device, OrphanDevice
from apps.devices.onboarding_views import OnboardingDeviceView
from apps.users import accounts
from apps.users.models import User
from apps.users.onboarding_views import OnboardingUserView

pytestmark = pytest.mark.usefixtures("installed")

DEVICE, REGISTER, USER = (f"/v0/onboarding/{step}" for step in ("device", "register", "user"))
WHOLE = {"name": "Roof", "description": "On the roof", "exposure": "outdoor", "kit_id": 3} | {
    "latitude": 41.401108,
    "longitude": 2.215319,
    "user_tags": "barcelona, School",
}


def begun(**fields: Any) -> OrphanDevice:
    """An orphan, with a name at least."""
    return onboarding.begin(**{"name": "Roof", **fields})


def headers(orphan: OrphanDevice) -> dict[str, str]:
    """The header that names its session."""
    return {"OnboardingSession": str(orphan.onboarding_session)}


def test_setting_up_needs_nothing(client: APIClient) -> None:
    response = client.post(DEVICE)
    assert response.status_code == 201
    orphan = OrphanDevice.objects.get()
    assert response.json() == {
        "onboarding_session": str(orphan.onboarding_session),
        "device_token": orphan.device_token,
    }
    assert re.fullmatch("[2-9a-hj-km-np-z]{6}", orphan.device_token)


def test_the_orphan_is_shown_to_who_holds_its_session(client: APIClient) -> None:
    client.post(DEVICE, WHOLE, format="json")
    orphan = OrphanDevice.objects.get()
    shown = client.get(DEVICE, headers=headers(orphan))
    assert shown.status_code == 200
    assert shown.json() == {
        **WHOLE,
        "id": orphan.pk,
        "user_tags": "Barcelona,School",
        "device_token": orphan.device_token,
        "onboarding_session": str(orphan.onboarding_session),
        "device_handshake": False,
        "seen_at": None,
        "created_at": f"{orphan.created_at:%Y-%m-%dT%H:%M:%SZ}",
        "updated_at": f"{orphan.updated_at:%Y-%m-%dT%H:%M:%SZ}",
    }
    now = timezone.now()
    OrphanDevice.objects.update(seen_at=now)
    heard = client.get(f"{DEVICE}/", headers=headers(orphan)).json()
    assert (heard["device_handshake"], heard["seen_at"]) == (True, f"{now:%Y-%m-%dT%H:%M:%SZ}")


@pytest.mark.parametrize("method", ["patch", "put"])
def test_it_is_changed_slide_by_slide(client: APIClient, method: str) -> None:
    orphan = begun()
    session = {"headers": headers(orphan), "format": "json"}
    change = getattr(client, method)
    first = change(DEVICE, {"exposure": "indoor", "id": 7, "device_token": "abcdef"}, **session)
    assert first.status_code == 200
    told = [first.json()[name] for name in ("id", "name", "exposure", "device_token")]
    assert told == [orphan.pk, "Roof", "indoor", orphan.device_token]
    assert change(DEVICE, WHOLE, **session).json()["user_tags"] == "Barcelona,School"
    emptied = change(DEVICE, {"user_tags": "", "latitude": None, "longitude": None}, **session)
    told = [emptied.json()[name] for name in ("user_tags", "latitude", "longitude", "kit_id")]
    assert told == [None, None, None, 3]
    assert client.get(DEVICE, headers=headers(orphan)).json() == emptied.json()


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"exposure": "moon"}, {"exposure": ["is not included in the list"]}),
        ({"latitude": 91, "longitude": 0}, {"latitude": ["must be less than or equal to 90"]}),
        ({"latitude": 41}, {"longitude": ["can't be blank"]}),
        ({"kit_id": 4711}, {"kit_id": ["must exist"]}),
        ({"user_tags": "School,Nope"}, {"user_tags": ["unknown tags: Nope"]}),
        ({"name": "x" * 201}, {"name": ["is too long (maximum is 200 characters)"]}),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    client: APIClient, fields: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    response = client.post(DEVICE, fields, format="json")
    assert (response.status_code, response.json()["errors"]) == (422, errors)
    assert not OrphanDevice.objects.exists()
    orphan = begun()
    before = client.get(DEVICE, headers=headers(orphan)).json()
    response = client.patch(DEVICE, fields, format="json", headers=headers(orphan))
    assert (response.status_code, response.json()["errors"]) == (422, errors)
    assert client.get(DEVICE, headers=headers(orphan)).json() == before


@pytest.mark.parametrize("session", [None, "", "not a session", str(uuid4()), "\u00e9" * 300])
def test_an_unknown_session_is_404(
    session: str | None, client: APIClient, alice: User, as_user: Any
) -> None:
    begun()
    named = {} if session is None else {"OnboardingSession": session}
    for response in (
        client.get(DEVICE, headers=named),
        client.patch(DEVICE, {"name": "Mine"}, format="json", headers=named),
        as_user(alice).post(REGISTER, headers=named),
    ):
        assert (response.status_code, response.json()["id"]) == (404, "record_not_found")
        assert "Couldn't find OrphanDevice with 'onboarding_session'=" in response.json()["message"]
    assert client.post(REGISTER, headers=named).status_code == 401
    assert OrphanDevice.objects.get().name == "Roof"
    assert not Device.objects.exists()


def test_who_is_signed_in_claims_it(client: APIClient, alice: User, as_user: Any) -> None:
    client.post(DEVICE, WHOLE, format="json")
    orphan = OrphanDevice.objects.get()
    refused = client.post(REGISTER, headers=headers(orphan))
    assert (refused.status_code, refused.json()["id"]) == (401, "unauthorized")
    response = as_user(alice).post(REGISTER, headers=headers(orphan))
    assert response.status_code == 201
    body = response.json()
    device = Device.objects.get()
    assert as_user(alice).get(f"/v0/devices/{device.pk}").json() == body
    expected = {**WHOLE, "user_tags": ["Barcelona", "School"], "state": "never_published"}
    expected |= {"mac_address": None, "device_token": orphan.device_token}
    assert {name: body[name] for name in expected} == expected
    assert (body["owner"]["username"], body["location"]["city"]) == ("alice", "Diagonal Mar")
    assert len(body["data"]["sensors"]) == 9
    assert not OrphanDevice.objects.exists()
    assert client.get(DEVICE, headers=headers(orphan)).status_code == 404
    entries = client.get("/v0/devices/world_map").json()
    assert [entry["id"] for entry in entries] == [device.pk]
    # The session has led to the device, but nothing that is shown leads back to the session.
    assert str(orphan.onboarding_session) not in response.content.decode()


def test_who_asks_again_is_told_the_same_device_and_nobody_else_is(
    alice: User, bob: User, as_user: Any
) -> None:
    orphan = begun()
    first = as_user(alice).post(REGISTER, headers=headers(orphan))
    again = as_user(alice).post(REGISTER, headers=headers(orphan))
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert as_user(bob).post(REGISTER, headers=headers(orphan)).status_code == 404
    Device.objects.get().archive()
    assert as_user(alice).post(REGISTER, headers=headers(orphan)).status_code == 404
    assert Device.objects.count() == 1


def test_a_device_without_a_name_is_not_claimed_yet(alice: User, as_user: Any) -> None:
    orphan = begun(name=None)
    response = as_user(alice).post(REGISTER, headers=headers(orphan))
    assert (response.status_code, response.json()["errors"]) == (422, {"name": ["can't be blank"]})
    assert (OrphanDevice.objects.count(), Device.objects.count()) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_claim_one_at_once_one_has_it(alice: User, bob: User, as_user: Any) -> None:
    orphan = begun()

    def claim(user: User) -> int:
        try:
            status: int = as_user(user).post(REGISTER, headers=headers(orphan)).status_code
            return status
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        statuses = sorted(pool.map(claim, [alice, bob]))
    assert statuses == [201, 404]
    assert (Device.objects.count(), OrphanDevice.objects.count()) == (1, 0)


def test_no_two_have_a_token(monkeypatch: pytest.MonkeyPatch, alice: User) -> None:
    letters = iter("aaaaaa" + "aaaaaa" + "bbbbbb" + "cccccc")
    monkeypatch.setattr(device_tokens.secrets, "choice", lambda alphabet: next(letters))
    Device.objects.create(owner=alice, name="x", device_token="bbbbbb")
    assert [begun().device_token, begun().device_token] == ["aaaaaa", "cccccc"]


def test_what_was_given_up_is_forgotten() -> None:
    now = timezone.now()
    long_ago, lately = now - timedelta(days=8), now - timedelta(days=6)
    kept = [begun(), begun(), begun()]
    given_up = [begun(), begun()]
    for orphan, changed, seen in [
        (kept[0], lately, None),
        (kept[1], lately, long_ago),
        (kept[2], long_ago, lately),
        (given_up[0], long_ago, None),
        (given_up[1], long_ago, long_ago),
    ]:
        OrphanDevice.objects.filter(pk=orphan.pk).update(updated_at=changed, seen_at=seen)
    assert onboarding.prune(now) == 2
    assert set(OrphanDevice.objects.all()) == set(kept)


def test_the_account_of_an_address_is_found(
    client: APIClient, alice: User, bob: User, as_user: Any
) -> None:
    for email in ("alice@example.org", "ALICE@Example.org "):
        response = client.post(USER, {"email": email}, format="json")
        assert (response.status_code, response.json()) == (200, {"username": "alice"})
    accounts.archive(alice)
    response = client.post(USER, {"email": "alice@example.org"}, format="json")
    assert (response.status_code, response.json()["id"]) == (404, "record_not_found")
    assert as_user(bob).post(USER, {"email": "nobody@example.org"}).status_code == 404


@pytest.mark.parametrize(
    ("email", "error"), [(None, "can't be blank"), ("", "can't be blank"), ("alice", "is invalid")]
)
def test_what_is_no_address_is_refused(
    client: APIClient, alice: User, email: str | None, error: str
) -> None:
    body = {} if email is None else {"email": email}
    response = client.post(USER, body, format="json")
    assert (response.status_code, response.json()["errors"]) == (422, {"email": [error]})


@pytest.mark.parametrize(
    ("path", "view"), [(DEVICE, OnboardingDeviceView), (USER, OnboardingUserView)]
)
def test_a_flood_from_one_address_is_stopped(
    path: str, view: Any, client: APIClient, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(view, "flood_rate", "2/h")
    body = {"email": "alice@example.org"}
    answers = [client.post(path, body, format="json") for _ in range(3)]
    assert [answer.status_code for answer in answers][2] == 429
    assert answers[1].status_code < 300
    assert answers[2].json()["id"] == "too_many_requests"
    assert 1 <= int(answers[2]["Retry-After"]) <= 3600
    elsewhere = client.post(path, body, format="json", REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code < 300
    # Whoever began can go on.
    if path == DEVICE:
        session = {"OnboardingSession": answers[0].json()["onboarding_session"]}
        assert client.get(path, headers=session).status_code == 200
