"""Every statement over the time series, by whatever path, is one that one shard can serve."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.devices.models import Device
from apps.operations import dashboard, figures
from apps.readings import (
    archives,
    diagnosis,
    forwarder,
    ingest,
    ingest_errors,
    mqtt,
    publisher,
    purge,
    rollups,
)
from apps.users.models import User
from tests.live import free_port
from tests.readings.one_shard import APPS, Sent, captured, faults
from tests.readings.plans import explain, has_citus, tasks

# What is of all devices by nature. None of it is in the way of a request or of what comes in.
OF_ALL_DEVICES = {
    "apps.readings.refresher._waiting": "once a minute the worker asks which devices have work",
    "apps.readings.refresher.devices": "`rollups --check` asks for them once, when told to",
    "apps.readings.refresher.mark_all": "`rollups --rebuild` marks everything, when told to",
    "apps.operations.figures.read": "counts the hours that wait, every 5 seconds at the most",
    "apps.operations.dashboard.readings_since": "the admin site counts 500 devices by chance",
    "apps.readings.partitions._make": "a new month takes what waits for it from the default one",
}
NAMES_THE_SERIES = re.compile(
    r"readings_(reading|hourly|daily|dirty)\b|\b(Reading|KeptHour|KeptDay|DirtyHour)\.objects"
)
TOKEN = "abc123"
SENSOR = 14


@pytest.fixture
def walked(
    device: Device,
    alice: User,
    carol: User,
    as_user: Any,
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
    tmp_path: Path,
) -> dict[str, list[Sent]]:
    """What each path sends: a device's life from its first reading to its purge."""
    settings.ARCHIVE_DIR = str(tmp_path)
    settings.MQTT_URL = f"mqtt://127.0.0.1:{free_port()}"
    monkeypatch.setattr(publisher, "_away_until", 0.0)
    Device.objects.filter(pk=device.pk).update(device_token=TOKEN, enable_forwarding=True)
    device.refresh_from_db()
    browser = Client()
    browser.force_login(carol)
    life = Life(device, as_user(alice), browser, timezone.now().replace(microsecond=0))
    found = {}
    for path in (
        *(life.old_kits, life.rest, life.mqtt, life.a_month_without_a_partition, life.ahead),
        *(life.forwarded, life.history, life.refreshed, life.history, life.history_in_chunks),
        *(life.raw, life.files, life.silent, life.counted, life.admin, life.all_again),
        life.purged,
    ):
        with captured() as sent:
            path()
        found[path.__name__] = found.get(path.__name__, []) + sent
    assert not connection.needs_rollback
    return found


