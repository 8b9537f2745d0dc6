"""A new e-mail address counts once it is confirmed there, and the old one is told."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from rest_framework.test import APIClient

from apps.api.exceptions import RecordNotFound
from apps.users import email_changes, password_resets, tokens
from apps.users.models import User
from tests.users.worker import work

Mailbox = list[EmailMultiAlternatives]
NEW = "new@example.org"


def token_in(mail: EmailMultiAlternatives) -> str:
    """The token of the link in a mail."""
    found = re.search(r"http://localhost:\d+/ui/email_change/([\w-]{43})\n", str(mail.body))
    assert found, mail.body
    return found[1]


@pytest.fixture
def token(alice: User, as_user: Any, mailoutbox: Mailbox) -> str:
    """The token that was mailed to the address that alice asked for."""
    assert as_user(alice).patch("/v0/me", {"email": NEW}).status_code == 200
    work()
    return token_in(next(mail for mail in mailoutbox if mail.to == [NEW]))


@pytest.mark.parametrize("path", ["/v0/me", "/v0/users/alice"])
def test_a_new_address_waits_and_both_are_told(
    path: str, alice: User, as_user: Any, mailoutbox: Mailbox, client: APIClient
) -> None:
    answer = as_user(alice).patch(path, {"email": "New@EXAMPLE.org", "city": "Girona"})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["email"], body["unconfirmed_email"]) == ("alice@example.org", "New@example.org")
    assert body["location"]["city"] == "Girona", "the rest counts at once"
    assert body == as_user(alice).get("/v0/me").json()
    assert "unconfirmed_email" not in client.get("/v0/users/alice").json()
    work()
    confirmation, told = sorted(mailoutbox, key=lambda mail: mail.to)
    assert (confirmation.to, told.to) == (["New@example.org"], ["alice@example.org"])
    assert "New@example.org" in told.body and "/ui/email_change/" not in told.body
    token_in(confirmation)


def test_the_link_makes_it_the_address_and_the_old_one_is_told(
    token: str, alice: User, mailoutbox: Mailbox
) -> None:
    mailoutbox.clear()
    reset = tokens.generate()
    alice.password_resets.create(token_hash=tokens.hashed(reset))
    user = email_changes.confirm(token)
    alice.refresh_from_db()
    assert (alice.email, alice.unconfirmed_email, alice.email_token_hash) == (NEW, None, None)
    assert user == alice
    work()
    [mail] = mailoutbox
    assert mail.to == ["alice@example.org"] and NEW in mail.body
    with pytest.raises(RecordNotFound):
        email_changes.confirm(token)
    with pytest.raises(RecordNotFound):
        password_resets.find(reset)  # it was mailed to the old address


def test_the_token_is_kept_as_a_hash_alone(token: str, alice: User) -> None:
    [row] = User.objects.values()
    assert token not in repr(row)


def test_a_token_that_is_too_old_confirms_nothing(token: str, alice: User) -> None:
    User.objects.update(email_token_expires_at=timezone.now())
    with pytest.raises(RecordNotFound):
        email_changes.confirm(token)
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"


def test_a_newer_wish_replaces_an_older_one(
    token: str, alice: User, as_user: Any, mailoutbox: Mailbox
) -> None:
    as_user(alice).patch("/v0/me", {"email": "newer@example.org"})
    with pytest.raises(RecordNotFound):
        email_changes.confirm(token)
    work()
    newer = next(mail for mail in mailoutbox if mail.to == ["newer@example.org"])
    assert email_changes.confirm(token_in(newer)).email == "newer@example.org"


def test_a_client_that_sends_the_whole_profile_again_causes_no_more_mail(
    token: str, alice: User, as_user: Any, mailoutbox: Mailbox
) -> None:
    mailoutbox.clear()
    assert as_user(alice).patch("/v0/me", {"email": NEW, "city": "Girona"}).status_code == 200
    work()
    assert mailoutbox == []
    assert email_changes.confirm(token).email == NEW


def test_the_address_that_the_account_has_takes_the_wish_back(
    token: str, alice: User, as_user: Any
) -> None:
    body = as_user(alice).patch("/v0/me", {"email": "alice@example.org"}).json()
    assert (body["email"], body["unconfirmed_email"]) == ("alice@example.org", None)
    with pytest.raises(RecordNotFound):
        email_changes.confirm(token)


def test_a_password_reset_takes_the_wish_back(token: str, alice: User) -> None:
    reset = tokens.generate()
    alice.password_resets.create(token_hash=tokens.hashed(reset))
    password_resets.finish(reset, "a new one")
    with pytest.raises(RecordNotFound):
        email_changes.confirm(token)


def test_what_an_admin_changes_counts_at_once(
    token: str, alice: User, carol: User, as_user: Any, mailoutbox: Mailbox
) -> None:
    mailoutbox.clear()
    body = as_user(carol).patch("/v0/users/alice", {"email": "by.carol@example.org"}).json()
    assert (body["email"], body["unconfirmed_email"]) == ("by.carol@example.org", None)
    work()
    assert mailoutbox == []
    with pytest.raises(RecordNotFound):
        email_changes.confirm(token)


def test_an_address_that_another_has_is_refused(alice: User, bob: User, as_user: Any) -> None:
    answer = as_user(alice).patch("/v0/me", {"email": "BOB@example.org"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"email": ["has already been taken"]}


def test_nobody_has_strangers_mailboxes_filled(
    alice: User, as_user: Any, mailoutbox: Mailbox
) -> None:
    for n in range(email_changes.MOST_AN_HOUR):
        assert as_user(alice).patch("/v0/me", {"email": f"{n}@example.org"}).status_code == 200
    answer = as_user(alice).patch("/v0/me", {"email": "more@example.org", "city": "Girona"})
    assert (answer.status_code, answer.json()["id"]) == (429, "too_many_requests")
    alice.refresh_from_db()
    assert (alice.unconfirmed_email, alice.city) == ("4@example.org", None)


def test_a_new_password_is_told_to_its_owner(
    alice: User, as_user: Any, mailoutbox: Mailbox
) -> None:
    as_user(alice).patch("/v0/me", {"password": "a new one"})
    work()
    assert [(mail.to, mail.subject) for mail in mailoutbox] == [
        (["alice@example.org"], "Your password was changed")
    ]


def test_who_signs_up_is_welcomed(db: None, client: APIClient, mailoutbox: Mailbox) -> None:
    sent = {"username": "dora", "email": "dora@example.org", "password": "doradora"}
    assert client.post("/v0/users", sent).status_code == 201
    assert mailoutbox == []
    work()
    [mail] = mailoutbox
    assert (mail.to, mail.subject) == (["dora@example.org"], "Welcome to Smart Citizen")
    assert "Hello dora" in mail.body and "doradora" not in mail.body


def test_who_is_refused_is_not_welcomed(
    client: APIClient, alice: User, mailoutbox: Mailbox
) -> None:
    sent = {"username": "alice", "email": "new@example.org", "password": "doradora"}
    assert client.post("/v0/users", sent).status_code == 422
    work()
    assert mailoutbox == []


def test_a_link_is_good_for_three_days(token: str) -> None:
    expires_at = User.objects.get().email_token_expires_at
    assert expires_at is not None
    assert timedelta(days=2.9) < expires_at - timezone.now() < timedelta(days=3.1)
