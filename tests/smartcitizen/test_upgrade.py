"""The schema of the first release, with data in it, is brought to the newest without loss."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from pytest_django import DjangoDbBlocker

from tests import live

pytestmark = pytest.mark.slow

FIRST = ("users", "sensors", "kits", "devices", "readings")
# What a release gave up on purpose, as `table.column`; whoever drops a column says so here.
DROPPED: set[str] = set()
STAMPS = "'2026-01-02T03:04:05.678901Z', '2026-01-03T03:04:05Z'"
DATA = f"""
INSERT INTO users_user (password, uuid, username, email, role, city, legacy_api_key_hash,
    forwarding_token, created_at, updated_at)
SELECT 'bcrypt$$2b$12$' || n, gen_random_uuid(), 'user' || n, 'user' || n || '@example.org',
    CASE n WHEN 1 THEN 'admin' WHEN 2 THEN 'researcher' ELSE 'citizen' END, 'Zürich',
    decode(md5(n::text), 'hex'), 'forward' || n, {STAMPS} FROM generate_series(1, 3) AS n;
UPDATE users_user SET archived_at = now() WHERE id = 3;
INSERT INTO users_passwordreset (token_hash, created_at, expires_at, user_id)
    VALUES ('\\x0102', {STAMPS}, 1);
INSERT INTO sensors_measurement (uuid, name, description, created_at, updated_at)
    VALUES (gen_random_uuid(), 'own measurement', 'How warm', {STAMPS});
INSERT INTO sensors_sensor (uuid, name, description, unit, default_key, measurement_id, created_at,
    updated_at)
SELECT gen_random_uuid(), 'Sensor ' || n, '', 'ºC', 'key' || n, 1, {STAMPS}
    FROM generate_series(1, 3) AS n;
INSERT INTO sensors_sensortag (name, description, created_at, updated_at)
    VALUES ('own tag', '', {STAMPS});
INSERT INTO sensors_sensor_tags (sensor_id, sensortag_id) VALUES (1, 1);
INSERT INTO kits_kit (uuid, slug, name, description, created_at, updated_at)
    VALUES (gen_random_uuid(), 'own:1', 'Own kit', '', {STAMPS});
INSERT INTO kits_kitsensor (key, calibration, kit_id, sensor_id)
    VALUES ('temp', NULL, 1, 1), ('hum', '{{"linear": [1.5, 2]}}', 1, 2);
INSERT INTO devices_tag (uuid, name, description, created_at, updated_at)
    VALUES (gen_random_uuid(), 'own tag', '', {STAMPS});
INSERT INTO devices_device (uuid, name, exposure, latitude, longitude, geohash, city, country_code,
    mac_address, device_token, precise_location, public_latitude, public_longitude,
    public_geohash, is_private, is_test, enable_forwarding, notify_stopped_publishing,
    notify_low_battery, postprocessing, latest, last_reading_at, readings_version, kit_id,
    owner_id, created_at, updated_at)
SELECT gen_random_uuid(), 'Device ' || n, 'outdoor', 41.4 + n, 2.2, 'sp3e3q', 'Barcelona', 'ES',
    '00:00:00:00:00:0' || n, 'token' || n, n < 3, 41.4 + n, 2.2, 'sp3e3q', n = 2, false, false,
    true, false, '{{"blueprint": "x"}}', NULL, NULL, 7, 1, n, {STAMPS}
    FROM generate_series(1, 3) AS n;
INSERT INTO devices_device_tags (device_id, tag_id) VALUES (1, 1);
INSERT INTO devices_component (uuid, key, sensor_id, device_id, created_at, updated_at)
SELECT gen_random_uuid(), 'key' || n, n, 1, {STAMPS} FROM generate_series(1, 3) AS n;
INSERT INTO devices_experiment (name, is_test, owner_id, created_at, updated_at)
    VALUES ('Noise', false, 1, {STAMPS});
INSERT INTO devices_experiment_devices (experiment_id, device_id) VALUES (1, 1);
INSERT INTO devices_orphandevice (onboarding_session, device_token, created_at, updated_at)
    VALUES (gen_random_uuid(), 'abc123', {STAMPS});
INSERT INTO readings_sensorset (id, sensor_ids) VALUES (1, '{{1,2}}'), (2, '{{1,2,3}}');
INSERT INTO readings_reading
SELECT device, '2026-01-01T00:00Z'::timestamptz + n * interval '7 hours', now(), 1 + n % 2,
    CASE n % 2 WHEN 0 THEN ARRAY[n, -n] ELSE ARRAY[n, 0.1, 1e-9] END,
    CASE n % 2 WHEN 0 THEN NULL ELSE ARRAY[NULL, n, NULL]::float8[] END
    FROM generate_series(1, 300) AS n, generate_series(1, 2) AS device;
INSERT INTO readings_ingesterror (source, origin, reason, payload, created_at, last_at, count,
    device_id) VALUES ('rest', '', 'why', 'payload', {STAMPS}, 2, 1);
"""
COLUMNS = """
SELECT c.relname, array_agg(a.attname::text ORDER BY a.attnum) FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT c.relispartition AND c.relname ~ '^(users|sensors|kits|devices|readings)_'
    AND c.relname <> 'sensors_edition'
GROUP BY 1 ORDER BY 1
"""
Rows = list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def first_release(django_db_blocker: DjangoDbBlocker) -> Iterator[tuple[str, dict[str, Any]]]:
    """A database as the first release made it, with data."""
    with django_db_blocker.unblock(), live.database("upgrade") as url:
        environment = {**os.environ, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"}
        for app in FIRST:
            manage(environment, "migrate", app, "0001", "-v0")
        ask(url, DATA)
        yield url, environment


def manage(environment: dict[str, Any], *words: str) -> str:
    """What a command says."""
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, cwd=live.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def ask(url: str, sql: str) -> Rows:
    """The rows of a query; what statements do is committed."""
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def told(url: str, columns: dict[str, list[str]]) -> dict[str, Rows]:
    """All rows of tables, by the columns given."""
    found = {}
    for table, names in columns.items():
        shown = ", ".join(f't."{name}"::text' for name in names)
        found[table] = ask(url, f"SELECT {shown} FROM {table} t ORDER BY 1, 2")
    return found


def test_nothing_of_the_first_release_is_lost(
    first_release: tuple[str, dict[str, Any]],
) -> None:
    url, environment = first_release
    columns = {
        table: [name for name in names if f"{table}.{name}" not in DROPPED]
        for table, names in ask(url, COLUMNS)
    }
    before = told(url, columns)
    assert all(before.values()), [table for table, rows in before.items() if not rows]
    manage(environment, "migrate", "-v0")
    assert told(url, columns) == before
    manage(environment, "rollups", "--rebuild")
    manage(environment, "rollups")
    assert "2 devices: what is kept equals the readings" in manage(
        environment, "rollups", "--check"
    )
    # And the platform goes on: the sets have numbers, the ids follow.
    manage(environment, "catalogue")
    manage(environment, "demo", "--devices", "1", "--owners", "1", "--days", "1")
    assert ask(url, "SELECT max(id) FROM devices_device") == [(4,)]
    assert ask(url, "SELECT max(id) > 2 FROM readings_sensorset") == [(True,)]
