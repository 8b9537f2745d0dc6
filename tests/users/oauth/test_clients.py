"""Two OAuth clients that are not our own, against the server as it runs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import InvalidGrantError
from pytest_django import DjangoDbBlocker
from requests_oauthlib import OAuth2Session

from tests import live

pytestmark = pytest.mark.slow

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "oauth.md"
BACK = "http://127.0.0.1/callback"
DORA = {"username": "dora", "email": "dora@example.org", "password": "doradora"}


@dataclass(frozen=True)
class Server:
    """A server that runs, and dora's account on it."""

    web: str

    @property
    def authorize(self) -> str:
        return f"{self.web}/oauth/authorize"

    @property
    def token(self) -> str:
        return f"{self.web}/oauth/token"

    @property
    def revoke(self) -> str:
        return f"{self.web}/oauth/revoke"

    def register(self, **fields: object) -> dict[str, str]:
        """A new application of dora's, as JSON."""
        answer = requests.post(
            f"{self.web}/v0/applications",
            json={"name": "Client", "redirect_uri": BACK, **fields},
            auth=("dora", "doradora"),
            timeout=30,
        )
        assert answer.status_code == 201, answer.text
        made: dict[str, str] = answer.json()
        return made

    def allow(self, url: str) -> str:
        """What dora's browser is led back to, after she signed in and allowed what `url` asks."""
        browser = requests.Session()
        page = browser.get(url, timeout=30)
        assert "/ui/sign_in" in page.url
        sent = {"username": "dora", "password": "doradora", "next": field(page, "next")}
        page = browser.post(page.url, {**sent, **csrf(page)}, timeout=30)
        assert page.url == url
        answer = browser.post(
            url, {"decision": "allow", **csrf(page)}, timeout=30, allow_redirects=False
        )
        assert answer.status_code == 302, answer.text
        return answer.headers["Location"]

    def me(self, token: str) -> requests.Response:
        """The answer of `/v0/me` to a token."""
        return requests.get(
            f"{self.web}/v0/me", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )


def field(page: requests.Response, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return found[1].replace("&amp;", "&")


def csrf(page: requests.Response) -> dict[str, str]:
    """The CSRF token of a page's form."""
    return {"csrfmiddlewaretoken": field(page, "csrfmiddlewaretoken")}


@pytest.fixture(scope="module")
def server(django_db_blocker: DjangoDbBlocker) -> Iterator[Server]:
    """The platform, over a database of its own."""
    with django_db_blocker.unblock(), live.platform("oauth_clients") as running:
        signed_up = requests.post(f"{running.web}/v0/users", json=DORA, timeout=30)
        assert signed_up.status_code == 201, signed_up.text
        yield Server(running.web)


@pytest.mark.skipif(not all(map(shutil.which, ("bash", "curl", "openssl"))), reason="needs curl")
def test_what_the_documentation_says_works_when_it_is_pasted(server: Server) -> None:
    blocks = re.findall(r"^```shell\n(.*?)^```", DOCUMENTATION.read_text(), re.M | re.S)
    script = "".join(blocks).replace("http://localhost:8000", server.web)
    said = ""
    with subprocess.Popen(
        ["bash", "-euc", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdin and shell.stdout
        for line in shell.stdout:
            said += line
            if found := re.search(rf"{server.authorize}\?\S+", line):
                back = dict(parse_qsl(urlsplit(server.allow(found[0])).query))
                assert (back["state"], back["iss"]) == ("xyz", server.web)
                shell.stdin.write(back["code"] + "\n")
                shell.stdin.flush()
    assert shell.returncode == 0, said
    assert '"username":"dora"' in said and '"email":"dora@example.org"' in said, "of /v0/me"
    assert '"token_type": "Bearer"' in said, "of the robot"
    assert '"active": true' in said, "of introspection"
    assert '"error"' not in said


@pytest.mark.parametrize("confidential", [True, False])
def test_authlib_gets_refreshes_and_revokes_a_token(server: Server, confidential: bool) -> None:
    made = server.register(confidential=confidential)
    session = AuthlibSession(
        made["uid"],
        made.get("secret"),
        redirect_uri=BACK,
        scope="public readings",
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic" if confidential else "none",
        revocation_endpoint_auth_method="client_secret_basic" if confidential else "none",
    )
    verifier = "v" * 64
    url, state = session.create_authorization_url(server.authorize, code_verifier=verifier)
    back = server.allow(url)
    first = session.fetch_token(
        server.token, authorization_response=back, state=state, code_verifier=verifier
    )
    assert first["scope"] == "public readings"
    assert server.me(first["access_token"]).json()["username"] == "dora"
    second = session.refresh_token(server.token, refresh_token=first["refresh_token"])
    assert server.me(first["access_token"]).status_code == 401
    assert server.me(second["access_token"]).status_code == 200
    assert session.revoke_token(server.revoke, token=second["access_token"]).status_code == 200
    assert server.me(second["access_token"]).status_code == 401
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(server.token, refresh_token=second["refresh_token"])


def test_requests_oauthlib_gets_and_refreshes_a_token_and_an_old_one_ends_all(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # the server of the test has no TLS
    made = server.register(confidential=False)
    session = OAuth2Session(made["uid"], redirect_uri=BACK, scope=["public"], pkce="S256")
    url, _ = session.authorization_url(server.authorize)
    back = server.allow(url)
    assert dict(parse_qsl(urlsplit(back).query))["iss"] == server.web
    first = session.fetch_token(server.token, authorization_response=back, include_client_id=True)
    assert session.get(f"{server.web}/v0/me").json()["username"] == "dora"
    extra = {"client_id": made["uid"]}
    second = session.refresh_token(server.token, refresh_token=first["refresh_token"], **extra)
    assert session.get(f"{server.web}/v0/me").status_code == 200
    with pytest.raises(InvalidGrantError):
        session.refresh_token(server.token, refresh_token=first["refresh_token"], **extra)
    assert server.me(second["access_token"]).status_code == 401


def test_what_the_metadata_names_is_there(server: Server) -> None:
    told = requests.get(f"{server.web}/.well-known/oauth-authorization-server", timeout=30).json()
    assert told["issuer"] == server.web
    assert [
        told["authorization_endpoint"],
        told["token_endpoint"],
        told["revocation_endpoint"],
    ] == [
        server.authorize,
        server.token,
        server.revoke,
    ]


def test_the_stylesheet_is_served(server: Server) -> None:
    page = requests.get(f"{server.web}/ui/sign_in", timeout=30).text
    found = re.search(r'rel="stylesheet" href="([^"]+)"', page)
    assert found
    sheet = requests.get(server.web + found[1], timeout=30)
    assert (sheet.status_code, sheet.headers["Content-Type"].partition(";")[0]) == (200, "text/css")
