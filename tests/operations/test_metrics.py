"""Figures of operation, as Prometheus reads them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.operations import figures
from apps.readings import ingest, ingest_errors
from apps.readings.keys import Row
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def read_anew() -> Iterator[None]:
    """No test sees the figures of another."""
    figures.forget()
    yield
    figures.forget()


def shown(client: APIClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What `/metrics` says, by name and labels, read by the library of those who scrape it."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    families: Any = text_string_to_metric_families(answer.content.decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_by_view_and_not_by_path(client: APIClient, device: Device) -> None:
    name = "smartcitizen_http_request_seconds_count"
    found = (name, (("method", "GET"), ("status", "200"), ("view", "device-detail")))
    missing = (name, (("method", "GET"), ("status", "404"), ("view", "none")))
    before = shown(client)
    client.get(f"/v0/devices/{device.pk}")
    client.get("/v0/no/such/path")
    after = shown(client)
    assert after[found] == before.get(found, 0) + 1
    assert after[missing] == before.get(missing, 0) + 1
    views = {value for _, labels in after for label, value in labels if label == "view"}
    assert not any("/" in view for view in views)


def test_the_figures_of_the_platform_are_those_of_the_database(
    client: APIClient, device: Device
) -> None:
    now = timezone.now()
    ingest.store(device.pk, [Row(0, now - timedelta(hours=3), {7: (50.0, None)})])
    ingest.store(device.pk, [Row(0, now - timedelta(seconds=90), {7: (50.0, None)})])
    refusals = [
        Refusal(0, None, "time is missing", "{}"),
        Refusal(1, None, "time is missing", "{}"),
    ]
    ingest_errors.keep(device.pk, IngestError.Source.REST, refusals)
    figures.forget()
    after = shown(client)
    assert after["smartcitizen_devices", ()] == 1
    assert after["smartcitizen_devices_online", ()] == 1
    assert after["smartcitizen_newest_reading_age_seconds", ()] == pytest.approx(90, abs=30)
    assert after["smartcitizen_rollup_hours_waiting", ()] == 1
    refused = (("reason", "time is missing"), ("source", "rest"))
    assert after["smartcitizen_refused_readings", refused] == 2


def test_rare_reasons_are_counted_together(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_REASONS", 1)
    refusals = [Refusal(0, None, reason, "") for reason in ["often", "often", "rare", "rarer"]]
    ingest_errors.keep(device.pk, IngestError.Source.REST, refusals)
    assert figures.read(timezone.now()).refused == {("rest", "often"): 2, ("rest", ""): 2}


def test_the_database_is_asked_again_after_some_seconds_only(
    client: APIClient, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(5):
        client.get("/metrics")
    with django_assert_num_queries(0):
        client.get("/metrics")
