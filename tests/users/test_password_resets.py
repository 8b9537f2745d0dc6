"""`/v0/password_resets`: the reference's four steps, and everything that must not work."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken
from rest_framework.test import APIClient

from apps.mail.models import Mail
from apps.users import access, accounts, password_resets, tasks, tokens
from apps.users.models import PasswordReset, User
from tests.users.worker import work

DELIVERED = {"message": "Password Reset Instructions Delivered"}
Mailbox = list[EmailMultiAlternatives]


def last_token(mailbox: Mailbox) -> str:
    """The token in the newest mail."""
    found = re.search(r"/ui/password_reset/([\w-]{43})\n", str(mailbox[-1].body))
    assert found, mailbox[-1].body
    return found[1]


@pytest.fixture
def token(alice: User, client: APIClient, mailoutbox: Mailbox) -> str:
    """A token that was mailed to alice."""
    assert client.post("/v0/password_resets?username=alice").status_code == 200
    work()
    return last_token(mailoutbox)


def test_the_four_steps_of_the_reference(
    alice: User, client: APIClient, mailoutbox: Mailbox
) -> None:
    answer = client.post("/v0/password_resets?username=alice")
    assert (answer.status_code, answer.json()) == (200, DELIVERED)
    assert mailoutbox == [], "the worker sends it"
    work()
    [mail] = mailoutbox
    assert mail.to == ["alice@example.org"]
    token = last_token(mailoutbox)
    shown = client.get(f"/v0/password_resets/{token}")
    assert shown.status_code == 200
    assert shown.json() == client.get("/v0/users/alice").json(), "as anyone sees her"
    done = client.patch(f"/v0/password_resets/{token}?password=a+new+one")
    assert (done.status_code, done.json()["username"]) == (200, "alice")
    assert (done.json()["email"], done.json()["legacy_api_key"]) == ("[FILTERED]", "[FILTERED]")
    alice.refresh_from_db()
    assert alice.check_password("a new one")


@pytest.mark.parametrize(
    "parameters",
    [
        {"username": "ALICE"},
        {"email": "Alice@Example.org"},
        {"email_or_username": "alice"},
        {"email_or_username": " alice@example.org "},
        {"username": "alice@example.org"},
    ],
)
def test_the_account_is_named_in_any_of_these_ways(
    parameters: dict[str, str], alice: User, client: APIClient, mailoutbox: Mailbox
) -> None:
    answer = client.post("/v0/password_resets", parameters, format="json")
    assert (answer.status_code, answer.json()) == (200, DELIVERED)
    work()
    assert [mail.to for mail in mailoutbox] == [["alice@example.org"]]


def test_an_unknown_username_is_404(alice: User, client: APIClient) -> None:
    answer = client.post("/v0/password_resets", {"username": "nobody"})
    assert (answer.status_code, answer.json()["id"]) == (404, "record_not_found")
    assert answer.json()["message"] == "Couldn't find User with 'username'=nobody"
    assert not OrmQ.objects.exists()


def test_an_unknown_address_answers_as_a_known_one_with_the_same_work(
    alice: User, client: APIClient, mailoutbox: Mailbox
) -> None:
    did = []
    for email in ("alice@example.org", "alibe@example.org"):
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/v0/password_resets", {"email": email})
        assert (answer.status_code, answer.json()) == (200, DELIVERED)
        did.append([re.sub(r"'.*?'", "", query["sql"]) for query in queries])
    assert did[0] == did[1]
    work()
    assert [mail.to for mail in mailoutbox] == [["alice@example.org"]]


@pytest.mark.parametrize("parameters", [{}, {"username": " "}, {"email": ["a"]}, {"name": "alice"}])
def test_without_a_name_it_is_400(parameters: Any, client: APIClient, db: None) -> None:
    answer = client.post("/v0/password_resets", parameters, format="json")
    assert (answer.status_code, answer.json()["id"]) == (400, "parameter_missing")


def test_an_archived_account_gets_no_mail(
    alice: User, client: APIClient, mailoutbox: Mailbox
) -> None:
    accounts.archive(alice)
    assert client.post("/v0/password_resets", {"username": "alice"}).status_code == 404
    assert client.post("/v0/password_resets", {"email": "alice@example.org"}).status_code == 200
    work()
    assert mailoutbox == []


def test_nobody_fills_a_mailbox(alice: User, client: APIClient, mailoutbox: Mailbox) -> None:
    for _ in range(password_resets.MOST_AN_HOUR + 3):
        assert (
            client.post("/v0/password_resets", {"email": "alice@example.org"}).json() == DELIVERED
        )
        work()
    assert len(mailoutbox) == password_resets.MOST_AN_HOUR


def test_the_token_is_kept_as_a_hash_alone(token: str) -> None:
    [row] = PasswordReset.objects.values()
    [mail] = Mail.objects.values()
    assert token not in repr(row) and token not in repr(mail)
    assert len(bytes(row["token_hash"])) == 32
    assert row["expires_at"] - row["created_at"] - timedelta(hours=24) < timedelta(seconds=1)


def test_the_link_comes_from_a_setting(
    alice: User, client: APIClient, mailoutbox: Mailbox, settings: Any
) -> None:
    settings.PASSWORD_RESET_URL = "https://app.example.org/#/reset?code={token}&x"
    client.post("/v0/password_resets", {"username": "alice"})
    work()
    found = re.search(r"https://app.example.org/#/reset\?code=[\w-]{43}&x\n", mailoutbox[0].body)
    assert found


def expect_useless(client: APIClient, token: str) -> None:
    """The token opens nothing: 404, whatever is done with it."""
    for answer in (
        client.get(f"/v0/password_resets/{token}"),
        client.patch(f"/v0/password_resets/{token}", {"password": "yet another"}),
        client.patch(f"/v0/password_resets/{token}", {"password": "short"}),
    ):
        assert (answer.status_code, answer.json()["id"]) == (404, "record_not_found")
        assert token not in answer.content.decode() or len(token) < 5


def test_a_used_token_opens_nothing(token: str, alice: User, client: APIClient) -> None:
    assert (
        client.patch(f"/v0/password_resets/{token}", {"password": "a new one"}).status_code == 200
    )
    expect_useless(client, token)
    alice.refresh_from_db()
    assert alice.check_password("a new one")


def test_the_other_tokens_of_the_user_are_used_up_with_it(
    token: str, client: APIClient, mailoutbox: Mailbox
) -> None:
    client.post("/v0/password_resets", {"username": "alice"})
    work()
    second = last_token(mailoutbox)
    assert client.get(f"/v0/password_resets/{token}").status_code == 200
    assert (
        client.patch(f"/v0/password_resets/{second}", {"password": "a new one"}).status_code == 200
    )
    expect_useless(client, token)


def test_an_expired_token_opens_nothing(token: str, client: APIClient) -> None:
    PasswordReset.objects.update(expires_at=timezone.now())
    expect_useless(client, token)


def test_the_token_of_an_archived_account_opens_nothing(
    token: str, alice: User, client: APIClient
) -> None:
    accounts.archive(alice)
    expect_useless(client, token)


@pytest.mark.parametrize("wrong", ["x", "x" * 43, "é", "a" * 2000, "' OR 1=1 --"])
def test_what_was_never_a_token_opens_nothing(wrong: str, token: str, client: APIClient) -> None:
    expect_useless(client, wrong)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"password": "short"}, "is too short (minimum is 8 characters)"),
        ({"password": ""}, "can't be blank"),
        ({}, "can't be blank"),
    ],
)
def test_a_short_password_is_422_and_the_token_still_works(
    sent: dict[str, str], said: str, token: str, alice: User, client: APIClient
) -> None:
    answer = client.patch(f"/v0/password_resets/{token}", sent, format="json")
    assert (answer.status_code, answer.json()["errors"]) == (422, {"password": [said]})
    alice.refresh_from_db()
    assert alice.check_password("alicealice")
    assert client.put(f"/v0/password_resets/{token}", {"password": "a new one"}).status_code == 200


def test_a_reset_shuts_every_door_that_was_open(
    token: str, alice: User, bob: User, client: APIClient, mailoutbox: Mailbox
) -> None:
    browser = Client()
    browser.force_login(alice)
    opened, of_bob = access.open_session(alice), access.open_session(bob)
    soon = timezone.now() + timedelta(hours=1)
    application = Application.objects.create(name="Map", user=bob)
    common = {"user": alice, "application": application}
    RefreshToken.objects.create(token="refresh", **common)
    Grant.objects.create(code="code", expires=soon, **common)
    client.patch(f"/v0/password_resets/{token}", {"password": "a new one"})
    for raw, status in ((opened, 401), (of_bob, 200)):
        answer = client.get("/v0/me", headers={"Authorization": f"Bearer {raw}"})
        assert answer.status_code == status
    assert browser.get("/oauth/applications").status_code == 302, "the session ended"
    left = [
        model.objects.filter(user=alice).count() for model in (AccessToken, RefreshToken, Grant)
    ]
    assert left == [0, 0, 0]
    work()
    assert mailoutbox[-1].subject == "Your password was changed"
    assert mailoutbox[-1].to == ["alice@example.org"]


def test_a_mail_that_waited_too_long_is_not_sent(
    alice: User, client: APIClient, mailoutbox: Mailbox
) -> None:
    tasks.mail_password_reset("alice")
    Mail.objects.update(expires_at=timezone.now())
    work()
    assert mailoutbox == []


def test_wrong_tokens_are_limited_per_address(client: APIClient, token: str) -> None:
    most = settings.WRONG_PASSWORDS_PER_ADDRESS
    statuses = [client.get(f"/v0/password_resets/{'x' * 43}").status_code for _ in range(most + 1)]
    assert statuses == [404] * most + [429]
    answer = client.get(f"/v0/password_resets/{token}")
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 900
    elsewhere = client.get(f"/v0/password_resets/{token}", REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 200


def test_other_methods_are_405(client: APIClient, token: str) -> None:
    assert client.get("/v0/password_resets").status_code == 405
    assert client.post(f"/v0/password_resets/{token}").status_code == 405
    assert client.delete(f"/v0/password_resets/{token}").status_code == 405


def test_what_is_too_long_for_a_name_is_nobody_and_fills_no_queue(
    alice: User, client: APIClient
) -> None:
    answer = client.post("/v0/password_resets", {"email": "a" * 300 + "@example.org"})
    assert (answer.status_code, answer.json()["id"]) == (404, "record_not_found")
    assert not OrmQ.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_sets_the_password(alice: User) -> None:
    token = tokens.generate()
    alice.password_resets.create(token_hash=tokens.hashed(token))
    barrier = Barrier(3)

    def reset(number: int) -> int:
        barrier.wait(10)
        try:
            sent = {"password": f"password {number}"}
            return APIClient().patch(f"/v0/password_resets/{token}", sent).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as threads:
        statuses = list(threads.map(reset, range(3)))
    assert sorted(statuses) == [200, 404, 404]
    alice.refresh_from_db()
    assert alice.check_password(f"password {statuses.index(200)}")
