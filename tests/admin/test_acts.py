"""Acts on devices: what the database, the audit log and the API then say."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices import world_map
from apps.devices.models import Device
from apps.readings import ingest
from apps.readings.keys import Row
from apps.sensors import admin_acts
from apps.users.models import User
from tests.admin.acts import act, audit, said
from tests.admin.conftest import NOON, SignIn
from tests.contract.tools import rows as all_rows

DEVICES = "/admin/devices/device/"
MAC = "00:06:66:2A:02:B3"


@pytest.fixture
def ruth(db: None) -> User:
    """Is a researcher."""
    return User.objects.create_user("ruth", "ruth@example.org", None, role="researcher")


def archived(*devices: Device) -> None:
    """As if they had been archived."""
    Device.objects.filter(pk__in=[device.pk for device in devices]).update(
        archived_at=timezone.now()
    )


def test_an_archived_device_has_left_the_api_and_its_mac_address_is_free(
    device: Device,
    bob: User,
    browser: Client,
    client: APIClient,
    as_user: Any,
    django_capture_on_commit_callbacks: Any,
) -> None:
    ingest.store(device.pk, [Row(0, NOON, {12: (21.5, None)})])
    assert len(client.get("/v0/devices/world_map").json()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        assert said(act(browser, "archive", device)) == ["Archived: 1."]
    for path in ("", "/readings"):
        assert client.get(f"/v0/devices/{device.pk}{path}").status_code == 404
    assert client.get("/v0/devices/world_map").json() == []
    taken = {"name": "New", "mac_address": MAC}
    assert as_user(bob).post("/v0/devices", taken).status_code == 201
    assert audit() == [("carol", str(device), "Archived.")]


def test_a_restored_device_is_back_as_it_was(
    device: Device, browser: Client, client: APIClient, django_capture_on_commit_callbacks: Any
) -> None:
    ingest.store(device.pk, [Row(0, NOON, {12: (21.5, None)})])
    before = client.get(f"/v0/devices/{device.pk}").json()
    archived(device)
    world_map.drop()
    assert client.get("/v0/devices/world_map").json() == []
    with django_capture_on_commit_callbacks(execute=True):
        assert said(act(browser, "restore", device)) == ["Restored: 1."]
    after = client.get(f"/v0/devices/{device.pk}").json()
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert len(client.get(f"/v0/devices/{device.pk}/readings").json()) == 1
    assert [entry["id"] for entry in client.get("/v0/devices/world_map").json()] == [device.pk]
    assert audit() == [("carol", str(device), "Restored.")]


def test_a_device_whose_mac_address_was_taken_is_not_restored(
    device: Device, bob: User, browser: Client, client: APIClient
) -> None:
    archived(device)
    other = Device.objects.register(owner=bob, name="New", mac_address="00-06-66-2a-02-b3")
    before = all_rows()
    assert said(act(browser, "restore", device)) == [
        f"Not done for {device}: its MAC address {MAC} is that of New ({other.pk}) by now; archive"
        " that device, or give one of the two another address, first",
        "Restored: 0.",
    ]
    assert all_rows() == before
    assert client.get(f"/v0/devices/{device.pk}").status_code == 404
    assert not LogEntry.objects.exists()


def test_of_two_archived_devices_with_one_mac_address_one_is_restored(
    device: Device, bob: User, browser: Client
) -> None:
    archived(device)
    other = Device.objects.register(owner=bob, name="New", mac_address=MAC)
    archived(other)
    told = said(act(browser, "restore", other, device))
    assert told[0].startswith(f"Not done for {other}: its MAC address {MAC} is that of")
    assert told[1:] == ["Restored: 1."]
    assert Device.objects.active().get() == device


def test_a_device_of_an_archived_account_waits_for_its_owner(
    device: Device, alice: User, bob: User, browser: Client, client: APIClient
) -> None:
    archived(device)
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    [told, count] = said(act(browser, "restore", device))
    assert "its owner, alice, is archived; restore the account first" in told
    assert count == "Restored: 0."
    act(browser, "transfer", device, new_owner=bob.pk)
    assert said(act(browser, "restore", device)) == ["Restored: 1."]
    assert client.get(f"/v0/devices/{device.pk}").json()["owner"]["username"] == "bob"


def test_a_device_is_transferred_with_its_readings_and_its_token(
    device: Device, alice: User, bob: User, browser: Client, as_user: Any
) -> None:
    Device.objects.filter(pk=device.pk).update(device_token="abc234", is_private=True)
    ingest.store(device.pk, [Row(0, NOON, {12: (21.5, None)})])
    path = f"/v0/devices/{device.pk}"
    assert as_user(alice).get(path).status_code == 200
    assert as_user(bob).get(path).status_code == 404
    page = act(browser, "transfer", device, yes=False)
    assert page.status_code == 200
    assert "of alice, last reading 2026-03-05 12:00 UTC" in page.content.decode()
    assert Device.objects.get(pk=device.pk).owner == alice, "nothing has been answered yet"
    answer = act(browser, "transfer", device, new_owner=bob.pk)
    assert said(answer) == ["Transferred to bob: 1."]
    assert as_user(alice).get(path).status_code == 404
    shown = as_user(bob).get(path).json()
    assert (shown["owner"]["id"], shown["device_token"]) == (bob.pk, "abc234")
    assert len(as_user(bob).get(f"{path}/readings").json()) == 1
    assert as_user(bob).patch(path, {"name": "Mine"}).status_code == 200
    assert audit() == [("carol", str(device), "Transferred from alice to bob.")]
    assert said(act(browser, "transfer", device, new_owner=bob.pk)) == ["Transferred to bob: 0."]
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("kind", ["archived", "missing", "blank", "no id"])
def test_a_device_is_not_transferred_to_nobody(
    kind: str, device: Device, bob: User, browser: Client
) -> None:
    User.objects.filter(pk=bob.pk).update(archived_at=timezone.now())
    owner = {"archived": bob.pk, "missing": 10**6, "blank": "", "no id": "bob"}[kind]
    before = all_rows()
    answer = act(browser, "transfer", device, new_owner=owner)
    assert answer.status_code == 200
    said_of_it = answer.context["form"].errors["new_owner"]
    assert said_of_it in (["is archived, or no account"], ["This field is required."])
    assert all_rows() == before


def test_forwarding_goes_along_to_a_researcher_and_ends_with_a_citizen(
    device: Device, alice: User, bob: User, ruth: User, browser: Client
) -> None:
    User.objects.filter(pk=alice.pk).update(role="researcher")
    device.change(enable_forwarding=True)
    act(browser, "transfer", device, new_owner=ruth.pk)
    tokens = dict(User.objects.values_list("username", "forwarding_token"))
    assert tokens["ruth"] and not tokens["alice"]
    act(browser, "transfer", device, new_owner=bob.pk)
    tokens = dict(User.objects.values_list("username", "forwarding_token"))
    assert (tokens["ruth"], tokens["bob"]) == (None, None)
    assert not Device.objects.get(pk=device.pk).enable_forwarding


def test_an_owner_is_not_changed_by_the_way(device: Device, bob: User, browser: Client) -> None:
    page = browser.get(f"{DEVICES}{device.pk}/change/")
    assert "owner" not in page.context["adminform"].form.fields
    assert "/admin/users/user/" in page.content.decode(), "but the page leads to him"


def test_a_new_token_is_shown_once_and_the_former_one_names_nobody(
    device: Device, alice: User, browser: Client, as_user: Any
) -> None:
    Device.objects.filter(pk=device.pk).update(device_token="abc234")
    asked = act(browser, "replace_tokens", device, yes=False)
    assert "The kits send nothing more by MQTT" in asked.content.decode()
    assert Device.objects.get(pk=device.pk).device_token == "abc234"
    answer = act(browser, "replace_tokens", device)
    device.refresh_from_db()
    token = str(device.device_token)
    assert token != "abc234" and len(token) == 6
    assert f"<code>{token}</code>" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    for page in (f"{DEVICES}{device.pk}/change/", DEVICES, f"{DEVICES}{device.pk}/history/"):
        assert token not in browser.get(page).content.decode()
    assert as_user(alice).get(f"/v0/devices/{device.pk}").json()["device_token"] == token
    assert audit() == [("carol", str(device), "Device token replaced.")]


def test_the_page_of_a_device_has_buttons_for_what_can_be_done(
    device: Device, browser: Client
) -> None:
    def buttons() -> list[tuple[str, str]]:
        acts: list[tuple[str, str]] = browser.get(f"{DEVICES}{device.pk}/change/").context["acts"]
        return acts

    assert buttons() == [
        ("archive", "Archive this device"),
        ("transfer", "Transfer this device to another owner"),
        ("replace_tokens", "Replace the tokens of this device"),
    ]
    archived(device)
    assert [name for name, _ in buttons()] == ["restore", "transfer", "replace_tokens", "purge"]


@pytest.mark.parametrize("name", ["archive", "restore", "transfer", "replace_tokens", "purge"])
def test_too_many_at_once_are_refused(
    name: str, device: Device, bob: User, browser: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_acts, "MOST_AT_ONCE", 1)
    other = Device.objects.register(owner=bob, name="Other")
    before = all_rows()
    assert said(act(browser, name, device, other)) == ["Choose fewer: 1 at once are the most."]
    assert all_rows() == before


@pytest.mark.parametrize("name", ["archive", "restore", "transfer", "replace_tokens", "purge"])
def test_acts_are_for_admins_alone(
    name: str, device: Device, alice: User, ruth: User, signed_in: SignIn
) -> None:
    browsers = (signed_in(alice), signed_in(ruth), Client())
    before = all_rows()
    for browser in browsers:
        answer = act(browser, name, device, new_owner=ruth.pk)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/admin/login/")
    assert all_rows() == before