class Life:
    """The paths, in an order in which each finds something to do."""

    def __init__(self, device: Device, owner: Any, admin: Client, now: datetime) -> None:
        self.device, self.owner, self.admin_site, self.now = device, owner, admin, now
        self.address = f"/v0/devices/{device.pk}/readings"

    def post(self, *moments: datetime, value: float = 20.0, sensor: int = SENSOR) -> None:
        """Send readings by REST."""
        sensors = [{"id": sensor, "value": value}]
        data = [{"recorded_at": each.isoformat(), "sensors": sensors} for each in moments]
        assert self.owner.post(self.address, {"data": data}, format="json").status_code < 300

    def ago(self, **spans: float) -> datetime:
        return self.now - timedelta(**spans)

    def old_kits(self) -> None:
        row = {"temp": "25132", "noise": "0", "timestamp": f"{self.ago(hours=5):%Y-%m-%d %H:%M:%S}"}
        headers = {
            "X-SmartCitizenMacADDR": "00:06:66:2A:02:B3",
            "X-SmartCitizenVersion": "1.1-0.8.5-A",
        }
        for rows in ([row], [row], [row | {"hum": "33000"}, {"temp": "1"}]):
            headers["X-SmartCitizenData"] = orjson.dumps(rows).decode()
            assert self.owner.post("/add", headers=headers).status_code == 200

    def rest(self) -> None:
        hours = [self.ago(hours=n, minutes=n) for n in range(1, 40)]
        self.post(*hours)
        self.post(*hours)  # duplicates
        self.post(*hours[:3], value=21.0)  # corrected
        self.post(*hours[:3], sensor=21)  # merged
        self.post(self.ago(days=100), self.ago(days=70))  # late

    def mqtt(self) -> None:
        sensors = [{"id": SENSOR, "value": 19.5}]
        at = self.ago(minutes=7)
        message = {"data": [{"recorded_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "sensors": sensors}]}
        for _ in range(2):
            mqtt.receive(f"device/sck/{TOKEN}/readings", orjson.dumps(message))
        raw = f"{{t:{at + timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ},{SENSOR}:18.5}}"
        mqtt.receive(f"device/sck/{TOKEN}/readings/raw", raw.encode())

    def a_month_without_a_partition(self) -> None:
        self.post(datetime(2011, 2, 3, 4, 5, tzinfo=UTC))

    def ahead(self) -> None:
        self.post(self.now + timedelta(hours=3))
        ingest.promote(self.device.pk, self.now + timedelta(hours=4))

    def forwarded(self) -> None:
        with pytest.raises(publisher.BrokerAway):
            forwarder.forward(self.device.pk, [self.ago(minutes=7), self.ago(hours=1, minutes=1)])

    def refreshed(self) -> None:
        call_command("rollups", stdout=io.StringIO())
        call_command("rollups", check=True, stdout=io.StringIO())
        self.post(self.ago(hours=30))  # so that one hour is dirty beside clean ones

    def history(self) -> None:
        for function in rollups.FUNCTIONS:
            for asked in (
                "rollup=1h&relative=30d",
                "rollup=1d&relative=1y",
                "rollup=1M&relative=20y&tz=Europe/Madrid",
                "rollup=10m&relative=2d&tz=Asia/Kathmandu&limit=5",
                "rollup=4h&relative=3d&all_intervals=true",
                "rollup=auto&max_points=50&relative=2d",
            ):
                query = f"?{asked}&function={function}&sensor_id={SENSOR}"
                assert self.owner.get(self.address + query).status_code == 200

    def history_in_chunks(self) -> None:
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(rollups, "FETCHED_AT_ONCE", 2)
            query = f"?rollup=1h&relative=30d&sensor_id={SENSOR}"
            assert self.owner.get(self.address + query).status_code == 200

    def raw(self) -> None:
        span = f"from={self.ago(days=80).timestamp()}&to={self.ago(hours=2).timestamp()}"
        for query in ("", "per_page=5", span, f"sensor_id={SENSOR}", f"sensor_id=21&{span}"):
            answer = self.owner.get(f"{self.address}?{query}")
            assert answer.status_code == 200
            if following := answer.get("Link"):
                assert self.owner.get(following.split(">")[0][1:]).status_code == 200

    def files(self) -> None:
        for query in ("format=csv", "format=ndjson", f"format=csv&sensor_id={SENSOR}"):
            assert b"".join(self.owner.get(f"{self.address}?{query}").streaming_content)
        archives.make(archives.request(self.device.pk, self.now).pk)

    def silent(self) -> None:
        diagnosis.diagnose(Device.objects.get(pk=self.device.pk), self.now)

    def counted(self) -> None:
        figures.read(self.now)
        dashboard.readings_since(self.now, timedelta(hours=1))
        ingest_errors.prune(self.now + timedelta(days=1000))

    def admin(self) -> None:
        page = f"/admin/devices/device/{self.device.pk}/readings/"
        assert self.admin_site.get(page).status_code == 200
        at = self.ago(hours=3, minutes=3).isoformat().replace("+", "%2B")
        corrected = self.admin_site.post(f"{page}correct/?at={at}", {f"{SENSOR}": "3", "21": "4"})
        assert corrected.status_code == 302
        for hours, more in ((3, {"sensor_id": "21"}), (0, {})):
            span = {
                "start": f"{self.ago(hours=hours + 4):%Y-%m-%d %H:%M}",
                "end": f"{self.now + timedelta(days=1):%Y-%m-%d %H:%M}",
                **more,
            }
            assert self.admin_site.post(f"{page}delete/", span).status_code == 200
            confirmed = self.admin_site.post(f"{page}delete/", {**span, "confirmed": "yes"})
            assert confirmed.status_code == 302

    def all_again(self) -> None:
        call_command("rollups", rebuild=True, stdout=io.StringIO())

    def purged(self) -> None:
        purge.delete_rest(self.device.pk)


def test_every_statement_names_one_device_and_nothing_that_citus_refuses(
    walked: dict[str, list[Sent]],
) -> None:
    wrong = {
        f"{path}: {sent.sender} {fault}: {sent.sql[:300]}"
        for path, sents in walked.items()
        for sent in sents
        for fault in faults(sent, of_all_devices=sent.sender in OF_ALL_DEVICES)
    }
    assert not wrong, "\n".join(sorted(wrong))


def test_every_path_and_every_module_that_names_the_time_series_was_seen(
    walked: dict[str, list[Sent]],
) -> None:
    """So that a new one is not forgotten here, nor one that is gone in OF_ALL_DEVICES."""
    assert not [path for path, sents in walked.items() if not sents]
    senders = {sent.sender for sents in walked.values() for sent in sents}
    modules = {
        ".".join(path.relative_to(APPS.parent).with_suffix("").parts)
        for path in APPS.rglob("*.py")
        if "migrations" not in path.parts and path.name != "models.py"
        if NAMES_THE_SERIES.search(path.read_text())
    }
    assert modules <= {one for sents in walked.values() for sent in sents for one in sent.modules}
    assert set(OF_ALL_DEVICES) <= senders


def test_on_a_cluster_each_goes_to_one_shard(walked: dict[str, list[Sent]]) -> None:
    """The coordinator's own word for it."""
    if not has_citus():
        pytest.skip("this database has no Citus")
    statements = {
        sent.sql
        for sents in walked.values()
        for sent in sents
        if sent.sender not in OF_ALL_DEVICES and not sent.copied and "pg_inherits" not in sent.sql
    }
    plans = {sql: tasks(explain(sql)) for sql in statements}
    assert plans
    assert not {sql[:300]: found for sql, found in plans.items() if set(found) != {1}}


GOOD = [
    "SELECT 1 FROM readings_reading WHERE device_id = 5 AND recorded_at > now()",
    "SELECT 1 FROM readings_hourly h JOIN readings_dirty d ON d.hour = h.bucket"
    " WHERE h.device_id = 5 AND (d.device_id = '5'::bigint AND true)",
    "SELECT id FROM devices_device WHERE id IN (SELECT 5) FOR NO KEY UPDATE",
    "INSERT INTO readings_dirty (device_id, hour) VALUES (5, 'a'), (5, 'b') ON CONFLICT DO NOTHING",
    "INSERT INTO readings_daily (device_id, bucket) SELECT device_id, bucket FROM readings_hourly"
    " WHERE device_id = 5",
    "DELETE FROM readings_reading WHERE device_id = 5 AND recorded_at <"
    " (SELECT min(recorded_at) FROM readings_reading WHERE device_id = 5)",
]
BAD = {
    "SELECT 1 FROM readings_reading": "names no device by a constant for readings_reading",
    "SELECT 1 FROM readings_reading_2026_01 WHERE device_id IN (5, 6)": (
        "names no device by a constant for readings_reading_2026_01"
    ),
    "SELECT 1 FROM readings_reading WHERE device_id = 5 OR device_id = 6": (
        "names no device by a constant for readings_reading"
    ),
    "SELECT 1 FROM readings_hourly h JOIN readings_dirty d ON true WHERE h.device_id = 5": (
        "names no device by a constant for readings_hourly"
    ),
    "SELECT 1 FROM devices_device d WHERE EXISTS"
    " (SELECT 1 FROM readings_dirty r WHERE r.device_id = d.id)": (
        "names no device by a constant for readings_dirty"
    ),
    "SELECT 1 FROM readings_dirty WHERE device_id = 5 UNION"
    " SELECT 1 FROM readings_hourly WHERE device_id = 6": "names several devices",
    "INSERT INTO readings_dirty (device_id, hour) VALUES (5, 'a'), (6, 'a')": (
        "names several devices"
    ),
    "INSERT INTO readings_dirty (device_id, hour) SELECT id, now() FROM devices_device": (
        "names no device by a constant for readings_dirty"
    ),
    "UPDATE readings_reading SET device_id = 6 WHERE device_id = 5": (
        "moves a row to another device"
    ),
    "INSERT INTO readings_dirty AS d (device_id, hour) VALUES (5, 'a') ON CONFLICT (device_id)"
    " DO UPDATE SET hour = now()": "replaces by what each machine would work out by itself",
    "INSERT INTO readings_dirty AS d (device_id, hour) VALUES (5, 'a') ON CONFLICT (device_id)"
    " DO UPDATE SET hour = d.hour + random() * interval '1 h'": (
        "replaces by what each machine would work out by itself"
    ),
    "INSERT INTO readings_dirty (device_id, hour) VALUES (5, 'a') RETURNING (xmax = 0)": (
        "asks for xmax"
    ),
    "SELECT 1 FROM readings_reading r WHERE device_id = 5 AND EXISTS"
    " (SELECT 1 FROM readings_sensorset s WHERE s.id = r.sensor_set_id)": (
        "has a correlated subquery on a table of the coordinator"
    ),
    "SELECT 1 FROM readings_reading r LEFT JOIN LATERAL"
    " (SELECT 1 FROM devices_device d WHERE d.id = r.device_id) AS d ON true"
    " WHERE r.device_id = 5": "has a correlated subquery on a table of the coordinator",
    "LOCK TABLE readings_reading": "is not understood",
}


@pytest.mark.parametrize("sql", GOOD)
def test_what_goes_to_one_shard_is_let_pass(sql: str) -> None:
    assert faults(Sent(sql)) == []


@pytest.mark.parametrize(("sql", "fault"), BAD.items())
def test_what_does_not_is_told(sql: str, fault: str) -> None:
    assert faults(Sent(sql)) == [fault]


def test_locking_rows_of_all_devices_is_told() -> None:
    sent = Sent("SELECT 1 FROM readings_dirty FOR UPDATE")
    assert faults(sent, of_all_devices=True) == ["locks rows of many shards"]


@pytest.mark.parametrize(
    ("devices", "found"), [("5", []), ("56", ["names several devices"])], ids=["one", "two"]
)
def test_the_rows_of_a_copy_are_looked_at(devices: str, found: list[str]) -> None:
    sql = "COPY readings_reading (device_id, recorded_at) FROM STDIN"
    assert faults(Sent(sql, copied=frozenset(devices))) == found
