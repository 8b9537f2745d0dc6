"""Measures the bytes that a reading takes, with its rollups, dirty marks and indexes.

    DATABASE_URL=… REDIS_URL=… python benchmarks/bytes.py [--devices 3] [--days 90]

Makes a database of its own on the server of DATABASE_URL and drops it in the end. Devices post 12
plain values a minute, in order of arrival; hours are marked and refreshed in the platform's way.
Prints a Markdown table of what `pg_total_relation_size` says of each table.
"""

from __future__ import annotations

import argparse
import contextlib
import os
from datetime import UTC, datetime, timedelta

import psycopg2
from reads import ROOT, database, manage

SENSORS = 12
START = datetime(2025, 1, 1, tzinfo=UTC)
SETUP = """
from datetime import datetime, timedelta
from apps.devices.models import Device
from apps.kits.models import Kit
from apps.readings import partitions, sensor_sets
from apps.users.models import User
user = User.objects.create_user("bench", "bench@example.org", "benchbench")
for number in range({devices}):
    Device.objects.register(
        owner=user, kit=Kit.objects.get(slug="sck:1,1"), name="bench", description="",
        exposure="indoor", latitude=41.4, longitude=2.2, city="", country_code="ES",
    )
start = datetime.fromisoformat("{start}")
partitions.ensure(start + timedelta(days=day) for day in range({days}))
sensor_sets.numbers([tuple(range(3, 3 + {sensors}))], 1, None)
"""
POSTS = """
INSERT INTO readings_reading (device_id, recorded_at, added_at, sensor_set_id, "values")
SELECT device.id, at, at + interval '2 seconds', 1,
    ARRAY(SELECT round((20 + place + random() * 10)::numeric, 2)::float8
          FROM generate_series(1, %(sensors)s) AS place WHERE at IS NOT NULL)
FROM generate_series(%(start)s, %(end)s - interval '1 minute', interval '1 minute') AS at,
    devices_device AS device ORDER BY at, device.id
"""
MARKS = """
INSERT INTO readings_dirty (device_id, hour)
SELECT DISTINCT device_id, date_trunc('hour', recorded_at, 'UTC') AS hour FROM readings_reading
ORDER BY hour, device_id
"""
SIZES = """
SELECT regexp_replace(relname, '_[0-9]{4}_[0-9]{2}$|_default$', '') AS name,
    sum(pg_table_size(oid)), sum(pg_indexes_size(oid))
FROM pg_class WHERE relkind = 'r' AND relname ~ '^readings_(reading|hourly|daily|dirty|sensorset)'
GROUP BY 1 ORDER BY 2 DESC
"""


def main() -> None:
    """Fill, refresh, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--devices", type=int, default=3, help="how many (3)")
    parser.add_argument("--days", type=int, default=90, help="of one post a minute (90)")
    options = parser.parse_args()
    end = START + timedelta(days=options.days)
    readings = options.devices * options.days * 1440 * SENSORS
    with database() as url, contextlib.closing(psycopg2.connect(url)) as connection:
        environment = {**os.environ, "DATABASE_URL": url, "PYTHONPATH": str(ROOT)}
        manage(environment, "migrate")
        manage(environment, "catalogue")
        said = {"devices": options.devices, "days": options.days, "sensors": SENSORS}
        manage(environment, "shell", "-c", SETUP.format(start=START.isoformat(), **said))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(POSTS, {"start": START, "end": end, "sensors": SENSORS})
            cursor.execute(MARKS)
            cursor.execute("VACUUM ANALYZE")
            manage(environment, "rollups")
            # As autovacuum does: what has no marks left has no pages left, however long it ran.
            cursor.execute("VACUUM readings_dirty")
            cursor.execute(SIZES)
            sizes = cursor.fetchall()
    print(f"{readings:,} readings of {options.devices} devices in {options.days} days\n")
    print("| table | bytes a reading | of these its indexes |\n|---|--:|--:|")
    for name, table, indexes in sizes:
        whole = (table + indexes) / readings
        print(f"| {name} | {whole:.2f} | {indexes / readings:.2f} |")
    total = sum(table + indexes for _, table, indexes in sizes)
    print(f"| all | {total / readings:.2f} | |")


if __name__ == "__main__":
    main()
