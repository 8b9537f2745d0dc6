"""`/ui/me`: one's own devices, added, changed, deleted, brought back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.users.models import User

MAC = "02:00:00:00:00:01"
FORM = {"name": "Roof", "mac_address": MAC, "latitude": "41.4", "longitude": "2.2", "kit_id": ""}


@pytest.fixture
def browser(alice: User) -> Client:
    """Alice's browser, signed in, whose forms need their CSRF token."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)
    return browser


def send(browser: Client, to: str, at: str = "/ui/me", **fields: Any) -> Any:
    """Send a form that stands on a page."""
    token = str(browser.get(at).context["csrf_token"])
    return browser.post(to, {"csrfmiddlewaretoken": token, **fields})


@pytest.mark.parametrize(
    "path", ["/ui/me", "/ui/me/devices/new", "/ui/me/devices/1", "/ui/me/devices/1/edit"]
)
def test_who_is_not_signed_in_signs_in_first_and_comes_back(path: str, db: None) -> None:
    answer = Client().get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/ui/sign_in?next={path}")


def test_the_list_holds_ones_own_devices_alone(browser: Client, device: Device, bob: User) -> None:
    Device.objects.register(owner=bob, name="Bob's roof")
    gone = Device.objects.register(owner=device.owner, name="Long gone")
    gone.archive()
    shown = browser.get("/ui/me").content.decode()
    assert "SmartHaarlem" in shown and "never posted" in shown
    assert "Bob" not in shown and "Long gone" not in shown


def test_a_device_is_added_with_what_the_api_asks_of_it(
    browser: Client, sck_1_1: Kit, alice: User
) -> None:
    answer = send(
        browser,
        "/ui/me/devices/new",
        **{**FORM, "kit_id": sck_1_1.pk, "exposure": "outdoor", "is_private": "on"},
    )
    made = Device.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/ui/me/devices/{made.pk}")
    assert (made.owner, made.name, made.mac_address) == (alice, "Roof", MAC)
    assert (made.kit, made.exposure, made.is_private) == (sck_1_1, "outdoor", True)
    assert (made.latitude, made.longitude, made.precise_location) == (41.4, 2.2, False)
    assert made.country_code == "ES", "it follows from the position"
    assert made.components.exists(), "the sensors of its kit"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "Name can&#x27;t be blank"),
        ({"mac_address": "nonsense"}, "MAC address is invalid"),
        ({"mac_address": "00-06-66-2a-02-b3"}, "MAC address has already been taken"),
        ({"latitude": "91"}, "Latitude must be less than or equal to 90"),
        ({"latitude": "north"}, "Latitude is not a number"),
        ({"longitude": ""}, "Longitude can&#x27;t be blank"),
        ({"longitude": "nan"}, "Longitude is not a number"),
        ({"kit_id": "987654"}, "Kit must exist"),
        ({"exposure": "underwater"}, "Exposure is not included in the list"),
        ({"user_tags": "No Such Tag"}, "Tags unknown tags: No Such Tag"),
        ({"name": "a\0b"}, "Name is invalid"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_saved(
    wrong: dict[str, str], said: str, browser: Client, device: Device
) -> None:
    answer = send(browser, "/ui/me/devices/new", **{**FORM, **wrong})
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert said in shown and 'aria-invalid="true"' in shown or "tags" in said
    assert Device.objects.count() == 1
    if wrong.get("name") is None:
        assert 'value="Roof"' in shown, "what was typed is still there"


def test_a_device_is_changed_and_keeps_what_the_form_does_not_have(
    browser: Client, device: Device
) -> None:
    page = browser.get(f"/ui/me/devices/{device.pk}/edit")
    assert 'value="SmartHaarlem"' in page.content.decode()
    values = {**page.context["values"], "name": "Attic", "notify_low_battery": "on"}
    kept = {name: value for name, value in values.items() if value is not False}
    answer = send(browser, f"/ui/me/devices/{device.pk}/edit", **kept)
    assert answer.status_code == 302, answer.content.decode()
    device.refresh_from_db()
    assert (device.name, device.notify_low_battery, device.city) == ("Attic", True, "Haarlem")
    assert (device.latitude, device.longitude) == (52.3781227, 4.6291324)
    assert device.mac_address == "00:06:66:2A:02:B3"


def test_city_country_and_elevation_are_the_owners_word(browser: Client) -> None:
    told = {"city": "Montjuïc", "country_code": "ad", "elevation": "173"}
    assert send(browser, "/ui/me/devices/new", **FORM, **told).status_code == 302
    made = Device.objects.get()
    assert (made.city, made.country_code, made.elevation) == ("Montjuïc", "AD", 173)
    path = f"/ui/me/devices/{made.pk}/edit"
    for value in ("Montjuïc", "AD", "173"):
        assert f'value="{value}"' in browser.get(path).content.decode()
    send(browser, path, **FORM, city="", country_code="AD", elevation="-3")
    made.refresh_from_db()
    assert (made.city, made.country_code, made.elevation) == (None, "AD", -3)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"country_code": "XX"}, "Country is invalid"),
        ({"elevation": "10001"}, "Elevation must be less than or equal to 10000"),
        ({"elevation": "high"}, "Elevation is not a number"),
        ({"city": "x" * 201}, "City is too long (maximum is 200 characters)"),
    ],
)
def test_what_is_wrong_with_the_place_is_said(
    wrong: dict[str, str], said: str, browser: Client
) -> None:
    answer = send(browser, "/ui/me/devices/new", **FORM, **wrong)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not Device.objects.exists()


