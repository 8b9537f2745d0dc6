"""The environment is read loudly: what is missing or unreadable stops the start in one line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.db.backends.postgresql import psycopg_any

ROOT = Path(__file__).parents[2]
GOOD = {
    "SECRET_KEY": "a-secret-key-of-fifty-or-more-characters-for-the-tests-0123",
    "DATABASE_URL": "postgres://user:password@127.0.0.1:1/name",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def start(**environment: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of their own, with nothing else in its environment."""
    return subprocess.run(
        [sys.executable, "-c", "import smartcitizen.settings as s; print(s.DEBUG, s.PUBLIC_URL)"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_three_variables_are_enough_and_debug_is_off() -> None:
    done = start(**GOOD)
    assert (done.returncode, done.stdout) == (0, "False http://localhost:8000\n"), done.stderr


@pytest.mark.parametrize("name", sorted(GOOD))
def test_a_missing_variable_stops_the_start_in_one_line_that_names_it(name: str) -> None:
    done = start(**{key: value for key, value in GOOD.items() if key != name})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Configuration error: {name} is missing: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "perhaps"),
        ("DATABASE_URL", "not an address"),
        ("DATABASE_URL", "sqlite:///db.sqlite3"),
        ("REDIS_URL", "localhost"),
        ("REDIS_URL", "redis://localhost:port"),
        ("REDIS_URL", "redis://localhost?db=abc"),
        ("SENTRY_DSN", "https://example.org"),
        ("PUBLIC_URL", "https://example.org/api"),
        ("PUBLIC_URL", "https://example.org:70000"),
        ("PUBLIC_URL", "https://user@example.org"),
        ("DEFAULT_FROM_EMAIL", "a@example.org\nBcc: b@example.org"),
        ("EMAIL_URL", "carrier-pigeon://"),
        ("KIT_PORT", "http"),
        ("KIT_PORT", "70000"),
        ("LOG_LEVEL", "LOUD"),
        ("PUBLIC_URL", "example.org"),
        ("PASSWORD_RESET_URL", "https://example.org/reset"),
        ("THROTTLE_ANON", "lots"),
        ("THROTTLE_USER", "0/min"),
        ("TRUSTED_PROXIES", "-1"),
        ("INGEST_ERROR_DAYS", "a month"),
        ("MQTT_URL", "localhost:1883"),
        ("MQTT_URL", "mqtt://"),
        ("MQTT_URL", "mqtt://localhost:port"),
        ("MQTT_URL", "mqtt://localhost/topic"),
        ("MQTT_GROUP", "a/b"),
        ("MAIL_DAYS", "0"),
        ("ACCOUNT_GRACE_DAYS", "0"),
        ("WRONG_PASSWORDS_PER_ACCOUNT", "0"),
        ("WRONG_PASSWORDS_PER_ADDRESS", "many"),
    ],
)
def test_an_unreadable_variable_stops_the_start_in_one_line_that_names_it(
    name: str, value: str
) -> None:
    done = start(**{**GOOD, name: value})
    assert done.returncode == 1, done.stdout
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Configuration error: {name} cannot be read: ")


def test_a_value_that_begins_with_a_dollar_is_taken_as_it_is() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import smartcitizen.settings as s; print(s.ENCRYPTION_KEY)"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **GOOD, "ENCRYPTION_KEY": "$2a$10$salt"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "$2a$10$salt\n"


def test_the_public_address_may_be_written_in_any_case() -> None:
    assert start(**{**GOOD, "PUBLIC_URL": "HTTPS://Example.org/"}).stdout == (
        "False https://example.org\n"
    )


def test_an_empty_rate_switches_a_limit_off() -> None:
    assert start(**{**GOOD, "THROTTLE_ANON": ""}).returncode == 0


def test_debug_needs_no_secret_key() -> None:
    assert start(**{**GOOD, "SECRET_KEY": "", "DEBUG": "1"}).returncode == 0


def test_readmes_table_lists_every_variable_that_the_settings_read() -> None:
    source = (ROOT / "smartcitizen" / "settings.py").read_text()
    read = set(re.findall(r"""\bread\(\s*"([A-Z_]+)\"""", source))
    table = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.M))
    assert table == read


def test_the_driver_is_psycopg2() -> None:
    """Django changes to psycopg 3 without a word as soon as a package brings it in."""
    assert psycopg_any.is_psycopg3 is False
