"""The same code, or the same refresh token, in several requests at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from oauth2_provider.models import AccessToken

from apps.users.models import User
from tests.users.oauth.conftest import Browser, Register, code_for

TIMES = 4


def at_once(request: Callable[[], Any]) -> list[int]:
    """The statuses of the same request, sent by several threads at the same moment."""
    barrier = Barrier(TIMES)

    def send(_: int) -> int:
        try:
            barrier.wait(10)
            return int(request().status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(TIMES) as threads:
        return sorted(threads.map(send, range(TIMES)))


@pytest.mark.django_db(transaction=True)
def test_one_of_them_gets_a_token_and_the_others_end_it(
    register: Register, bob: User, browser: Browser
) -> None:
    app = register()
    code = code_for(app, browser(bob))
    app.client = Client()
    assert at_once(lambda: app.exchange(code)) == [200, 400, 400, 400]
    assert not AccessToken.objects.exists()

    token = app.exchange(code_for(app, browser(bob))).json()["refresh_token"]
    assert at_once(lambda: app.refresh(token)) == [200, 400, 400, 400]
    assert not AccessToken.objects.exists()
