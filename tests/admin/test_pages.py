"""Every page of the admin site: it opens for admins alone, shows no secret, and stays fast."""

from __future__ import annotations

import base64
import re
from typing import Any

from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.devices.models import Device
from apps.users import legacy_keys
from apps.users.models import User
from tests.admin.conftest import SECRETS, SignIn

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
NAMES = [model._meta.label for model in MODELS]

# Nobody adds these by hand.
WRITTEN_BY_THE_PLATFORM = {
    "admin.LogEntry",
    "axes.AccessAttempt",
    "devices.OrphanDevice",
    "django_q.Failure",
    "django_q.OrmQ",
    "django_q.Success",
    "mail.Mail",
    "oauth2_provider.AccessToken",
    "oauth2_provider.Application",
    "oauth2_provider.Grant",
    "oauth2_provider.IDToken",
    "oauth2_provider.RefreshToken",
    "readings.IngestError",
    "users.PasswordReset",
}


def page(model: Any, kind: str, *args: Any) -> str:
    """The address of a page of a model."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{kind}", args=args)


def pages(model: Any) -> list[str]:
    """The list, a search, and the page and the history of a row."""
    found = [page(model, "changelist"), page(model, "changelist") + "?q=a+1"]
    row = model._default_manager.first()
    if row is not None:
        found.append(page(model, "change", row.pk))
        found.append(page(model, "history", row.pk))
    return found


def test_every_model_is_there() -> None:
    assert {
        "users.User",
        "users.PasswordReset",
        "sensors.Measurement",
        "sensors.Sensor",
        "sensors.SensorTag",
        "kits.Kit",
        "devices.Device",
        "devices.Component",
        "devices.Tag",
        "devices.Experiment",
        "devices.OrphanDevice",
        "readings.IngestError",
        "oauth2_provider.Application",
        "oauth2_provider.AccessToken",
        "oauth2_provider.RefreshToken",
        "admin.LogEntry",
        "axes.AccessAttempt",
        "mail.Mail",
        "django_q.Schedule",
    } <= set(NAMES)


def test_an_admin_opens_every_page(everything: None, browser: Client) -> None:
    for model in MODELS:
        for address in pages(model):
            assert browser.get(address).status_code == 200, address


def test_an_admin_opens_the_page_to_add_one(browser: Client) -> None:
    for model in MODELS:
        expected = 403 if model._meta.label in WRITTEN_BY_THE_PLATFORM else 200
        assert browser.get(page(model, "add")).status_code == expected, model


def test_who_is_no_admin_is_sent_to_the_login_page(
    everything: None, device: Device, bob: User, signed_in: SignIn
) -> None:
    addresses = ["/admin/", reverse("admin:devices_device_readings", args=[device.pk])]
    for model in MODELS:
        addresses += [*pages(model), page(model, "add")]
    for browser in (signed_in(bob), Client()):
        for address in addresses:
            answer = browser.get(address)
            assert answer.status_code == 302, address
            assert answer["Location"].startswith("/admin/login/")


def test_every_filter_works(everything: None, browser: Client) -> None:
    for model in MODELS:
        address = page(model, "changelist")
        changelist = browser.get(address).context["cl"]
        for chosen in changelist.filter_specs:
            for choice in chosen.choices(changelist):
                answer = browser.get(address + choice["query_string"])
                assert answer.status_code == 200, choice


def test_no_page_shows_a_secret(everything: None, alice: User, browser: Client) -> None:
    alice.refresh_from_db()
    hashed = bytes(alice.legacy_api_key_hash or b"")
    secrets = {
        **SECRETS,
        "legacy key": legacy_keys.reveal(alice) or "",
        "its hash": hashed.hex(),
        "its hash in base64": base64.b64encode(hashed).decode(),
        "its cipher text": bytes(alice.legacy_api_key_encrypted or b"").decode(),
        "password": alice.password,
        "end of the password's hash": alice.password[-20:],
    }
    assert all(secrets.values())
    for address in (address for model in MODELS for address in pages(model)):
        html = browser.get(address).content.decode()
        for name, secret in secrets.items():
            assert secret not in html, f"{name} is on {address}"


def test_no_page_costs_more_where_there_are_more_rows(browser: Client, many_rows: None) -> None:
    for model in MODELS:
        row = model._default_manager.first()
        addresses = [(page(model, "changelist"), 12)]
        addresses += [(page(model, "change", row.pk), 18)] if row else []
        for address, most in addresses:
            with CaptureQueriesContext(connection) as queries:
                html = browser.get(address).content.decode()
            assert len(queries) <= most, (address, [query["sql"] for query in queries])
            listed = re.findall(r"<option[^>]*>[^<]*of-many-", html)
            assert len(listed) <= 2, f"a box on {address} lists all users or all devices"


def test_the_site_has_our_name(browser: Client) -> None:
    assert "Smart Citizen" in browser.get("/admin/").content.decode()
    assert "Smart Citizen" in Client().get("/admin/login/").content.decode()
