"""Guessing is slow: wrong passwords are limited per account and per address, at every door."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db.models import F
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from apps.users import guesses
from apps.users.models import User
from tests.users.conftest import IssueToken

MOST, MOST_FROM_ONE = 3, 6


@pytest.fixture(autouse=True)
def limits(settings: Any) -> None:
    """Few are enough to see it."""
    settings.WRONG_PASSWORDS_PER_ACCOUNT = MOST
    settings.WRONG_PASSWORDS_PER_ADDRESS = MOST_FROM_ONE


def by_basic(name: str, password: str, address: str = "192.0.2.1") -> Any:
    """Ask for `/v0/me` by HTTP Basic."""
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"Authorization": f"Basic {pair}"}
    return APIClient().get("/v0/me", headers=headers, REMOTE_ADDR=address)


def by_session(name: str, password: str, address: str = "192.0.2.1") -> Any:
    """Ask for an access token."""
    sent = {"username": name, "password": password}
    return APIClient().post("/v0/sessions", sent, REMOTE_ADDR=address)


def by_page(name: str, password: str, address: str = "192.0.2.1") -> Any:
    """Fill in the sign-in page."""
    sent = {"username": name, "password": password}
    return Client().post("/ui/sign_in", sent, REMOTE_ADDR=address)


def by_admin(name: str, password: str, address: str = "192.0.2.1") -> Any:
    """Fill in the sign-in page of the admin site."""
    sent = {"username": name, "password": password}
    return Client().post("/admin/login/?next=/admin/", sent, REMOTE_ADDR=address)


# A door, its answer to a wrong password, and that to a right one.
DOORS = [(by_basic, 401, 200), (by_session, 422, 200), (by_page, 422, 302), (by_admin, 200, 302)]


@pytest.mark.parametrize(("door", "wrong", "right"), DOORS)
@pytest.mark.parametrize("name", ["carol", "CAROL", "carol@example.org", "nobody"])
def test_after_some_wrong_passwords_a_right_one_is_not_looked_at_either(
    name: str, door: Any, wrong: int, right: int, carol: User
) -> None:
    for n in range(MOST):
        assert door(name, "wrong", f"192.0.2.{n}").status_code == wrong
    for password in ("wrong", "carolcarol"):
        answer = door(name, password, "192.0.2.9")
        assert answer.status_code == 429
        assert 890 < int(answer.headers["Retry-After"]) <= 900
    AccessAttempt.objects.update(attempt_time=F("attempt_time") - guesses.WINDOW)
    if name != "nobody":
        assert door(name, "carolcarol", "192.0.2.9").status_code == right


def test_the_api_answers_in_its_envelope_and_pages_in_words(carol: User) -> None:
    for _ in range(MOST):
        by_session("carol", "wrong")
    for answer in (by_session("carol", "x"), by_basic("carol", "x")):
        assert answer.json()["id"] == "too_many_requests"
    assert b"Too many wrong passwords. Please wait" in by_page("carol", "x").content
    page = by_admin("carol", "x")
    assert page["Content-Type"].startswith("text/html") and b"Please wait" in page.content


def test_the_doors_count_together_and_all_names_of_an_account_are_one(carol: User) -> None:
    by_basic("carol", "wrong")
    by_session("CAROL@example.org", "wrong", "192.0.2.2")
    by_page("Carol", "wrong", "192.0.2.3")
    assert by_admin("carol", "carolcarol", "192.0.2.4").status_code == 429


def test_an_address_that_guesses_at_many_accounts_is_refused_for_all(
    alice: User, bob: User
) -> None:
    for n in range(MOST_FROM_ONE):
        assert by_session(f"name-{n}", "password").status_code == 422
    assert by_session("alice", "alicealice").status_code == 429
    assert by_session("alice", "alicealice", "192.0.2.2").status_code == 200


def test_one_network_of_ipv6_is_one_address(alice: User) -> None:
    for n in range(MOST_FROM_ONE):
        by_session(f"name-{n}", "password", f"2001:db8::{n}")
    assert by_session("alice", "alicealice", "2001:db8::ffff").status_code == 429
    assert by_session("alice", "alicealice", "2001:db8:0:1::1").status_code == 200


def test_a_client_behind_a_proxy_is_known_by_what_the_proxy_says(
    alice: User, settings: Any
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    for n in range(MOST_FROM_ONE):
        sent = {"username": f"name-{n}", "password": "x"}
        headers = {"X-Forwarded-For": f"10.0.0.{n}, 198.51.100.1"}
        APIClient().post("/v0/sessions", sent, headers=headers)
    sent = {"username": "alice", "password": "alicealice"}
    for forwarded, status in (("198.51.100.1", 429), ("198.51.100.2", 200)):
        answer = APIClient().post("/v0/sessions", sent, headers={"X-Forwarded-For": forwarded})
        assert answer.status_code == status


def test_the_real_user_stays_in_by_what_he_has(
    alice: User, issue_token: IssueToken, client: APIClient
) -> None:
    bearer = {"Authorization": f"Bearer {issue_token(alice)}"}
    browser = Client()
    browser.force_login(alice)
    assert by_basic("alice", "alicealice").status_code == 200
    for _ in range(MOST):
        by_session("alice", "wrong", "198.51.100.66")
    assert by_session("alice", "alicealice").status_code == 429
    assert client.get("/v0/me", headers=bearer).status_code == 200
    assert browser.get("/oauth/applications").status_code == 200
    assert by_basic("alice", "alicealice").status_code == 200, "the pair was right a moment ago"


def test_right_passwords_are_not_counted(alice: User) -> None:
    for _ in range(MOST_FROM_ONE + 1):
        assert by_basic("alice", "alicealice").status_code == 200
        assert by_session("alice", "alicealice").status_code == 200
    assert not AccessAttempt.objects.exists()


def test_who_is_refused_is_not_refused_for_longer_by_trying_on(alice: User) -> None:
    for _ in range(MOST):
        by_session("alice", "wrong")
    before = list(AccessAttempt.objects.values_list("attempt_time", "failures_since_start"))
    by_session("alice", "wrong")
    after = list(AccessAttempt.objects.values_list("attempt_time", "failures_since_start"))
    assert before == after


def test_without_redis_it_is_the_same(alice: User, settings: Any) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/redis.sock"}
    }
    statuses = [by_session("alice", "wrong").status_code for _ in range(MOST + 1)]
    assert statuses == [422] * MOST + [429]


def test_neither_passwords_nor_what_nobody_is_called_are_kept(
    alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    sent = {"username": "oops my secret", "password": "another secret", "access_token": ""}
    APIClient().post("/v0/sessions?access_token=&x=third+secret", sent)
    [row] = AccessAttempt.objects.values()
    for secret in ("secret", "access_token"):
        assert secret not in repr(row) and secret not in caplog.text
    assert row["ip_address"] == "127.0.0.1"


def test_old_counts_are_deleted_by_the_next(alice: User) -> None:
    by_session("alice", "wrong")
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(days=1))
    by_session("nobody", "wrong")
    assert AccessAttempt.objects.count() == 1


def test_a_shell_without_a_request_is_limited_by_account_alone(alice: User) -> None:
    guesses.count(None, "alice")
    guesses.refuse(None, None)
    [row] = AccessAttempt.objects.all()
    assert (row.username, row.ip_address) == ("alice", None)
