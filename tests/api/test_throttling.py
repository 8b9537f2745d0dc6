"""How often a client may ask (contract: 429)."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client

from apps.api.redis_breaker import GuardedRedis
from apps.api.throttling import count, network, parsed_rate
from apps.users.models import User


@pytest.fixture(autouse=True)
def two_a_minute(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Low limits, at a time that stands still 15 s before the end of its minute."""
    limit(settings, anon="2/min", user="3/min")
    monkeypatch.setattr(time, "time", lambda: 600_045.0)


def limit(settings: LazySettings, **rates: str) -> None:
    """Set the rates that the settings would read from the environment."""
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}


def statuses(times: int, client: Client, path: str = "/v0/limited", **headers: str) -> list[int]:
    """The statuses of so many requests."""
    return [client.get(path, headers=headers).status_code for _ in range(times)]


def test_beyond_the_limit_is_429_with_the_seconds_to_wait(client: Client) -> None:
    assert statuses(3, client) == [200, 200, 429]
    answer = client.get("/v0/limited", headers={"origin": "https://a.example"})
    assert answer["Retry-After"] == "15"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in answer["Access-Control-Expose-Headers"]
    assert answer.json()["id"] == "too_many_requests"
    assert answer.json()["errors"] is None


def test_the_next_window_starts_afresh(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert statuses(3, client)[-1] == 429
    monkeypatch.setattr(time, "time", lambda: 600_060.0)
    assert statuses(1, client) == [200]


def test_users_have_a_limit_of_their_own(client: Client, alice: User, bob: User) -> None:
    assert statuses(4, client, authorization="User alice") == [200, 200, 200, 429]
    assert statuses(1, client, authorization="User bob") == [200]
    assert statuses(1, client) == [200]


def test_researchers_and_admins_ask_as_often_as_they_like(
    client: Client, bob: User, carol: User
) -> None:
    bob.role = User.Role.RESEARCHER
    bob.save()
    assert set(statuses(9, client, authorization="User bob")) == {200}
    assert set(statuses(9, client, authorization="User carol")) == {200}


@pytest.mark.django_db
def test_wrong_credentials_count_against_the_address(client: Client) -> None:
    assert statuses(3, client, authorization="User nobody") == [401, 401, 429]


def test_a_view_can_opt_out(client: Client) -> None:
    assert set(statuses(9, client, path="/v0/door")) == {200}


def test_an_empty_rate_is_no_limit(client: Client, settings: LazySettings) -> None:
    limit(settings, anon="", user="")
    assert set(statuses(9, client)) == {200}


def test_clients_are_told_apart_by_address() -> None:
    assert statuses(3, Client(REMOTE_ADDR="192.0.2.1"))[-1] == 429
    assert statuses(1, Client(REMOTE_ADDR="192.0.2.2")) == [200]


@pytest.mark.parametrize(("proxies", "after"), [(0, 429), (1, 200)])
def test_only_trusted_proxies_say_who_the_client_is(
    settings: LazySettings, proxies: int, after: int
) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": proxies}
    client = Client()
    statuses(2, client, **{"x-forwarded-for": "203.0.113.1"})
    assert statuses(1, client, **{"x-forwarded-for": "203.0.113.2"}) == [after]


def test_an_invented_forwarded_address_does_not_help(settings: LazySettings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    answers = [
        Client().get("/v0/limited", headers={"x-forwarded-for": f"{number}, 203.0.113.9"})
        for number in range(3)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("garbage" * 20, ("garbage" * 20)[:64]),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_house_with_a_network_of_its_own_is_one_client(address: str | None, counted: str) -> None:
    assert network(address) == counted


@pytest.mark.parametrize(
    ("rate", "parsed"),
    [("150/min", (150, 60)), ("1/s", (1, 1)), ("5/hour", (5, 3600)), ("9/day", (9, 86_400))],
)
def test_a_rate_is_read(rate: str, parsed: tuple[int, int]) -> None:
    assert parsed_rate(rate) == parsed


def test_a_request_costs_one_round_trip(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    asking = GuardedRedis.execute_command

    def noting(redis: GuardedRedis, *words: Any, **options: Any) -> Any:
        calls.append(words[0])
        return asking(redis, *words, **options)

    monkeypatch.setattr(GuardedRedis, "execute_command", noting)
    statuses(2, client)
    assert calls == ["INCRBY", "EXPIRE", "INCRBY"]


def test_without_redis_all_is_let_through(client: Client, settings: LazySettings) -> None:
    default = settings.CACHES["default"]
    settings.CACHES = {"default": {**default, "LOCATION": "unix:///nowhere/redis.sock"}}
    assert set(statuses(5, client)) == {200}


def test_a_counter_is_forgotten_with_its_window() -> None:
    assert [count("throttle:x", 60), count("throttle:x", 60)] == [1, 2]
    assert 0 < cache.ttl("throttle:x") <= 60  # type: ignore[attr-defined]
