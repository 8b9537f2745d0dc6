"""`GET /`: a page for who opens it in a browser, the root of the API for everyone else."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.devices.models import Device
from apps.users.models import User

pytestmark = pytest.mark.django_db

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("accept", "page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("text/html, application/json;q=0.5", True),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.9", False),
        ("application/vnd.smartcitizen; version=0,application/json", False),
        ("", False),
    ],
)
def test_who_prefers_html_gets_the_page(client: Client, accept: str, page: bool) -> None:
    answer = client.get("/", headers={"Accept": accept})
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/html" if page else "application/json")
    assert "Accept" in answer["Vary"]


def test_a_script_element_gets_json_p(client: Client) -> None:
    answer = client.get("/?callback=f", headers={"Accept": BROWSER})
    assert answer["Content-Type"].startswith("application/javascript")


def test_v0_is_the_api_for_browsers_too(client: Client) -> None:
    assert client.get("/v0", headers={"Accept": BROWSER})["Content-Type"] == "application/json"


def test_the_page_lists_public_devices_and_finds_them(client: Client, device: Device) -> None:
    hidden = Device.objects.register(
        owner=device.owner, name="Secret", latitude=1.0, longitude=1.0, is_private=True
    )
    for query, found in [("", True), ("?q=HAARLEM", True), ("?q=alice", True), ("?q=x", False)]:
        text = client.get(f"/{query}", headers={"Accept": BROWSER}).content.decode()
        assert (f"/ui/devices/{device.pk}" in text) == found, query
        assert f"/ui/devices/{hidden.pk}" not in text


def test_the_page_costs_as_many_queries_however_many_devices(
    client: Client, alice: User, device: Device
) -> None:
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get("/", headers={"Accept": BROWSER})
        assert len(queries) == 3
        for n in range(5):
            Device.objects.register(owner=alice, name=f"D{n}", latitude=1.0, longitude=float(n))


def test_what_people_typed_is_text(client: Client, device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(name="<script>alert(1)</script>")
    answer = client.get("/?q=<b>&", headers={"Accept": BROWSER})
    assert b"<script>alert" not in answer.content
    page = client.get(f"/ui/devices/{device.pk}").content
    assert b"<script>alert" not in page
    assert "script-src 'self'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/ui/devices/0", f"/ui/devices/{'9' * 30}", "/ui/users/nobody"])
def test_what_there_is_not_is_a_page_that_says_so(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
