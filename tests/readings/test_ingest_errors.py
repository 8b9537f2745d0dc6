"""`GET /v0/devices/:id/ingest_errors`: what was refused, for those whom it concerns."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import ingest_errors
from apps.readings.models import IngestError
from apps.readings.payloads import Refusal
from apps.users.models import User


@pytest.fixture
def refused(device: Device) -> Device:
    """A device of which three reasons were refused, one of them twice."""
    for reason in ["first", "second", "third", "first"]:
        refusal = Refusal(0, None, reason, f"payload of {reason}")
        ingest_errors.keep(device.pk, IngestError.Source.KIT, [refusal])
    return device


def test_the_owner_reads_them_newest_first(refused: Device, as_user: Any, alice: User) -> None:
    answer = as_user(alice).get(f"/v0/devices/{refused.pk}/ingest_errors")
    assert answer.status_code == 200
    assert (answer["Total"], answer["Per-Page"]) == ("3", "25")
    body = answer.json()
    assert [each["reason"] for each in body] == ["first", "third", "second"]
    assert list(body[0]) == [
        "id", "created_at", "last_at", "count", "source", "reason", "payload",
    ]  # fmt: skip
    assert (body[0]["count"], body[0]["source"], body[0]["payload"]) == (
        2, "kit", "payload of first",
    )  # fmt: skip


def test_they_are_read_by_pages(refused: Device, as_user: Any, carol: User) -> None:
    answer = as_user(carol).get(f"/v0/devices/{refused.pk}/ingest_errors?per_page=1&page=2")
    assert [each["reason"] for each in answer.json()] == ["third"]
    assert 'rel="prev"' in answer["Link"]


def test_they_are_nobody_elses(refused: Device, client: APIClient, as_user: Any, bob: User) -> None:
    path = f"/v0/devices/{refused.pk}/ingest_errors"
    assert client.get(path).status_code == 401
    assert as_user(bob).get(path).status_code == 403
    Device.objects.filter(pk=refused.pk).update(is_private=True)
    assert as_user(bob).get(path).status_code == 404


def test_a_page_costs_as_many_queries_however_long(
    refused: Device, as_user: Any, alice: User
) -> None:
    client = as_user(alice)
    for per_page in (1, 2):
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/v0/devices/{refused.pk}/ingest_errors?per_page={per_page}")
        assert len(queries) == 3
