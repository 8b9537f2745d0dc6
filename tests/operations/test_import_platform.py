"""`manage.py import_platform`: dumps of the old platform become users, devices and readings."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

import bcrypt
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from apps.devices.models import Component, Device, Tag
from apps.kits.models import Kit
from apps.operations.models import ImportedFile
from apps.operations.old_platform import migration
from apps.readings.models import Reading
from apps.sensors.models import Measurement, Sensor
from apps.users.models import User
from tests.live import ROOT, url_of_database

MADE = {"created_at": "2014-03-02 11:22:33.456789", "updated_at": "2016-05-04 10:20:30"}
BCRYPT = bcrypt.hashpw(b"smartcitizen", bcrypt.gensalt(4)).decode()
SHA1 = hashlib.sha1(b"saltsmartcitizen", usedforsecurity=False).hexdigest()


def uuid(number: int) -> str:
    """A uuid that can be told apart."""
    return str(UUID(int=number))


def user(pk: int, **cells: str) -> dict[str, str]:
    """A row of the old `users`."""
    return {
        "id": str(pk),
        "uuid": uuid(pk),
        "username": f"citizen{pk}",
        "email": f"citizen{pk}@example.org",
        "password_digest": BCRYPT,
        "city": "Barcelona",
        "country_code": "ES",
        "url": "http://example.org/me",
        "avatar_url": "",
        "role_mask": "0",
        "legacy_api_key": f"{pk:040x}",
        "old_data": "",
        "workflow_state": "active",
        **MADE,
        **cells,
    }


def device(pk: int, owner_id: int, **cells: str) -> dict[str, str]:
    """A row of the old `devices`."""
    return {
        "id": str(pk),
        "uuid": uuid(1000 + pk),
        "owner_id": str(owner_id),
        "name": f"Balcony {pk}",
        "description": 'Third floor,\n"quiet" side',
        "old_mac_address": "",
        "mac_address": f"00:06:66:00:00:{pk:02x}",
        "latitude": "41.3966",
        "longitude": "2.1942",
        "kit_id": "3",
        "meta": json.dumps({"elevation": "17.4", "exposure": "outdoor"}),
        "location": json.dumps({"city": "Barcelona", "country_code": "ES"}),
        "workflow_state": "active",
        "device_token": "",
        "hardware_info": "",
        "notify_low_battery": "f",
        "notify_stopped_publishing": "t",
        "is_private": "f",
        "is_test": "f",
        **MADE,
        **cells,
    }


def component(pk: int, device_id: int, sensor_id: int, **cells: str) -> dict[str, str]:
    """A row of the old `components`."""
    return {
        "id": str(pk),
        "uuid": uuid(2000 + pk),
        "device_id": str(device_id),
        "sensor_id": str(sensor_id),
        "key": "key",
        **MADE,
        **cells,
    }


def reading(device_id: Any, sensor_id: Any, recorded_at: str, value: Any, raw: Any = "") -> Any:
    """A row of the dump of readings."""
    cells = (device_id, sensor_id, recorded_at, value, raw)
    names = ("device_id", "sensor_id", "recorded_at", "value", "raw_value")
    return dict(zip(names, map(str, cells), strict=True))


def dump(folder: Path, name: str, *rows: dict[str, str]) -> Path:
    """Write rows as PostgreSQL's COPY does."""
    path = folder / f"{name}.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return path


def run(folder: Path, *options: str) -> dict[str, tuple[int, ...]]:
    """Import; returns the counts of the report by file: added, here, rejected, notes."""
    said = StringIO()
    call_command("import_platform", str(folder), *options, stdout=said, stderr=said)
    lines = [line.split() for line in said.getvalue().splitlines()]
    return {
        line[0]: tuple(int(word.replace(",", "")) for word in line[1:])
        for line in lines
        if line[0].endswith(".csv")
    }


def reasons(folder: Path, name: str) -> list[tuple[str, str, str]]:
    """The rejects of a file: line, column and reason."""
    with (folder / f"{name}.rejects.csv").open(newline="") as file:
        return [(row["line"], row["column"], row["reason"]) for row in csv.DictReader(file)]


