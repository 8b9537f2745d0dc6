"""Every endpoint and method, asked by everyone, with every credential (contract, section 2).

The table is `permission_table.py`; what is missing there is found here.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.urls import URLPattern, get_resolver, resolve
from django.utils import timezone
from oauth2_provider.models import AccessToken
from rest_framework.test import APIClient

from apps.devices import onboarding
from apps.users import legacy_keys
from apps.users.models import User
from apps.users.scopes import every_scope
from tests.contract.conftest import As
from tests.contract.permission_table import ELSEWHERE, OTHERWISE, Line, lines
from tests.contract.tools import STATUSES, assert_error, rows

SCOPES = ("public", "write", "readings")
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
LACKING = re.compile(r"The token lacks the scope '(\w+)'")


class Sent(NamedTuple):
    """A credential as it is sent: a header, or a parameter."""

    header: str | None = None
    parameter: str | None = None


Ask = Callable[..., Any]


@pytest.fixture
def paths(ids: dict[str, int]) -> dict[str, Any]:
    """What stands in the paths of the table, and the session of a device that is being set up."""
    return {**ids, "session": str(onboarding.begin(name="New").onboarding_session)}


@pytest.fixture
def ask(paths: dict[str, Any]) -> Ask:
    """`ask(line, sent)` is the answer to a line of the table with a credential."""

    def answer(line: Line, sent: Sent, browser: APIClient | None = None) -> Any:
        path = line.path.format(**paths)
        if sent.parameter:
            path += f"{'&' if '?' in path else '?'}access_token={sent.parameter}"
        headers = {"OnboardingSession": paths["session"], "X-SmartCitizenMacADDR": "00:00"}
        if sent.header:
            headers["Authorization"] = sent.header
        call = getattr(browser or APIClient(), line.method.lower())
        options: dict[str, Any] = {"headers": headers}
        if line.body is not None:
            options |= {"data": line.body, "format": "json"}
        return call(path, **options)

    return answer


def token_of(user: User | None, *scopes: str) -> str:
    """An access token of these scopes; of no user as an application has it for itself."""
    raw = f"of {user} for {' '.join(scopes)}".replace(" ", "-")
    AccessToken.objects.create(
        user=user,
        scope=" ".join(scopes),
        expires=timezone.now() + timedelta(hours=1),
        token_checksum=hashlib.sha256(raw.encode()).hexdigest(),
    )
    return raw


def credentials(user: User) -> dict[str, Sent]:
    """The five ways in (contract: Credentials)."""
    token = token_of(user, *SCOPES)
    pair = base64.b64encode(f"{user.username}:{user.username * 2}".encode()).decode()
    return {
        "Bearer": Sent(f"Bearer {token}"),
        "token": Sent(f"token {token}"),
        "Basic": Sent(f"Basic {pair}"),
        "Token token=": Sent(f"Token token={legacy_keys.reveal(user)}"),
        "access_token": Sent(parameter=token),
    }


@pytest.mark.parametrize("line", lines(), ids=str)
def test_who_may_do_what(line: Line, people: dict[str, User], ask: Ask) -> None:
    tokens = {name: token_of(user, *SCOPES) for name, user in people.items()}
    before = rows()
    for viewer, status in line.statuses.items():
        with transaction.atomic():
            sent = Sent(f"Bearer {tokens[viewer]}" if viewer in tokens else None)
            answer = ask(line, sent)
            assert answer.status_code == status, (viewer, body_of(answer))
            if status >= 400:
                assert_error(answer, status, STATUSES[status])
                assert ("WWW-Authenticate" in answer) == (status == 401)
            assert (rows() != before) == (status < 400 and line.changes), viewer
            transaction.set_rollback(True)  # for the next one all is as it was


@pytest.mark.parametrize("line", lines(), ids=str)
def test_the_owner_may_do_it_by_each_of_the_five_ways_in(line: Line, alice: User, ask: Ask) -> None:
    for name, sent in credentials(alice).items():
        with transaction.atomic():
            answer = ask(line, sent)
            status = OTHERWISE.get((str(line), name), line.statuses["owner"])
            assert answer.status_code == status, (name, body_of(answer))
            transaction.set_rollback(True)


@pytest.mark.parametrize("line", lines(), ids=str)
def test_a_token_needs_the_scope_and_the_refusal_names_it(
    line: Line, alice: User, ask: Ask
) -> None:
    tokens = {scope: token_of(alice, scope) for scope in SCOPES}
    before = rows()
    for scope, token in tokens.items():
        with transaction.atomic():
            answer = ask(line, Sent(f"Bearer {token}"))
            if line.scope in {scope, "-"}:
                assert answer.status_code == line.statuses["owner"], (scope, body_of(answer))
            else:
                lacking = LACKING.fullmatch(assert_error(answer, 403, "forbidden")["message"])
                assert lacking, (scope, body_of(answer))
                assert lacking[1] != scope and lacking[1] in {line.scope, *SCOPES}
                assert line.scope in {lacking[1], "all"}
                assert rows() == before
            transaction.set_rollback(True)


@pytest.mark.parametrize("line", lines(), ids=str)
def test_an_application_for_itself_may_do_what_anyone_may_and_a_cookie_opens_nothing(
    line: Line, carol: User, ask: Ask
) -> None:
    status = line.statuses["anonymous"]
    sent = Sent(f"Bearer {token_of(None, *SCOPES)}")
    with transaction.atomic():
        answer = ask(line, sent)
        # It has shown who it is, and that is nobody who may.
        assert answer.status_code == (403 if status == 401 else status), body_of(answer)
        transaction.set_rollback(True)
    browser = APIClient()
    browser.force_login(carol)
    with transaction.atomic():
        answer = ask(line, Sent(), browser)
        assert answer.status_code == status, body_of(answer)
        transaction.set_rollback(True)


def body_of(answer: Any) -> bytes:
    """The first words of an answer, streamed or not."""
    return bytes(b"".join(answer) if answer.streaming else answer.content)[:300]


def test_the_table_knows_every_scope() -> None:
    assert set(SCOPES) == every_scope()
    assert {line.scope for line in lines()} == {*SCOPES, "all", "-"}


# The URL map


def routes(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Every pattern of the URL map, with the path that leads to it."""
    for pattern in patterns:
        route = prefix + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLPattern):
            yield route, pattern
        else:
            yield from routes(pattern.url_patterns, route)