def test_a_device_that_moves_has_its_new_city_unless_another_was_typed(
    browser: Client, device: Device
) -> None:
    path = f"/ui/me/devices/{device.pk}/edit"
    as_it_was = {**FORM, "city": "Haarlem", "country_code": "NL", "elevation": ""}
    assert send(browser, path, **as_it_was).status_code == 302
    device.refresh_from_db()
    assert device.country_code == "ES"
    assert device.city not in (None, "Haarlem")
    moved = {"latitude": "52.37", "longitude": "4.62", "country_code": "ES", "city": "At sea"}
    send(browser, path, **FORM | moved)
    device.refresh_from_db()
    assert (device.city, device.country_code) == ("At sea", "NL")


def test_who_may_have_readings_forwarded_switches_it_and_is_shown_where_they_go(
    browser: Client, device: Device, alice: User
) -> None:
    path = f"/ui/me/devices/{device.pk}"
    kept = {**FORM, "mac_address": device.mac_address}
    assert "Forward its readings" not in browser.get(f"{path}/edit").content.decode()
    refused = send(browser, f"{path}/edit", **kept, enable_forwarding="on")
    assert refused.status_code == 422
    assert "is for researchers and admins" in refused.content.decode()
    User.objects.filter(pk=alice.pk).update(role=User.Role.RESEARCHER)
    assert "Forward its readings" in browser.get(f"{path}/edit").content.decode()
    assert send(browser, f"{path}/edit", **kept, enable_forwarding="on").status_code == 302
    token = User.objects.get(pk=alice.pk).forwarding_token
    assert token
    assert token not in browser.get(path).content.decode()
    asked = browser.get(path, {"forwarding": "show"}).content.decode()
    assert f"/forward/{token}/device/{device.pk}/readings" in asked
    # Who is no researcher any more can end it still
    User.objects.filter(pk=alice.pk).update(role=User.Role.CITIZEN)
    assert "Forward its readings" in browser.get(f"{path}/edit").content.decode()
    assert send(browser, f"{path}/edit", **kept).status_code == 302
    device.refresh_from_db()
    assert not device.enable_forwarding
    assert User.objects.get(pk=alice.pk).forwarding_token is None
    assert "Forwarding" not in browser.get(path, {"forwarding": "show"}).content.decode()


def test_a_device_without_a_mac_address_can_be_changed_without_one(
    browser: Client, device: Device
) -> None:
    Device.objects.update(mac_address=None)
    path = f"/ui/me/devices/{device.pk}/edit"
    assert send(browser, path, **{**FORM, "mac_address": ""}).status_code == 302
    Device.objects.update(mac_address=MAC)
    assert send(browser, path, **{**FORM, "mac_address": ""}).status_code == 422


def test_a_deleted_device_can_be_had_back_for_a_while(browser: Client, device: Device) -> None:
    assert send(browser, f"/ui/me/devices/{device.pk}/delete")["Location"] == "/ui/me"
    device.refresh_from_db()
    assert device.archived_at is not None
    shown = browser.get("/ui/me").content.decode()
    assert "SmartHaarlem was deleted." in shown
    assert browser.get(f"/ui/me/devices/{device.pk}").status_code == 404
    assert send(browser, f"/ui/me/devices/{device.pk}/restore").status_code == 302
    device.refresh_from_db()
    assert device.archived_at is None
    assert "was deleted" not in browser.get("/ui/me").content.decode()


def test_after_a_while_it_cannot(browser: Client, device: Device) -> None:
    send(browser, f"/ui/me/devices/{device.pk}/delete")
    early = timezone.now() - timedelta(minutes=16)
    Device.objects.update(archived_at=early)
    session = browser.session
    session["deleted_devices"] = [{"id": device.pk, "at": early.isoformat()}]
    session.save()
    assert "was deleted" not in browser.get("/ui/me").content.decode()
    assert send(browser, f"/ui/me/devices/{device.pk}/restore").status_code == 404


def test_what_an_admin_archived_is_not_brought_back(browser: Client, device: Device) -> None:
    send(browser, f"/ui/me/devices/{device.pk}/delete")
    device.archive()
    assert send(browser, f"/ui/me/devices/{device.pk}/restore").status_code == 404


def test_a_mac_address_that_was_taken_meanwhile_is_said(
    browser: Client, device: Device, bob: User
) -> None:
    send(browser, f"/ui/me/devices/{device.pk}/delete")
    Device.objects.register(owner=bob, name="Other", mac_address=device.mac_address)
    answer = send(browser, f"/ui/me/devices/{device.pk}/restore")
    assert answer.status_code == 422
    assert "Another device has the MAC address of SmartHaarlem" in answer.content.decode()
    device.refresh_from_db()
    assert device.archived_at is not None


@pytest.mark.parametrize("verb", ["", "/edit", "/delete", "/restore"])
def test_a_device_of_somebody_else_is_not_there_not_even_for_admins(
    verb: str, device: Device, bob: User, carol: User
) -> None:
    for person in (bob, carol):
        stranger = Client()
        stranger.force_login(person)
        path = f"/ui/me/devices/{device.pk}{verb}"
        ask = stranger.get if verb in ("", "/edit") else stranger.post
        assert ask(path).status_code == 404
    device.refresh_from_db()
    assert device.archived_at is None


def test_a_form_without_its_token_is_refused(browser: Client, device: Device) -> None:
    assert browser.post(f"/ui/me/devices/{device.pk}/delete").status_code == 403
    device.refresh_from_db()
    assert device.archived_at is None