@pytest.fixture(autouse=True)
def ids_far_from_those_of_the_dumps(db: None) -> None:
    """Whoever a test makes himself has none of the ids that are imported."""
    with connection.cursor() as cursor:
        for table in ("users_user", "devices_device", "devices_component"):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), 100000)")


@pytest.fixture
def folder(tmp_path: Path, installed: None) -> Path:
    """Dumps of two users, two devices and their readings."""
    dump(
        tmp_path,
        "users",
        user(21, role_mask="5"),
        user(22, password_digest="", old_data=json.dumps({"password": SHA1})),
    )
    dump(tmp_path, "devices", device(31, 21), device(32, 22, is_private="t", kit_id=""))
    dump(tmp_path, "components", component(41, 31, 12), component(42, 32, 55, key="t"))
    dump(
        tmp_path,
        "readings",
        reading(31, 12, "2015-06-01 10:00:00", 21.5, 26000),
        reading(31, 13, "2015-06-01 10:00:00", 40, 30000),
        reading(31, 12, "2015-06-01T10:01:00Z", "", 25132),
        reading(32, 55, "1433152800", 19.25),
    )
    return tmp_path


def test_ids_uuids_times_and_passwords_are_kept(folder: Path, client: Any) -> None:
    assert run(folder) == {
        "users.csv": (2, 0, 0, 0),
        "devices.csv": (2, 0, 0, 0),
        "components.csv": (2, 0, 0, 0),
        "readings.csv": (3, 0, 0, 0),
    }
    one, two = User.objects.order_by("pk")
    assert (one.pk, one.uuid, one.role) == (21, UUID(uuid(21)), "admin")
    assert (one.created_at, one.updated_at) == (
        datetime(2014, 3, 2, 11, 22, 33, 456789, tzinfo=UTC),
        datetime(2016, 5, 4, 10, 20, 30, tzinfo=UTC),
    )
    with override_settings(LEGACY_PASSWORD_SALT="salt"):
        for person in (one, two):
            assert person.check_password("smartcitizen")
    shown = client.get("/v0/me", headers={"Authorization": f"Token token={21:040x}"})
    assert shown.json()["username"] == "citizen21"
    balcony = Device.objects.get(pk=31)
    assert (balcony.uuid, balcony.kit_id, balcony.elevation) == (UUID(uuid(1031)), 3, 17)
    assert (balcony.exposure, balcony.city, balcony.country_code) == ("outdoor", "Barcelona", "ES")
    assert balcony.description == 'Third floor,\n"quiet" side'
    assert (balcony.public_latitude, balcony.notify_stopped_publishing) == (41.3966, True)
    assert balcony.updated_at == one.updated_at
    part = Component.objects.get(pk=42)
    assert (part.uuid, part.device_id, part.sensor_id, part.key) == (UUID(uuid(2042)), 32, 55, "t")


def test_readings_are_those_of_the_old_platform(folder: Path, client: Any) -> None:
    run(folder)
    body = client.get("/v0/devices/31/readings").json()
    assert [(row["recorded_at"], row["data"]) for row in body] == [
        ("2015-06-01T10:01:00Z", {"12": pytest.approx(14.3858, abs=1e-3), "12_raw": 25132}),
        ("2015-06-01T10:00:00Z", {"12": 21.5, "12_raw": 26000, "13": 40, "13_raw": 30000}),
    ]
    shown = client.get("/v0/devices/31").json()
    assert shown["last_reading_at"] == "2015-06-01T10:01:00Z"
    other = Reading.objects.get(device_id=32)
    assert (other.recorded_at, other.values, other.raw_values) == (
        datetime(2015, 6, 1, 10, tzinfo=UTC),
        [19.25],
        None,
    )


def test_what_is_made_later_gets_ids_above_them(folder: Path, alice: User) -> None:
    run(folder)
    assert User.objects.create_user("late", "late@example.org", None).pk > 22
    late = Device.objects.register(owner=alice, name="late")
    assert late.pk > 32
    [made] = Component.objects.bulk_create([Component(device=late, sensor_id=12)])
    assert made.pk > 42