def served() -> dict[Any, str]:
    """What answers the requests of the table, with a path to it, but for what is tested elsewhere.

    What is served with and without `/v0` is one.
    """
    return {
        pattern.callback: route
        for route, pattern in routes(get_resolver().url_patterns)
        if not route.startswith(tuple(ELSEWHERE))
    }


def example(line: Line) -> str:
    """A path of a line that leads to what answers it."""
    return re.sub(r"\{\w+\}", "1", line.path).partition("?")[0]


def test_the_table_names_every_endpoint_and_method() -> None:
    named = {resolve(example(line)).func for line in lines()}
    missing = [route for callback, route in served().items() if callback not in named]
    assert not missing, "add their lines to tests/contract/permission_table.py"


@pytest.mark.parametrize("path", sorted({example(line) for line in lines()}))
def test_methods_that_the_table_does_not_name_are_not_allowed(path: str, db: None) -> None:
    callback = resolve(path).func
    named = {line.method for line in lines() if resolve(example(line)).func == callback}
    assert len(named) < len(METHODS)
    for method in set(METHODS) - named:
        answer = getattr(APIClient(), method.lower())(path)
        assert_error(answer, 405, "method_not_allowed")
        allowed = set(answer["Allow"].split(", ")) & set(METHODS)
        assert allowed == named, "add its lines to tests/contract/permission_table.py"


def read_without_headers() -> list[Line]:
    """The lines of GET whose headers are no part of the request."""
    gets = [line for line in lines() if line.method == "GET"]
    return [line for line in gets if line.path not in {"/v0/onboarding/device", "/v0/add"}]


@pytest.mark.parametrize("line", read_without_headers(), ids=str)
def test_who_may_get_may_head_and_options_are_for_everyone(
    line: Line, paths: dict[str, Any], as_: As
) -> None:
    path = line.path.format(**paths)
    for viewer, status in line.statuses.items():
        client = as_(viewer)
        head = client.head(path)
        assert (head.status_code, body_of(head)) == (status, b"")
        # What is for nobody else may be hidden from OPTIONS too.
        options = client.options(path)
        if "datetime" in path:
            continue  # kits know no OPTIONS
        assert options.status_code in {200, status}
        if options.status_code == 200:
            assert {"GET", "HEAD", "OPTIONS"} <= set(options["Allow"].split(", "))
