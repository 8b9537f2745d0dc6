"""What a mail says: rendered from templates, and kept so that the database alone tells nobody."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation


class Contents(NamedTuple):
    """A mail as people read it, in text and in HTML."""

    subject: str
    text: str
    html: str


def render(template: str, context: Mapping[str, Any]) -> Contents:
    """The contents of a mail from `<template>.txt` and `<template>.html`.

    The text extends `mail/base.txt` and the page `mail/base.html`; the first paragraph of the text
    is the subject. `site` is where the platform is reached.
    """
    whole = {"site": settings.PUBLIC_URL, **context}
    # Whoever sends it may read pages in another language than who gets it.
    with translation.override("en"):
        subject, _, text = render_to_string(f"{template}.txt", whole).strip().partition("\n\n")
        html = render_to_string(f"{template}.html", {**whole, "subject": " ".join(subject.split())})
    # A line end in a subject would begin another header.
    return Contents(" ".join(subject.split()), f"{text.strip()}\n", html)


def seal(contents: Contents) -> bytes:
    """Encrypt contents: a mail may hold a link that opens an account."""
    return _cipher().encrypt(json.dumps(contents).encode())


def unseal(sealed: bytes) -> Contents:
    """Read what `seal` made; raises ValueError where ENCRYPTION_KEY is another one by now."""
    try:
        return Contents(*json.loads(_cipher().decrypt(sealed)))
    except InvalidToken as error:
        raise ValueError("was written under another ENCRYPTION_KEY") from error


def _cipher() -> Fernet:
    """What encrypts waiting mails."""
    key = hmac.digest(settings.ENCRYPTION_KEY.encode(), b"mails that wait", hashlib.sha256)
    return Fernet(base64.urlsafe_b64encode(key))
