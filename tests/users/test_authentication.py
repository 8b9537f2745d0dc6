"""The five ways in: each opens for the right credential, and none for a wrong one."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application
from rest_framework.test import APIClient

from apps.users import legacy_keys
from apps.users.models import User
from tests.users.conftest import IssueToken

pytestmark = pytest.mark.usefixtures("pages")

ALL = ["public", "readings", "write"]


def basic(pair: str | bytes) -> str:
    """The header of HTTP Basic."""
    raw = pair.encode() if isinstance(pair, str) else pair
    return f"Basic {base64.b64encode(raw).decode()}"


def who(client: APIClient, authorization: str | None = None, query: str = "") -> dict[str, Any]:
    """Whom the server takes the caller for."""
    headers = {"Authorization": authorization} if authorization is not None else {}
    answer = client.get(f"/who{query}", headers=headers)
    assert answer.status_code == 200, answer.content
    return {name: answer.json()[name] for name in ("user", "door", "scopes")}


def assert_refused(answer: Any) -> None:
    """The exact 401 of the contract."""
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        'Basic realm="Application", Token realm="Application", Bearer realm="Application"'
    )
    assert answer.json() == {
        "id": "unauthorized",
        "message": "Invalid credentials",
        "errors": None,
        "url": None,
    }


NOBODY = {"user": None, "door": None, "scopes": None}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "token", "Token", "TOKEN"])
def test_an_access_token_opens_in_the_header(
    scheme: str, alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    token = issue_token(alice, "public write")
    expected = {"user": "alice", "door": "OAUTH", "scopes": ["public", "write"]}
    assert who(client, f"{scheme} {token}") == expected
    assert who(client, f"{scheme}   {token} ") == expected, "spaces are no part of it"


def test_an_access_token_opens_in_the_query(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    assert who(client, query=f"?access_token={issue_token(alice)}")["user"] == "alice"


@pytest.mark.parametrize("format", ["json", "multipart", None])
def test_an_access_token_opens_in_the_body(
    format: str | None, alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    token = issue_token(alice)
    for method in (client.post, client.patch, client.delete):
        if format is None:
            answer = method(
                "/who", f"access_token={token}", content_type="application/x-www-form-urlencoded"
            )
        else:
            answer = method("/who", {"access_token": token, "name": "x"}, format=format)
        assert answer.json()["user"] == "alice"
    if format:
        assert answer.json()["data"]["name"] == "x", "the view gets the body all the same"


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
@pytest.mark.parametrize("name", ["alice", "ALICE", "alice@example.org", "Alice@Example.ORG"])
def test_username_or_address_and_password_open(
    scheme: str, name: str, alice: User, client: APIClient
) -> None:
    pair = basic(f"{name}:alicealice").removeprefix("Basic")
    assert who(client, scheme + pair) == {"user": "alice", "door": "BASIC", "scopes": ALL}


def test_a_password_may_hold_colons_and_any_letter(client: APIClient, db: None) -> None:
    User.objects.create_user("dora", "dora@example.org", "a:b:ñ 漢")
    assert who(client, basic("dora:a:b:ñ 漢"))["user"] == "dora"


@pytest.mark.parametrize(
    "form", ["Token token={}", 'Token token="{}"', "token token={}", 'TOKEN TOKEN="{}"']
)
def test_the_legacy_key_opens(form: str, alice: User, client: APIClient) -> None:
    key = legacy_keys.reveal(alice)
    assert who(client, form.format(key)) == {"user": "alice", "door": "LEGACY_KEY", "scopes": ALL}


def test_without_a_credential_the_caller_is_nobody(client: APIClient, db: None) -> None:
    assert who(client) == NOBODY
    assert who(client, "") == NOBODY
    assert who(client, query="?access_token=") == NOBODY
    for body in ({"access_token": ""}, {"access_token": None}, {}):
        assert client.post("/who", body, format="json").json()["user"] is None
    assert client.post("/who").json()["user"] is None


def test_a_cookie_never_opens(alice: User, client: APIClient) -> None:
    client.force_login(alice)
    assert who(client) == NOBODY


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer",
        "Bearer unknown",
        "Bearer token=unknown",
        "Bearer a b",
        "Bearer a\0b",
        "Bearer é",
        "token unknown",
        "Token token=",
        'Token token=""',
        'Token token="unknown"',
        "Token token=unknown",
        "Token token=a\0b",
        "Token token=é",
        "Basic",
        "Basic !!!",
        "Basic YWxpY2U6YWxpY2VhbGljZQ",  # padding left out
        "Basic é",
        basic("alice"),
        basic(":alicealice"),
        basic("alice:"),
        basic("alice:wrong"),
        basic("nobody:alicealice"),
        basic("a\0lice:alicealice"),
        basic("alice:alice\0alice"),
        basic(b"alice:\xff\xfe"),
        basic("\ud800:x".encode(errors="surrogatepass")),
        "Digest username=alice",
        "alice:alicealice",
        "Negotiate",
    ],
)
def test_a_wrong_credential_is_never_anonymous(
    authorization: str, alice: User, client: APIClient
) -> None:
    headers = {"Authorization": authorization}
    for path in ("/who", "/me", "/readings"):
        assert_refused(client.get(path, headers=headers))
        assert_refused(client.post(path, headers=headers))


@pytest.mark.parametrize("token", ["unknown", "%FF", "a%20b", "%F0%9F%98%80"])
def test_a_wrong_parameter_is_never_anonymous(token: str, client: APIClient, db: None) -> None:
    assert_refused(client.get(f"/who?access_token={token}"))


@pytest.mark.parametrize("token", ["unknown", "\ud83d\ude00", 5, True, ["a"], {"a": 1}])
def test_a_wrong_token_in_the_body_is_never_anonymous(
    token: Any, client: APIClient, db: None
) -> None:
    if token == "\ud83d\ude00":
        token = "😀"
    assert_refused(client.post("/who", {"access_token": token}, format="json"))


def test_an_expired_token_is_refused(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    token = issue_token(alice, expires=timezone.now() - timedelta(seconds=1))
    assert_refused(client.get(f"/who?access_token={token}"))


def test_a_revoked_token_is_refused(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    token = issue_token(alice)
    AccessToken.objects.get().revoke()
    assert_refused(client.get(f"/who?access_token={token}"))


def test_the_stored_checksum_is_no_token(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    issue_token(alice)
    checksum = AccessToken.objects.get().token_checksum
    assert_refused(client.get("/who", headers={"Authorization": f"Bearer {checksum}"}))


def test_a_token_for_another_server_is_refused(
    alice: User, client: APIClient, issue_token: IssueToken, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://api.example.org"
    elsewhere = issue_token(alice, resource=["https://other.example.org/"])
    here = issue_token(alice, resource=["https://api.example.org"])
    assert_refused(client.get("/who", headers={"Authorization": f"Bearer {elsewhere}"}))
    assert who(client, f"Bearer {here}")["user"] == "alice"


def test_nothing_of_an_archived_account_opens(
    alice: User, bob: User, client: APIClient, issue_token: IssueToken
) -> None:
    ways = [
        f"Bearer {issue_token(alice)}",
        f"Bearer {issue_token(None)}",  # of an application of alice's
        basic("alice:alicealice"),
        f"Token token={legacy_keys.reveal(alice)}",
    ]
    for way in ways:
        who(client, way)
    of_bob = issue_token(bob)
    User.objects.filter(pk=alice.pk).update(archived_at=timezone.now())
    for way in ways:
        assert_refused(client.get("/who", headers={"Authorization": way}))
    assert who(client, f"Bearer {of_bob}")["user"] == "bob", "who uses her application stays"


def test_two_different_credentials_are_refused(
    alice: User, bob: User, client: APIClient, issue_token: IssueToken
) -> None:
    one, other = issue_token(alice), issue_token(bob)
    key = f"Token token={legacy_keys.reveal(alice)}"
    for answer in [
        client.get(f"/who?access_token={other}", headers={"Authorization": f"Bearer {one}"}),
        client.get(f"/who?access_token={one}", headers={"Authorization": key}),
        client.get(f"/who?access_token={one}", headers={"Authorization": basic("alice:x")}),
        client.get(f"/who?access_token={one}&access_token={other}"),
        client.post(f"/who?access_token={one}", {"access_token": other}, format="json"),
        client.post("/who", {"access_token": one}, headers={"Authorization": key}),
        client.post(
            "/who",
            f"access_token={one}&access_token={other}",
            content_type="application/x-www-form-urlencoded",
        ),
    ]:
        assert answer.status_code == 400, answer.content
        assert answer.json()["id"] == "bad_request"
        assert answer.json()["message"] == "Two different credentials at once"


def test_the_same_token_twice_is_one(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    token = issue_token(alice)
    headers = {"Authorization": f"token {token}"}
    twice = f"/who?access_token={token}&access_token={token}"
    assert client.get(twice, headers=headers).json()["user"] == "alice"
    body = {"access_token": token}
    assert client.post(twice, body, format="json", headers=headers).json()["user"] == "alice"


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x"])
def test_a_broken_body_is_a_bad_request(
    content_type: str, alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    answer = client.post("/who", b'{"access_token": ', content_type=content_type)
    assert answer.status_code in {200, 400}  # a multipart body without parts is an empty one
    assert content_type != "application/json" or answer.status_code == 400
    wrong = {"Authorization": "Bearer unknown"}
    answer = client.post("/who", b'{"a"', content_type="application/json", headers=wrong)
    assert_refused(answer)


def test_a_body_of_another_kind_is_left_to_the_view(
    alice: User, client: APIClient, issue_token: IssueToken
) -> None:
    headers = {"Authorization": f"Bearer {issue_token(alice)}"}
    answer = client.delete("/me", b"\x00\x01", content_type="image/png", headers=headers)
    assert answer.status_code == 415, "from the view, which asks for the data"
    large = {"access_token": "unknown", "more": "x" * 1024 * 1024}
    assert client.post("/who", large, format="json").status_code == 200, "not looked into"


def test_a_client_credentials_token_acts_as_no_user(
    client: APIClient, issue_token: IssueToken
) -> None:
    way = f"Bearer {issue_token(None)}"
    assert who(client, way) == {"user": None, "door": "OAUTH", "scopes": ALL}
    answer = client.get("/me", headers={"Authorization": way})
    assert answer.status_code == 403
    assert answer.json()["id"] == "forbidden"


def test_who_needs_a_user_and_has_none_is_unauthorized(client: APIClient, db: None) -> None:
    answer = client.get("/me")
    assert answer.status_code == 401
    assert answer.json()["message"] == "Authorization required"


@pytest.mark.parametrize(
    ("scope", "method", "path", "status"),
    [
        ("public", "get", "/who", 200),
        ("public", "post", "/who", 403),
        ("public", "post", "/readings", 403),
        ("public write", "patch", "/who", 200),
        ("public write", "post", "/readings", 403),
        ("readings", "post", "/readings", 200),
        ("readings", "get", "/readings", 403),
        ("readings", "delete", "/who", 403),
        ("write", "get", "/who", 403),
        ("", "get", "/who", 403),
    ],
)
def test_a_token_does_what_its_scopes_allow(
    scope: str,
    method: str,
    path: str,
    status: int,
    alice: User,
    client: APIClient,
    issue_token: IssueToken,
) -> None:
    headers = {"Authorization": f"Bearer {issue_token(alice, scope)}"}
    assert getattr(client, method)(path, headers=headers).status_code == status


def test_a_missing_scope_is_named(alice: User, client: APIClient, issue_token: IssueToken) -> None:
    headers = {"Authorization": f"Bearer {issue_token(alice, 'public')}"}
    for path, scope in [("/who", "write"), ("/me", "write"), ("/readings", "readings")]:
        answer = client.post(path, headers=headers)
        assert answer.status_code == 403
        assert answer.json() == {
            "id": "forbidden",
            "message": f"The token lacks the scope '{scope}'",
            "errors": None,
            "url": None,
        }


def test_each_way_costs_one_query_and_a_password_that_is_new_another(
    alice: User, application: Application, client: APIClient, issue_token: IssueToken
) -> None:
    key = legacy_keys.reveal(alice)
    password = basic("alice:alicealice")
    bearer, legacy = f"Bearer {issue_token(alice)}", f"Token token={key}"
    for way, count in [(bearer, 1), (legacy, 1), (password, 2), (password, 1)]:
        with CaptureQueriesContext(connection) as queries:
            who(client, way)
        assert len(queries) == count, queries.captured_queries
