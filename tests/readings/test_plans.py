"""Whether history and raw pages are answered by primary keys, and open no month beyond their own.

The tables of a test are so small that PostgreSQL would read them whole; it is kept from that. What
it does with a year of data: docs/query-plans.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.devices.models import Device
from apps.readings import ingest, partitions, refresher
from apps.readings.keys import Row
from tests.readings.plans import explain, has_citus, relations, values

START = datetime(2024, 1, 10, tzinfo=UTC)
DAYS = 500
KEPT = {"readings_hourly", "readings_daily", "readings_dirty"}


@pytest.fixture
def posted(device: Device) -> Device:
    """A device with a reading a day, each month in a partition of its own, all of it kept."""
    if has_citus():
        pytest.skip("a setting of the coordinator says nothing to the machines that scan")
    days = [START + timedelta(days=day, minutes=day) for day in range(DAYS)]
    partitions.ensure(days)
    ingest.store(device.pk, [Row(n, at, {7: (float(n), None)}) for n, at in enumerate(days)])
    refresher.refresh_due(60)
    return device


def plans(client: APIClient, address: str) -> list[Any]:
    """The plans of what a request asks of the tables of readings."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    asked = [query["sql"] for query in queries.captured_queries]
    series = ("readings_reading", *KEPT)
    return [explain(sql) for sql in asked if any(table in sql for table in series)]


def months(*names: str) -> set[str]:
    """The partitions of some months."""
    return {f"readings_reading_{name}" for name in names}


@pytest.mark.parametrize(
    ("asked", "tables"),
    [
        (
            "rollup=1h&from=2025-02-03T10:17:00Z&to=2025-03-05T10:17:00Z",
            months("2025_02", "2025_03") | KEPT - {"readings_daily"},
        ),
        (
            "rollup=1d&from=2024-05-03T10:17:00Z&to=2025-05-03T10:17:00Z",
            months(*(f"2024_{month:02d}" for month in range(5, 13)))
            | months(*(f"2025_{month:02d}" for month in range(1, 6)))
            | KEPT,
        ),
        ("rollup=10m&from=2025-02-03T10:17:00Z&to=2025-02-04T10:17:00Z", months("2025_02")),
    ],
)
def test_averages_are_found_by_primary_keys_in_the_months_of_their_range(
    client: APIClient, posted: Device, asked: str, tables: set[str]
) -> None:
    [plan] = plans(client, f"/v0/devices/{posted.pk}/readings?sensor_id=7&{asked}")
    # A question for less than an hour names the marks of hours, and has no use for them.
    assert relations(plan) | {"readings_dirty"} == tables | {"readings_dirty"}
    assert_by_primary_key(plan)


@pytest.mark.parametrize(
    ("asked", "tables"),
    [
        ("per_page=3", months("2025_05")),
        ("per_page=3&to=2025-03-20", months("2025_03")),
        ("per_page=3&from=2024-05-03&to=2024-05-20", months("2024_05")),
    ],
)
def test_a_raw_page_is_found_by_the_primary_key_of_its_month(
    client: APIClient, posted: Device, asked: str, tables: set[str]
) -> None:
    [plan] = plans(client, f"/v0/devices/{posted.pk}/readings?{asked}")
    assert relations(plan) == tables
    assert_by_primary_key(plan)


def test_a_raw_page_of_one_sensor_is_found_by_kept_hours_and_the_primary_key(
    client: APIClient, posted: Device
) -> None:
    address = f"/v0/devices/{posted.pk}/readings?sensor_id=7&per_page=3&to=2025-03-20"
    hours, page = plans(client, address)
    assert relations(hours) == {"readings_hourly", "readings_dirty"}
    assert relations(page) <= months("2025_03", "2025_02", "2025_01", "2024_12")
    for plan in (hours, page):
        assert_by_primary_key(plan)


def assert_by_primary_key(plan: Any) -> None:
    """Every table of readings that a plan opens is searched by its key."""
    used = set(values(plan, "Index Name"))
    assert used <= {f"{table}_pkey" for table in relations(plan)}
    assert used, "a plan that looks nothing up shows nothing"
    assert "Seq Scan" not in set(values(plan, "Node Type"))
