"""The texts of pages in Spanish and Catalan: all there, and spoken to who wants them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from rest_framework.test import APIClient

from apps.users.models import User
from smartcitizen import messages
from tests.users.worker import work

BROWSER = {"HTTP_ACCEPT": "text/html"}
# Names of values, as the code fills them in.
NAMES = re.compile(r"%\(\w+\)s|\{\w+\}")


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_text_is_translated_and_none_is_left_over(language: str) -> None:
    wanted = {message.id for message in messages.found() if message.id}
    kept = {message.id: message for message in messages.read(language) if message.id}
    assert len(wanted) > 300
    # `make messages` brings the files up to date.
    assert (wanted - kept.keys(), kept.keys() - wanted) == (set(), set())
    texts = {id_: message.string for id_, message in kept.items()}
    assert [id_ for id_, text in texts.items() if not all(strings(text))] == [], "missing"
    assert [id_ for id_, message in kept.items() if message.fuzzy] == [], "fuzzy"


@pytest.mark.parametrize("language", messages.LANGUAGES)
def test_every_translation_fills_in_the_same_values(language: str) -> None:
    for message in messages.read(language):
        wanted = sorted(NAMES.findall(strings(message.id)[-1]))
        for text in strings(message.string):
            if message.id:
                assert sorted(NAMES.findall(text)) == wanted, message.id


def strings(text: Any) -> list[str]:
    """The forms of a text, one unless it counts something."""
    return [text] if isinstance(text, str) else list(text)


@pytest.fixture
def browser(db: None) -> Iterator[Client]:
    """A browser that asks for pages."""
    yield Client()


@pytest.mark.parametrize(
    ("asked", "said", "language"),
    [
        ("es-ES,es;q=0.9,en;q=0.8", "Iniciar sesión", "es"),
        ("ca", "Inicia la sessió", "ca"),
        ("fr,ca;q=0.5", "Inicia la sessió", "ca"),
        ("fr", "Sign in", "en"),
        ("", "Sign in", "en"),
        ("x" * 600, "Sign in", "en"),
    ],
)
def test_a_page_speaks_what_the_browser_asks_for(
    asked: str, said: str, language: str, browser: Client
) -> None:
    answer = browser.get("/ui/sign_in", HTTP_ACCEPT_LANGUAGE=asked)
    shown = answer.content.decode()
    assert f"<h1>{said}</h1>" in shown and f'<html lang="{language}">' in shown
    assert answer["Content-Language"] == language


def test_what_was_chosen_comes_before_what_the_browser_asks_for(browser: Client) -> None:
    answer = browser.post("/ui/language", {"language": "ca", "next": "/ui/status"})
    assert (answer.status_code, answer["Location"]) == (302, "/ui/status")
    cookie = browser.cookies["language"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax"
    assert b'lang="ca"' in browser.get("/ui/sign_in", HTTP_ACCEPT_LANGUAGE="es").content


@pytest.mark.parametrize("sent", [{"language": "xx"}, {"language": "es", "next": "//evil.org"}])
def test_a_strange_choice_changes_nothing_and_leads_nowhere_else(
    sent: dict[str, str], browser: Client
) -> None:
    answer = browser.post("/ui/language", sent)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert b'<html lang="xx"' not in browser.get("/ui/sign_in").content


def test_the_api_speaks_english_whatever_is_asked_for(browser: Client, alice: User) -> None:
    client = APIClient()
    client.force_authenticate(alice)
    client.cookies["language"] = "es"
    answer = client.post("/v0/devices", {}, HTTP_ACCEPT_LANGUAGE="es", format="json")
    assert answer.status_code == 422
    assert answer.json()["errors"]["name"] == ["can't be blank"]
    assert client.get("/v0/devices/1", HTTP_ACCEPT_LANGUAGE="es").json()["id"] == "record_not_found"
    browser.get("/ui/sign_in", HTTP_ACCEPT_LANGUAGE="es")
    assert "can't be blank" in str(client.post("/v0/devices", {}, format="json").json())


def test_what_is_wrong_with_a_form_is_said_in_the_language_of_the_page(
    browser: Client, alice: User
) -> None:
    browser.force_login(alice)
    sent = {"name": "", "mac_address": "x", "latitude": "north", "longitude": "181"}
    answer = browser.post("/ui/me/devices/new", sent, HTTP_ACCEPT_LANGUAGE="es")
    shown = answer.content.decode()
    assert answer.status_code == 422
    for said in (
        "Nombre no puede quedar vacío",
        "Dirección MAC no es válido",
        "Latitud no es un número",
        "Longitud tiene que ser menor o igual que 180",
    ):
        assert said in shown


def test_an_error_is_said_in_it_too(browser: Client) -> None:
    answer = browser.get("/ui/nothing", HTTP_ACCEPT_LANGUAGE="ca")
    assert answer.status_code == 404 and "Aquí no hi ha res" in answer.content.decode()


def test_a_mail_is_english_whoever_asked_for_it(browser: Client, alice: User) -> None:
    browser.post("/ui/password_reset", {"name": "alice"}, HTTP_ACCEPT_LANGUAGE="es")
    work()
    (sent,) = mail.outbox
    assert "Hello alice" in sent.body and "contraseña" not in sent.body + str(sent.message())
