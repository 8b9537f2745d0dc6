"""Wrong passwords on the admin site: who tried too often is let in again."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.contrib.admin.models import LogEntry
from django.test import Client
from rest_framework.test import APIClient

from apps.users import guesses
from apps.users.models import User


def test_an_admin_lets_somebody_in_again(alice: User, browser: Client, settings: Any) -> None:
    settings.WRONG_PASSWORDS_PER_ACCOUNT = 1
    guesses.count(None, "alice")
    guesses.count(None, "bob")
    sent = {"username": "alice", "password": "alicealice"}
    assert APIClient().post("/v0/sessions", sent).status_code == 429
    chosen = AccessAttempt.objects.get(username="alice")
    answer = browser.post(
        "/admin/axes/accessattempt/",
        {"action": "forget", "_selected_action": [chosen.pk]},
        follow=True,
    )
    assert "Forgotten: 1." in answer.content.decode()
    assert APIClient().post("/v0/sessions", sent).status_code == 200
    assert [row.username for row in AccessAttempt.objects.all()] == ["bob"]
    assert LogEntry.objects.count() == 1