def test_running_it_again_changes_nothing(folder: Path) -> None:
    first = run(folder)
    before = state()
    assert run(folder) == first
    assert run(folder, "--restart") == {
        "users.csv": (0, 2, 0, 0),
        "devices.csv": (0, 2, 0, 0),
        "components.csv": (0, 2, 0, 0),
        "readings.csv": (0, 3, 0, 0),
    }
    assert state() == before


def state() -> list[Any]:
    """All that was imported."""
    return [
        list(model._base_manager.order_by("pk").values())
        for model in (User, Device, Component, Reading)
    ]


def test_bad_users_are_rejected_or_mended_and_said_why(tmp_path: Path, alice: User) -> None:
    good = user(21)
    dump(
        tmp_path,
        "users",
        good,
        user(22, username="ALICE", url="javascript:alert(1)", country_code="Spain"),
        user(23, username="a/b", email="CITIZEN21@example.org"),
        user(24, password_digest="plain"),
        user(25, uuid="none"),
        user(26, uuid=uuid(21)),
        user(27, created_at="yesterday"),
        user(28, legacy_api_key=good["legacy_api_key"]),
        user(29, username="nul\0"),
        {**user(30), "id": "thirty"},
        user(alice.pk),
        user(31, workflow_state="archived"),
    )
    with (tmp_path / "users.csv").open("ab") as file:
        file.write(b"32,too,few\n")
        file.write(",".join(user(33, username="caf\xe9").values()).encode("latin-1") + b"\n")
    assert run(tmp_path) == {"users.csv": (5, 0, 9, 6)}
    assert reasons(tmp_path, "users") == [
        ("10", "", "holds NUL, which is no text"),
        ("14", "", "has 3 cells, the header 15"),
        ("15", "", "is not UTF-8"),
        ("3", "username", "'ALICE' cannot be a username or is taken: user-22 now"),
        ("3", "country_code", reasons(tmp_path, "users")[4][2]),
        ("3", "url", "Enter a valid URL.: left out"),
        ("4", "username", "'a/b' cannot be a username or is taken: user-23 now"),
        (
            "4",
            "email",
            "'CITIZEN21@example.org' is no address or is taken: none that works now",
        ),
        (
            "5",
            "password_digest",
            "is no hash that can be checked: the user has to reset the password",
        ),
        ("6", "uuid", "is not a UUID"),
        ("7", "uuid", "User with this Uuid already exists."),
        ("8", "created_at", "is not a time such as 2015-05-04 12:30:00"),
        ("9", "legacy_api_key", "is another user's"),
        ("11", "id", "is not a whole number above 0"),
        ("12", "id", "is taken here by another: alice"),
    ]
    assert set(User.objects.values_list("username", flat=True)) == {
        *("alice", "citizen21", "user-22", "user-23", "citizen24", "citizen31"),
    }
    assert not User.objects.get(pk=24).has_usable_password()
    assert not User.objects.get(pk=31).is_active
    assert good["legacy_api_key"] not in (tmp_path / "users.rejects.csv").read_text()


def test_bad_devices_are_rejected_or_mended_and_said_why(
    folder: Path, device_of_alice: Device
) -> None:
    mac = str(device_of_alice.mac_address)
    dump(
        folder,
        "devices",
        device(31, 21),
        device(33, 99),
        device(34, 21, mac_address=mac, latitude="", description=""),
        device(35, 21, mac_address="no", latitude="91", meta="{", kit_id="99"),
        device(36, 21, name=""),
        device(37, 21, workflow_state="archived", mac_address=""),
    )
    assert run(folder)["devices.csv"] == (5, 0, 1, 7)
    assert [(line, column) for line, column, _ in reasons(folder, "devices")] == [
        ("4", "owner_id"),
        ("6", "latitude"),
        ("6", "mac_address"),
        ("7", "meta"),
        ("7", "kit_id"),
        ("7", "latitude"),
        ("7", "mac_address"),
        ("9", "name"),
    ]


