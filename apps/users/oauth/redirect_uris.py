"""Where an application may be led back to (RFC 6749, 3.1.2; RFC 8252, native apps)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

# What RFC 3986 allows in an address; everything else (spaces, quotes, `*` in a host) is refused.
CHARACTERS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")
HOST = re.compile(r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.IGNORECASE)
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
# Schemes that a browser or a system opens itself; none of them has a dot, nor ever will.
PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
LONGEST = 2000


def trouble(uri: str, native: bool) -> str | None:
    """What is wrong with a redirect URI, as words that follow it; None for a good one.

    Good are https anywhere, http on the machine of the user (loopback, for native apps and
    development), and, for public applications with a code (`native`), a scheme of the app's own
    that is a domain name backwards, as `org.example.app:/callback` (RFC 8252, 7.1). Such a scheme
    may be taken by another app on the same machine, therefore only where PKCE is required.
    """
    if "#" in uri:
        return "must not contain a fragment"
    if len(uri) > LONGEST or not CHARACTERS.fullmatch(uri):
        return "is invalid"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return "is invalid"
    if parts.scheme in {"http", "https"}:
        return _of_the_web(uri, parts, port)
    if not PRIVATE_SCHEME.fullmatch(parts.scheme):
        return "must be an https address"
    if not native:
        return "with a scheme of its own is for public applications with an authorization code"
    if not re.fullmatch(r":/(?!/).*", uri[len(parts.scheme) :]):
        return "must have one slash after its scheme, as org.example.app:/callback"
    return None


def _of_the_web(uri: str, parts: SplitResult, port: int | None) -> str | None:
    """The same for an http or https address."""
    host = parts.hostname or ""
    if "*" in parts.netloc:
        return "must not contain a wildcard"
    if "@" in parts.netloc or not uri[len(parts.scheme) :].startswith("://"):
        return "is invalid"
    if port == 0 or not (HOST.fullmatch(host) or host == "::1"):
        return "is invalid"
    if parts.scheme == "http" and host not in LOOPBACK:
        return "must be an https address"
    return None
