"""`/ui/status`: the figures of `/metrics`, for people."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.operations import figures, health
from apps.readings import ingest_errors
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No figures of another test."""
    figures.forget()


def test_it_shows_the_figures_the_doors_and_the_versions(device: Device, settings: Any) -> None:
    settings.VERSION = "9.8.7"
    now = timezone.now()
    Device.objects.update(last_reading_at=now - timedelta(seconds=20))
    ingest_errors.keep(device.pk, IngestError.Source.KIT, [Refusal(0, None, "no time", "{}")])
    answer = Client().get("/ui/status")
    shown = answer.content.decode()
    assert answer.status_code == 200
    assert "1 of 1" in shown and "no time: 1" in shown and "9.8.7" in shown
    assert figures.now().devices_last_minute == 1


def test_a_device_that_posted_two_minutes_ago_is_online_but_not_of_the_last_minute(
    device: Device,
) -> None:
    Device.objects.update(last_reading_at=timezone.now() - timedelta(minutes=2))
    now = figures.now()
    assert (now.devices_online, now.devices_last_minute) == (1, 0)
    assert "smartcitizen_devices_last_minute 0.0" in Client().get("/metrics").content.decode()


@pytest.mark.parametrize(
    ("parts", "status", "said"),
    [
        ({"database": "ok", "migrations": "ok"}, 200, "All is well."),
        ({"database": "ok", "migrations": "ok", "cache": "away"}, 200, "in trouble"),
        ({"database": "ok", "migrations": "not applied"}, 503, "cannot answer"),
    ],
)
def test_it_says_how_it_is_in_a_word(
    parts: dict[str, str],
    status: int,
    said: str,
    db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(health, "readiness", lambda: health.Readiness(parts))
    answer = Client().get("/ui/status")
    assert answer.status_code == status
    assert said in answer.content.decode()
    for state in set(parts.values()) - {"ok"}:
        assert state in answer.content.decode()
