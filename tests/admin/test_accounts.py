"""What administrators do with accounts, and how they get in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.devices import world_map
from apps.devices.models import Device
from apps.users import legacy_keys
from apps.users.models import User
from tests.admin.acts import act, audit
from tests.admin.conftest import SignIn
from tests.admin.forms import change, complaints

USERS = "/admin/users/user/"
LOGIN = "/admin/login/"

NEW = {
    "username": "dora",
    "email": "dora@example.org",
    "role": "researcher",
    "usable_password": "true",
    "password1": "correct horse",
    "password2": "correct horse",
}


@pytest.mark.parametrize(
    "name", ["carol", "CAROL", "carol@example.org", "a-very-long-name-of-a-mailbox@example.org"]
)
def test_an_admin_signs_in_by_username_or_address(name: str, carol: User) -> None:
    if name.startswith("a-very"):
        User.objects.update(email=name)
    browser = Client()
    page = browser.get(LOGIN).content.decode()
    assert "Username or e-mail address" in page
    assert 'maxlength="254"' in page, "an address fits"
    answer = browser.post(LOGIN, {"username": name, "password": "carolcarol", "next": "/admin/"})
    assert answer.status_code == 302
    assert browser.get("/admin/").status_code == 200
    carol.refresh_from_db()
    assert carol.last_login is not None


@pytest.mark.parametrize(
    ("name", "password"),
    [("bob", "bobbobbob"), ("carol", "wrong"), ("nobody", "carolcarol"), ("old", "oldoldold")],
)
def test_nobody_else_signs_in(name: str, password: str, bob: User, carol: User) -> None:
    old = User.objects.create_superuser("old", "old@example.org", "oldoldold")
    User.objects.filter(pk=old.pk).update(archived_at=timezone.now())
    answer = Client().post(LOGIN, {"username": name, "password": password})
    assert answer.status_code == 200
    assert "Please enter the correct" in answer.content.decode()


def test_archiving_ends_a_session(carol: User, browser: Client) -> None:
    User.objects.update(archived_at=timezone.now())
    assert browser.get("/admin/").status_code == 302


def test_an_account_is_added_with_a_key_of_its_own(browser: Client) -> None:
    answer = browser.post(f"{USERS}add/", NEW)
    dora = User.objects.get(username="dora")
    assert answer["Location"] == f"{USERS}{dora.pk}/change/"
    assert dora.check_password("correct horse")
    assert (dora.email, dora.role) == ("dora@example.org", "researcher")
    assert legacy_keys.reveal(dora)


def test_an_account_is_added_without_a_password(browser: Client) -> None:
    browser.post(f"{USERS}add/", NEW | {"usable_password": "false"})
    assert not User.objects.get(username="dora").has_usable_password()


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("username", "CAROL", "has already been taken"),
        ("username", "123", "is invalid"),
        ("username", "a/b", "is invalid"),
        ("username", "ab", "is invalid"),
        ("email", "Carol@Example.org", "has already been taken"),
        ("email", "carol", "Enter a valid email address."),
        ("password2", "other", "The two password fields didn’t match."),
    ],
)
def test_an_account_that_is_not_in_order_is_not_added(
    field: str, value: str, complaint: str, browser: Client
) -> None:
    answer = browser.post(f"{USERS}add/", NEW | {field: value})
    assert complaints(answer) == {field: [complaint]}
    assert not User.objects.filter(username="dora").exists()


def test_a_short_password_is_refused(browser: Client) -> None:
    answer = browser.post(f"{USERS}add/", NEW | {"password1": "short", "password2": "short"})
    assert "at least 8 characters" in json.dumps(complaints(answer))


def test_an_account_is_edited(bob: User, browser: Client) -> None:
    former = User.objects.get(pk=bob.pk)
    fields = {"role": "admin", "country_code": "nl", "city": "Haarlem", "url": "https://bob.nl"}
    assert change(browser, f"{USERS}{bob.pk}/change/", **fields).status_code == 302
    bob.refresh_from_db()
    assert (bob.role, bob.country_code, bob.city) == ("admin", "NL", "Haarlem")
    assert bob.first_name is None, "blank is null"
    assert bob.password == former.password
    assert bob.legacy_api_key_hash == former.legacy_api_key_hash


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("username", "Carol", "has already been taken"),
        ("email", "CAROL@example.org", "has already been taken"),
        ("country_code", "QQ", "is not a country code of ISO 3166"),
        ("url", "ftp://bob.nl", "Enter a valid URL."),
        ("avatar", "javascript:alert(1)", "Enter a valid URL."),
    ],
)
def test_an_account_that_is_not_in_order_is_not_saved(
    field: str, value: str, complaint: str, bob: User, browser: Client
) -> None:
    answer = change(browser, f"{USERS}{bob.pk}/change/", **{field: value})
    assert complaints(answer) == {field: [complaint]}


def test_a_password_is_set_by_its_own_form_alone(bob: User, browser: Client) -> None:
    change(browser, f"{USERS}{bob.pk}/change/", password="plain text")
    bob.refresh_from_db()
    assert bob.check_password("bobbobbob")
    passwords = {"password1": "correct horse", "password2": "correct horse"}
    sent = passwords | {"usable_password": "true", "set-password": ""}
    answer = browser.post(f"{USERS}{bob.pk}/password/", sent)
    assert answer.status_code == 302
    bob.refresh_from_db()
    assert bob.check_password("correct horse")


def test_accounts_are_archived_and_restored_but_never_deleted(
    device: Device,
    alice: User,
    carol: User,
    browser: Client,
    django_capture_on_commit_callbacks: Any,
) -> None:
    assert browser.get(f"{USERS}{alice.pk}/delete/").status_code == 403
    world_map.current()
    chosen = {"_selected_action": [alice.pk, carol.pk]}
    with django_capture_on_commit_callbacks(execute=True):
        page = browser.post(USERS, {"action": "archive", **chosen}, follow=True)
    html = page.content.decode()
    assert "Archived: 1." in html
    assert "Not done for carol: you cannot archive your own account" in html
    assert not User.objects.active().filter(pk=alice.pk).exists()
    assert world_map.current().body == b"[]", "her devices have left the world map"
    browser.post(USERS, {"action": "restore", **chosen})
    assert User.objects.active().filter(pk=alice.pk).exists()
    entries = LogEntry.objects.order_by("pk").values_list("object_repr", "change_message")
    assert list(entries) == [("alice", "Archived."), ("alice", "Restored.")]


def test_a_key_is_replaced_shown_once_and_the_former_one_opens_nothing(
    bob: User, browser: Client, client: APIClient
) -> None:
    former = legacy_keys.reveal(bob)
    asked = act(browser, "rotate_legacy_keys", bob, yes=False)
    assert "bob@example.org, citizen, devices: 0" in asked.content.decode()
    answer = act(browser, "rotate_legacy_keys", bob)
    bob.refresh_from_db()
    key = str(legacy_keys.reveal(bob))
    assert key not in {"None", former}
    assert f"<code>{key}</code>" in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    for each, status in ((former, 401), (key, 200)):
        signed = {"Authorization": f"Token token={each}"}
        assert client.get("/v0/me", headers=signed).status_code == status
    assert audit() == [("carol", "bob", "Legacy API key replaced.")]


def test_an_archived_account_has_left_the_api_and_comes_back_with_its_devices(
    device: Device, alice: User, browser: Client, client: APIClient
) -> None:
    key = {"Authorization": f"Token token={legacy_keys.reveal(alice)}"}
    act(browser, "archive", alice)
    for path in ("/v0/users/alice", f"/v0/devices/{device.pk}"):
        assert client.get(path).status_code == 404
    assert client.get("/v0/me", headers=key).status_code == 401
    act(browser, "restore", alice)
    for path in ("/v0/users/alice", f"/v0/devices/{device.pk}"):
        assert client.get(path).status_code == 200
    assert client.get("/v0/me", headers=key).status_code == 200
    assert [done for _, _, done in audit()] == ["Archived.", "Restored."]


def test_accounts_are_found_and_show_how_many_devices_they_have(
    device: Device, bob: User, browser: Client
) -> None:
    Device.objects.register(owner=device.owner, name="Old one", archived_at=timezone.now())
    for sought in ("alice", "ALICE@example", str(device.owner.pk)):
        page = browser.get(USERS, {"q": sought})
        assert list(page.context["cl"].queryset) == [device.owner]
    assert '<td class="field-device_count">1</td>' in page.content.decode()


def test_owners_are_chosen_by_typing_a_part_of_their_name(alice: User, browser: Client) -> None:
    answer = browser.get(
        "/admin/autocomplete/",
        {"app_label": "devices", "model_name": "device", "field_name": "owner", "term": "ali"},
    )
    assert [found["text"] for found in answer.json()["results"]] == ["alice"]


def test_who_is_no_admin_changes_nothing(bob: User, alice: User, signed_in: SignIn) -> None:
    chosen = {"action": "archive", "_selected_action": [alice.pk]}
    assert signed_in(bob).post(USERS, chosen).status_code == 302
    assert User.objects.active().count() == 2