@pytest.fixture
def device_of_alice(device: Device) -> Device:
    """One that was here before."""
    return device


def test_bad_readings_are_rejected_and_the_good_ones_stored(folder: Path) -> None:
    dump(
        folder,
        "readings",
        reading(31, 12, "2015-06-01 10:00:00", 21.5),
        reading(99, 12, "2015-06-01 10:00:00", 21.5),
        reading("x", 12, "2015-06-01 10:00:00", 21.5),
        reading(31, 999, "2015-06-01 10:00:00", 21.5),
        reading(31, 12, "#", 21.5),
        reading(31, 12, "2009-06-01 10:00:00", 21.5),
        reading(31, 12, "2015-06-01 10:00:01", "NaN"),
        reading(31, 12, "2015-06-01 10:00:02", ""),
    )
    assert run(folder)["readings.csv"] == (1, 0, 7, 0)
    assert reasons(folder, "readings") == [
        ("3", "device_id", "device 99 is not here"),
        ("4", "device_id", "is not a whole number above 0"),
        ("5", "sensor_id", "sensor 999 is not here"),
        ("6", "recorded_at", "time is #: the kit's clock failed"),
        ("7", "recorded_at", "time is before 2010"),
        ("8", "value", "is not a finite number"),
        ("9", "value", "is missing, and so is raw_value"),
    ]


def test_the_catalogue_keeps_what_is_here_and_takes_the_uuids_of_old(folder: Path) -> None:
    temperature = Sensor.objects.get(pk=55)
    sensor = {"ancestry": "", "description": "", "unit": "", "measurement_id": "", **MADE}
    dump(
        folder,
        "measurements",
        {"id": "900", "uuid": uuid(900), "name": "joy", "description": "", "unit": "", **MADE},
    )
    dump(
        folder,
        "sensors",
        {
            "id": "902",
            "uuid": uuid(902),
            "name": "Joy meter's needle",
            **sensor,
            "ancestry": "901",
            "measurement_id": "900",
        },
        {"id": "901", "uuid": uuid(901), "name": "Joy meter", **sensor},
        {"id": "55", "uuid": uuid(55), "name": temperature.name.upper(), **sensor},
        {"id": "56", "uuid": uuid(56), "name": "Something else", **sensor},
    )
    dump(
        folder,
        "kits",
        {
            "id": "90",
            "uuid": uuid(90),
            "name": "Joy kit",
            "slug": "joy:1",
            "description": "",
            "sensor_map": '{"joy": 902, "gone": 999}',
            **MADE,
        },
    )
    dump(
        folder,
        "tags",
        {"id": "900", "uuid": uuid(900), "name": "Rooftop", "description": "", **MADE},
    )
    dump(folder, "devices", device(31, 21, kit_id="90"))
    dump(
        folder,
        "devices_tags",
        {"id": "1", "device_id": "31", "tag_id": "900"},
        {"id": "2", "device_id": "99", "tag_id": "900"},
    )
    (folder / "components.csv").unlink()
    (folder / "readings.csv").unlink()
    done = run(folder)
    assert done["sensors.csv"] == (2, 1, 1, 0)
    assert done["devices_tags.csv"] == (1, 0, 1, 0)
    assert [reason for _, _, reason in reasons(folder, "sensors")][0].startswith("is taken here by")
    needle = Sensor.objects.get(pk=902)
    assert (needle.parent_id, needle.measurement_id) == (901, 900)
    temperature.refresh_from_db()
    assert temperature.uuid == UUID(uuid(55))
    assert Measurement.objects.get(pk=900).description == "joy"
    assert [row.key for row in Kit.objects.get(pk=90).kit_sensors.all()] == ["joy"]
    joyful = Device.objects.get(pk=31)
    assert [part.sensor_id for part in joyful.components.all()] == [902]
    assert list(joyful.tags.all()) == [Tag.objects.get(name="Rooftop")]


