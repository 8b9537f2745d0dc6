"""`/v0/applications`: one's own, with the secret shown once."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import Application
from rest_framework.test import APIClient

from apps.users.models import User
from tests.users.conftest import IssueToken
from tests.users.oauth.conftest import App, Register

URL = "/v0/applications"
NOISE = {"name": "Noise Map", "redirect_uri": "https://app.example/cb"}
FIELDS = {
    *("id", "name", "uid", "redirect_uri", "scopes", "confidential", "grant_type"),
    *("created_at", "updated_at"),
}


def create(client: APIClient, **fields: Any) -> Any:
    """The answer to a new application with some fields changed; None leaves one out."""
    sent = {name: value for name, value in {**NOISE, **fields}.items() if value is not None}
    return client.post(URL, sent, format="json")


def assert_refused(answer: Any, field: str, words: str) -> None:
    """A 422 that says what is wrong with a field."""
    assert answer.status_code == 422, answer.content
    assert [words in message for message in answer.json()["errors"][field]] == [True]


def works(uid: str, secret: str) -> bool:
    """Whether the server takes a secret for right."""
    sent = {"client_id": uid, "client_secret": secret, "token": "unknown"}
    return bool(APIClient().post("/oauth/introspect", sent).status_code == 200)


def test_its_owner_makes_one_and_sees_the_secret_once(alice: User, as_user: Any) -> None:
    client = as_user(alice)
    answer = create(client)
    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert answer["Cache-Control"] == "no-store"
    assert answer["Location"] == f"http://testserver/v0/applications/{body['id']}"
    secret = body.pop("secret")
    assert set(body) == FIELDS
    assert (body["name"], body["redirect_uri"]) == ("Noise Map", "https://app.example/cb")
    assert body["scopes"] == "public write readings"
    assert (body["confidential"], body["grant_type"]) == (True, "authorization_code")
    assert works(body["uid"], secret)
    assert client.get(f"{URL}/{body['id']}").json() == body
    assert client.get(URL).json() == [body]
    stored = Application.objects.get()
    assert (stored.user, stored.client_id) == (alice, body["uid"])
    assert secret not in stored.client_secret


def test_a_public_one_has_no_secret(alice: User, as_user: Any) -> None:
    body = create(as_user(alice), confidential=False).json()
    assert "secret" not in body
    assert not works(body["uid"], "")
    answer = as_user(alice).post(f"{URL}/{body['id']}/rotate_secret")
    assert_refused(answer, "confidential", "must be true")


def test_a_new_secret_ends_the_old_one(alice: User, as_user: Any) -> None:
    client = as_user(alice)
    old = create(client).json()
    answer = client.post(f"{URL}/{old['id']}/rotate_secret")
    assert answer.status_code == 200, answer.content
    new = answer.json()
    assert new["uid"] == old["uid"] and new["secret"] != old["secret"]
    assert answer["Cache-Control"] == "no-store"
    assert works(new["uid"], new["secret"]) and not works(old["uid"], old["secret"])
    assert "secret" not in client.get(f"{URL}/{old['id']}").json()


@pytest.mark.parametrize("method", ["patch", "put"])
def test_what_is_left_out_of_a_change_stays(method: str, alice: User, as_user: Any) -> None:
    client = as_user(alice)
    made = create(client, scopes="public").json()
    change = {"name": "Other", "redirect_uri": "https://app.example/a\nhttps://app.example/b"}
    answer = getattr(client, method)(f"{URL}/{made['id']}", change, format="json")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert "secret" not in body
    assert (body["name"], body["redirect_uri"]) == tuple(change.values())
    for name in ("uid", "scopes", "confidential", "grant_type", "created_at"):
        assert body[name] == made[name]
    assert works(made["uid"], made["secret"])
    scopes = {"scopes": ["readings", "public"]}
    answer = getattr(client, method)(f"{URL}/{made['id']}", scopes, format="json")
    assert answer.json()["scopes"] == "public readings"


def test_what_is_not_for_clients_to_set_is_ignored(alice: User, bob: User, as_user: Any) -> None:
    sent = {
        "id": 77,
        "uid": "mine",
        "client_id": "mine",
        "user": bob.pk,
        "user_id": bob.pk,
        "secret": "mine",
        "client_secret": "mine",
        "hash_client_secret": False,
        "skip_authorization": True,
        "algorithm": "HS256",
        "allowed_origins": "https://evil.example",
        "registration_source": "dcr",
    }
    client = as_user(alice)
    made = create(client, **sent).json()
    client.patch(f"{URL}/{made['id']}", sent, format="json")
    stored = Application.objects.get()
    assert (stored.user, stored.skip_authorization, stored.hash_client_secret) == (
        alice,
        False,
        True,
    )
    assert (stored.algorithm, stored.allowed_origins, stored.registration_source) == (
        "",
        "",
        "manual",
    )
    assert stored.client_id == made["uid"] != "mine"
    assert works(made["uid"], made["secret"])


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": None}, "name", "can't be blank"),
        ({"name": " "}, "name", "can't be blank"),
        ({"name": "a" * 256}, "name", "is too long (maximum is 255 characters)"),
        ({"redirect_uri": None}, "redirect_uri", "can't be blank"),
        ({"redirect_uri": ""}, "redirect_uri", "can't be blank"),
        ({"redirect_uri": 7}, "redirect_uri", "is invalid"),
        ({"redirect_uri": [7]}, "redirect_uri", "is invalid"),
        ({"redirect_uri": "http://app.example/cb"}, "redirect_uri", "must be an https address"),
        ({"redirect_uri": "https://a.example/ https://b.example/#"}, "redirect_uri", "a fragment"),
        ({"redirect_uri": "org.example.app:/cb"}, "redirect_uri", "public applications"),
        (
            {"redirect_uri": " ".join(f"https://{n}.example" for n in range(21))},
            "redirect_uri",
            "20",
        ),
        ({"grant_type": "password"}, "grant_type", "is not included in the list"),
        ({"grant_type": "authorization-code"}, "grant_type", "is not included in the list"),
        ({"grant_type": "implicit", "redirect_uri": None}, "redirect_uri", "can't be blank"),
        ({"scopes": "public admin"}, "scopes", "unknown: admin"),
        ({"confidential": "perhaps"}, "confidential", "is invalid"),
        (
            {"confidential": False, "grant_type": "client_credentials"},
            "confidential",
            "must be true with client_credentials",
        ),
    ],
)
def test_what_is_wrong_is_422_and_nothing_is_made(
    fields: dict[str, Any], field: str, words: str, alice: User, as_user: Any
) -> None:
    assert_refused(create(as_user(alice), **fields), field, words)
    assert not Application.objects.exists()


def test_a_change_is_checked_with_what_stays(alice: User, as_user: Any) -> None:
    client = as_user(alice)
    made = create(client, confidential=False, redirect_uri="org.example.app:/cb").json()
    answer = client.patch(f"{URL}/{made['id']}", {"confidential": True}, format="json")
    assert_refused(answer, "redirect_uri", "public applications")
    answer = client.patch(f"{URL}/{made['id']}", {"grant_type": "client_credentials"})
    assert_refused(answer, "confidential", "must be true")
    assert client.get(f"{URL}/{made['id']}").json() == made


def test_one_that_works_on_its_own_needs_no_address(alice: User, as_user: Any) -> None:
    body = create(as_user(alice), grant_type="client_credentials", redirect_uri=None).json()
    assert (body["redirect_uri"], body["grant_type"]) == ("", "client_credentials")


def test_its_owner_deletes_it(alice: User, as_user: Any) -> None:
    client = as_user(alice)
    made = create(client).json()
    answer = client.delete(f"{URL}/{made['id']}")
    assert (answer.status_code, answer.json()) == (200, {"message": "OK"})
    assert not Application.objects.exists()


@pytest.mark.parametrize("who", ["bob", "carol"])
def test_those_of_others_are_not_there_for_anyone(
    who: str, register: Register, as_user: Any, request: pytest.FixtureRequest
) -> None:
    app: App = register()
    before = Application.objects.values().get()
    client = as_user(request.getfixturevalue(who))
    path = f"{URL}/{app.application.pk}"
    assert client.get(URL).json() == []
    for answer in (
        client.get(path),
        client.patch(path, {"name": "Mine"}),
        client.put(path, {"name": "Mine"}),
        client.delete(path),
        client.post(f"{path}/rotate_secret"),
    ):
        assert answer.status_code == 404, answer.content
        assert answer.json()["message"] == (
            f"Couldn't find Application with 'id'={app.application.pk}"
        )
    assert Application.objects.values().get() == before


def test_nobody_has_none(client: APIClient, register: Register) -> None:
    path = f"{URL}/{register().application.pk}"
    for answer in (
        client.get(URL),
        create(client),
        client.get(path),
        client.patch(path, {"name": "Mine"}),
        client.delete(path),
        client.post(f"{path}/rotate_secret"),
    ):
        assert answer.status_code == 401
    assert Application.objects.count() == 1


def test_a_cookie_opens_nothing(alice: User, client: APIClient) -> None:
    client.force_login(alice)
    assert client.get(URL).status_code == 401
    assert create(client).status_code == 401


def test_a_token_needs_the_scope(alice: User, client: APIClient, issue_token: IssueToken) -> None:
    headers = {"Authorization": f"Bearer {issue_token(alice, 'public')}"}
    assert client.get(URL, headers=headers).status_code == 200
    answer = client.post(URL, NOISE, format="json", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["message"] == "The token lacks the scope 'write'"


@pytest.mark.parametrize("name", ["abc", "0", "99999999999999999999", "1.5"])
def test_what_is_no_id_is_404(name: str, alice: User, as_user: Any) -> None:
    assert as_user(alice).get(f"{URL}/{name}").status_code == 404


def test_the_list_has_pages_and_costs_the_same_however_long(
    alice: User, as_user: Any, register: Register
) -> None:
    for _ in range(5):
        register()
    client = as_user(alice)
    for per_page, expected in ((2, 2), (4, 2), (5, 1)):
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"{URL}?per_page={per_page}")
        assert (answer.headers["Total"], len(answer.json())) == ("5", per_page)
        assert len(queries) == expected
    ids = [row["id"] for row in client.get(f"{URL}/?per_page=2&page=3").json()]
    assert ids == [Application.objects.order_by("pk").last().pk]
    assert client.get("/applications").json() == client.get(URL).json()
