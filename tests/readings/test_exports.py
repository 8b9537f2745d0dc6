"""Readings as CSV: whole, in order, and the same however the pages fall."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.devices.models import Device
from apps.kits.models import Kit
from apps.readings import exports, ingest
from apps.readings.history import Range
from apps.readings.keys import Row
from apps.sensors.models import Sensor
from apps.users.models import User

NOON = datetime.fromisoformat("2026-11-20T12:00:00Z")


@pytest.fixture
def small(alice: User, installed: None) -> Device:
    """A device that has posted a calibrated sensor, an uncalibrated one, and each alone."""
    device: Device = Device.objects.register(owner=alice, name="Small")
    for minute, values in enumerate(
        [
            {12: (20.5, 24000.0), 7: (50.0, None)},
            {7: (51.25, None)},
            {12: (20.0, 23000.0)},
            {12: (-0.5, 1.5), 7: (0.0, None)},
        ]
    ):
        ingest.store(device.pk, [Row(minute, NOON + timedelta(minutes=minute), values)])
    return device


def text(device: Device, wanted: Range | None = None, raw: bool = False) -> str:
    """The whole file."""
    return b"".join(exports.as_csv(device.pk, wanted, raw=raw)).decode()


@pytest.mark.parametrize("page", [1, 2, 3, 4, 5, 5000])
def test_readings_are_lines_and_sensors_columns(
    small: Device, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(exports, "PAGE", page)
    assert text(small) == (
        "recorded_at,POM-3044P-R (dB),HPP828E031 (ºC)\n"
        "2026-11-20T12:00:00Z,50,20.5\n"
        "2026-11-20T12:01:00Z,51.25,\n"
        "2026-11-20T12:02:00Z,,20.0\n"
        "2026-11-20T12:03:00Z,0,-0.5\n"
    )


def test_raw_numbers_stand_beside(small: Device) -> None:
    lines = text(small, raw=True).splitlines()
    assert lines[0] == (
        "recorded_at,POM-3044P-R (dB),POM-3044P-R (dB) raw,HPP828E031 (ºC),HPP828E031 (ºC) raw"
    )
    assert lines[1:3] == [
        "2026-11-20T12:00:00Z,50,50,20.5,24000",
        "2026-11-20T12:01:00Z,51.25,51.25,,",
    ]


@pytest.mark.parametrize(
    ("wanted", "minutes"),
    [
        (Range(start=NOON + timedelta(minutes=1)), [1, 2, 3]),
        (Range(end=NOON + timedelta(minutes=1)), [0]),
        (Range(sensor_id=12), [0, 2, 3]),
        (Range(sensor_id=4711), []),
        (Range(start=NOON + timedelta(days=1)), []),
    ],
)
def test_a_range_narrows_it(small: Device, wanted: Range, minutes: list[int]) -> None:
    lines = text(small, wanted).splitlines()[1:]
    assert [int(line[14:16]) for line in lines] == minutes


def test_a_device_that_never_posted_has_a_header_alone(device: Device, sck_1_1: Kit) -> None:
    [header] = text(device).splitlines()
    assert len(header.split(",")) == 1 + sck_1_1.sensors.count()


def test_names_with_commas_and_quotes_stay_whole(small: Device) -> None:
    Sensor.objects.filter(pk=12).update(name='Heat, "real"', unit=None)
    [header, *_] = csv.reader(io.StringIO(text(small)))
    assert header == ["recorded_at", "POM-3044P-R (dB)", 'Heat, "real"']


def test_a_page_costs_one_query(small: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = []
    for page in (1, 2):
        monkeypatch.setattr(exports, "PAGE", page)
        with CaptureQueriesContext(connection) as queries:
            text(small)
        costs.append(len(queries))
    # The sensors, where the readings end and begin; each page, with the sets that are new in it.
    assert costs == [3 + 4 + 3, 3 + 2 + 2]


def test_names_that_a_spreadsheet_would_run_become_text(small: Device) -> None:
    Sensor.objects.filter(pk=12).update(name='=HYPERLINK("http://x.org")', unit=None)
    Sensor.objects.filter(pk=7).update(name="@SUM(A1)", unit="-")
    [header, *_] = csv.reader(io.StringIO(text(small)))
    assert header == ["recorded_at", "'@SUM(A1) (-)", '\'=HYPERLINK("http://x.org")']
