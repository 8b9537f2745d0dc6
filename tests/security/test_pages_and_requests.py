"""What every page and cookie says to browsers, and that no address that a user gives is fetched."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.devices.models import Device
from apps.users.models import User

PAGES = (
    *("/", "/ui/sign_in", "/ui/sign_up", "/ui/password_reset", "/ui/password_reset/x"),
    *("/ui/nothing", "/oauth/authorize", "/ui/email_change/x"),
)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server on loopback, and who came to it."""
    came: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(0.1)
    ended = threading.Event()

    def listen() -> None:
        while not ended.is_set():
            try:
                connection, _ = server.accept()
            except TimeoutError:
                continue
            came.append(b"somebody")
            connection.close()

    thread = threading.Thread(target=listen)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}", came
    ended.set()
    thread.join()
    server.close()


def test_no_address_that_a_user_gives_is_fetched(
    client: Any, as_user: Any, alice: User, device: Device, listener: tuple[str, list[bytes]]
) -> None:
    url, came = listener
    me = as_user(alice)
    profile = {"url": url, "avatar": f"{url}/a.png"}
    assert me.patch("/v0/me", profile, format="json").status_code == 200
    me.patch(
        f"/v0/devices/{device.pk}",
        {"description": url, "meta": {"url": url}, "name": url},
        format="json",
    )
    body = {"blueprint_url": url, "hardware_url": url, "forwarding_params": url}
    me.patch(f"/v0/devices/{device.pk}", {"postprocessing_attributes": body}, format="json")
    application = {"name": "app", "redirect_uris": [f"{url}/back"], "client_type": "public"}
    me.post("/v0/oauth_applications", application, format="json")
    client.get("/v0/devices", headers={"referer": url, "origin": url})
    client.get(f"/v0/users/{alice.pk}")
    client.get(f"/ui/devices/{device.pk}")
    assert came == []


@pytest.mark.parametrize("path", PAGES)
def test_every_page_forbids_what_it_does_not_need(db: None, path: str) -> None:
    answer = Client(headers={"accept": "text/html"}).get(path, follow=True)
    assert answer["Content-Type"].startswith("text/html")
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


ANSWERS = (
    *("/ui/sign_in", "/ui/nothing", "/v0/devices", "/v0/devices/0", "/v0/nothing", "/v0/me"),
    *("/v0/devices?format=csv", "/v0/schema", "/docs", "/health/live"),
    *("/admin/", "/admin/login/", "/admin/devices/device/", "/admin/devices/device/add/"),
    *("/admin/devices/device/0/change/", "/admin/jsi18n/", "/admin/nothing/"),
)


@pytest.mark.parametrize("path", ANSWERS)
@pytest.mark.parametrize("signed_in", [False, True], ids=["anyone", "an admin"])
def test_every_answer_has_the_headers_that_protect_it(
    carol: User, settings: LazySettings, path: str, signed_in: bool
) -> None:
    settings.SECURE_SSL_REDIRECT = True  # as where PUBLIC_URL is https
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    client = Client()
    if signed_in:
        client.force_login(carol)
    answer = client.get(path, secure=True)
    policy = answer["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';")
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in policy
    assert set(re.findall(r"script-src ([^;]*)", policy)) <= {"'self'"}
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Server" not in answer
    if path.startswith("/admin/"):
        assert "form-action 'self'" in policy
        assert "Access-Control-Allow-Origin" not in answer


@pytest.mark.parametrize("path", ["/datetime", "/add"])
def test_a_text_for_old_kits_is_short_and_taken_for_no_page(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer["Content-Type"].startswith("text/plain")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in answer


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(
    alice: User, settings: LazySettings
) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True  # as with https
    client = Client()
    client.get("/ui/sign_in", secure=True)
    client.post("/ui/sign_in", {"username": "alice", "password": "alicealice"}, secure=True)
    session, csrf = client.cookies["sessionid"], client.cookies["csrftoken"]
    assert session["httponly"]
    for cookie in (session, csrf):
        assert cookie["secure"]
        assert cookie["samesite"] == "Lax"
        assert not cookie["domain"]


def test_a_session_that_was_planted_is_not_the_one_that_signs_in(alice: User) -> None:
    victim, planted = Client(), "planted0planted0planted0planted0"
    victim.cookies["sessionid"] = planted
    victim.post("/ui/sign_in", {"username": "alice", "password": "alicealice"})
    assert victim.cookies["sessionid"].value not in {"", planted}
    attacker = Client()
    attacker.cookies["sessionid"] = planted
    assert attacker.get("/oauth/applications").status_code == 302
