"""Which addresses an application may be led back to."""

from __future__ import annotations

import pytest

from apps.users.oauth.redirect_uris import trouble


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb",
        "https://app.example",
        "https://app.example:8443/cb?a=b&c=%20d",
        "https://xn--mnchen-3ya.example/",
        "http://localhost:3000/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:5000/cb",
    ],
)
@pytest.mark.parametrize("native", [True, False])
def test_https_and_loopback_are_good(uri: str, native: bool) -> None:
    assert trouble(uri, native) is None


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("http://app.example/cb", "must be an https address"),
        ("http://localhost.evil.example/cb", "must be an https address"),
        ("http://127.0.0.1.evil.example/", "must be an https address"),
        ("http://127.0.0.1@evil.example/", "is invalid"),
        ("https://*.app.example/cb", "must not contain a wildcard"),
        ("https://app.example/cb#x", "must not contain a fragment"),
        ("https://app.example/cb#", "must not contain a fragment"),
        ("https:/app.example/cb", "is invalid"),
        ("https:app.example/cb", "is invalid"),
        ("https:///cb", "is invalid"),
        ("https://app.example:0/", "is invalid"),
        ("https://app.example:port/", "is invalid"),
        ("https://app.example:99999/", "is invalid"),
        ("https://[::1/cb", "is invalid"),
        ("https://app .example/", "is invalid"),
        ("https://app.example\\@evil.example/", "is invalid"),
        ("https://-app.example/", "is invalid"),
        ("https://app..example/", "is invalid"),
        ('https://app.example/"><script>', "is invalid"),
        ("https://app.example/" + "a" * 2000, "is invalid"),
        ("javascript:alert(1)", "must be an https address"),
        ("data:text/html,x", "must be an https address"),
        ("ftp://app.example/", "must be an https address"),
        ("myapp://callback", "must be an https address"),
        ("urn:ietf:wg:oauth:2.0:oob", "must be an https address"),
        ("//app.example/cb", "must be an https address"),
        ("/cb", "must be an https address"),
        ("app.example", "must be an https address"),
    ],
)
@pytest.mark.parametrize("native", [True, False])
def test_anything_else_is_refused_and_told_why(uri: str, words: str, native: bool) -> None:
    assert trouble(uri, native) == words


def test_a_scheme_of_its_own_is_a_domain_backwards_and_for_native_applications() -> None:
    assert trouble("org.example.app:/cb", native=True) is None
    assert "public applications" in str(trouble("org.example.app:/cb", native=False))
    for uri in ("org.example.app://cb", "org.example.app:cb", "org.example.app:"):
        assert "one slash" in str(trouble(uri, native=True))