def test_components_of_older_dumps_name_boards(folder: Path) -> None:
    old = component(43, 31, 14)
    board = {key: value for key, value in old.items() if key not in {"device_id", "key"}}
    dump(
        folder,
        "components",
        {**board, "board_type": "Device", "board_id": "31"},
        {**board, "id": "44", "uuid": uuid(2044), "board_type": "Kit", "board_id": "3"},
    )
    assert run(folder)["components.csv"] == (1, 0, 1, 0)
    assert Component.objects.get(pk=43).device_id == 31


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda folder: dump(folder, "users", {"id": "1"}), "users.csv: the header lacks uuid, "),
        (lambda folder: (folder / "users.csv").write_text(""), "users.csv: the header lacks id, "),
        (lambda folder: [path.unlink() for path in folder.glob("*.csv")], "holds none of "),
    ],
)
def test_files_that_cannot_be_imported_stop_it_before_anything_is_stored(
    folder: Path, break_it: Any, said: str
) -> None:
    break_it(folder)
    with pytest.raises(CommandError, match=said):
        run(folder)
    assert not User.objects.exists()
    assert not ImportedFile.objects.exists()


def test_another_file_of_the_same_name_is_not_taken_for_the_one_before(folder: Path) -> None:
    run(folder)
    dump(folder, "users", user(21), user(22), user(23))
    with pytest.raises(CommandError, match="run with --restart"):
        run(folder)
    assert run(folder, "--restart")["users.csv"] == (1, 2, 0, 0)


def test_killed_between_chunks_it_goes_on_where_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = datetime(2015, 6, 1, tzinfo=UTC)
    rows = [
        reading(31 if n % 7 else 99, 12, f"{start + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}", n)
        for n in range(100)
    ]
    dump(folder, "readings", *rows)
    monkeypatch.setattr(migration, "CHUNK_OF_READINGS", 10)
    monkeypatch.setattr(migration, "CHUNK_OF_ROWS", 1)
    kill = KilledAt(monkeypatch)
    for chunk in (1, 3, 4, 8):
        kill.at(chunk)
        with pytest.raises(KeyboardInterrupt):
            run(folder)
    kill.at(1000)
    assert run(folder)["readings.csv"] == (85, 0, 15, 0)
    assert sorted(reading.values[0] for reading in Reading.objects.filter(device_id=31)) == [
        n for n in range(100) if n % 7
    ]
    lines = [int(line) for line, _, _ in reasons(folder, "readings")]
    assert lines == [n + 2 for n in range(100) if n % 7 == 0]


class KilledAt:
    """Ends an import in the middle of a transaction."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 0
        save = ImportedFile.save

        def killed(file: ImportedFile, *args: Any, **options: Any) -> None:
            save(file, *args, **options)
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt

        monkeypatch.setattr(ImportedFile, "save", killed)

    def at(self, chunk: int) -> None:
        """At the end of which chunk, before it is committed."""
        self.left = chunk


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_as_a_process_it_goes_on_and_ends_with_the_same(folder: Path) -> None:
    start = datetime(2015, 6, 1, tzinfo=UTC)
    count = 60_000
    rows = [
        reading(31, 12, f"{start + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}", n)
        for n in range(count)
    ]
    dump(folder, "readings", *rows)
    line = [sys.executable, "manage.py", "import_platform", str(folder)]
    name = str(connection.settings_dict["NAME"])
    environment = {**os.environ, "DATABASE_URL": url_of_database(name)}
    options: Any = {"cwd": ROOT, "env": environment, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, **options)
    while not Reading.objects.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert 0 < Reading.objects.count() < count
    while locked():
        time.sleep(0.01)
    said = subprocess.run(line, stdout=subprocess.PIPE, text=True, check=True, **options).stdout
    assert f"{'readings.csv':<20}{count:>12,}{0:>12}{0:>12}{0:>12}" in said.splitlines()
    assert Reading.objects.count() == count


def locked() -> bool:
    """Whether the server still holds the killed one's place."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")
        found: int = cursor.fetchone()[0]
    return found > 0
