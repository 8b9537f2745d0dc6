"""Demo data: plausible owners, kits around the world, and readings through the real ingest."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.devices.models import Device, Exposure, Tag
from apps.kits.models import Kit
from apps.operations import statistics
from apps.operations.demo_places import FIRST_NAMES, PLACES, SPOTS, Place
from apps.readings import ingest, keys
from apps.readings.payloads import Sample
from apps.users.models import User

# Old kits carry Wi-Fi modules of this maker.
MAC_PREFIX = "00:06:66"
BATCH = 2000


@dataclass(frozen=True)
class Plan:
    """How much demo data to make."""

    devices: int
    owners: int
    days: float
    every: timedelta
    seed: int


def make(plan: Plan, progress: Callable[[int], object]) -> None:
    """Make owners, devices and readings; `progress` is told after each device.

    The same seed makes the same people and places; readings end now. Devices are added beside
    those that are there, each with its readings, so that an interrupted run leaves whole devices.
    """
    chance = random.Random(plan.seed)
    owners = [_owner(chance, number) for number in range(plan.owners)]
    kits = list(Kit.objects.filter(slug__in=[keys.SCK_1_0, keys.SCK_1_1]).order_by("slug"))
    tags = list(Tag.objects.all())
    first = Device.objects.count()
    for number in range(first, first + plan.devices):
        place = chance.choice(PLACES)
        # SCK 1.1 outsold SCK 1.0 by far.
        kit = kits[-1] if chance.random() < 0.8 else kits[0]
        with transaction.atomic():
            device = _device(chance, number, chance.choice(owners), kit, place)
            device.tags.set(chance.sample(tags, min(len(tags), chance.choice([0, 0, 1, 2]))))
        _post(device, kit, place, plan, random.Random(f"{plan.seed}:{number}"))
        progress(1)
    statistics.renew()


def _owner(chance: random.Random, number: int) -> User:
    """An account that nobody can sign in to: it has no password."""
    first_name = chance.choice(FIRST_NAMES)
    place = chance.choice(PLACES)
    username = f"{first_name.lower()}{number + 1}"
    found = User.objects.filter(username__iexact=username).first()
    return found or User.objects.create_user(
        username,
        f"{username}@example.org",
        None,
        first_name=first_name,
        city=place.city,
        country_code=place.country_code,
    )


def _device(chance: random.Random, number: int, owner: User, kit: Kit, place: Place) -> Device:
    """A device near the middle of a city."""
    address = f"{MAC_PREFIX}:{number >> 16 & 255:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"
    spot = chance.choice(SPOTS)
    return Device.objects.register(
        owner=owner,
        kit=kit,
        name=f"{place.city} {spot}",
        description=f"{kit.name} at the {spot.lower()} in {place.city}",
        mac_address=address,
        exposure=chance.choice([Exposure.INDOOR, Exposure.OUTDOOR, Exposure.OUTDOOR]),
        latitude=round(place.latitude + chance.gauss(0, 0.03), 7),
        longitude=round(place.longitude + chance.gauss(0, 0.04), 7),
        city=place.city,
        country_code=place.country_code,
        elevation=max(0, round(place.elevation + chance.gauss(0, 8))),
    )


def _post(device: Device, kit: Kit, place: Place, plan: Plan, chance: random.Random) -> None:
    """Readings from some days ago until now, or until the kit went silent; some never posted."""
    if chance.random() < 0.05:
        return
    targets = {
        row.key: keys.Target(row.sensor_id, row.key, row.calibration)
        for row in kit.kit_sensors.all()
    }
    named = {target.sensor_id: target.key for target in targets.values()}
    batch: list[Sample] = []

    def flush() -> None:
        rows, _ = keys.calibrated(batch, targets)
        ingest.prepare(device.pk, rows)
        ingest.store(device.pk, rows, named)
        batch.clear()

    for index, recorded_at in enumerate(_times(plan, chance)):
        batch.append(Sample(index, recorded_at, _raw(recorded_at, place, kit, chance)))
        if len(batch) == BATCH:
            flush()
    flush()


def _times(plan: Plan, chance: random.Random) -> Iterator[datetime]:
    """When a kit posts: regularly, with a minute's jitter, lost posts, and hours without power."""
    now = timezone.now().replace(microsecond=0)
    end = now if chance.random() < 0.75 else now - timedelta(days=plan.days * chance.random())
    moment = end - timedelta(days=plan.days)
    last = moment
    while moment <= end:
        if chance.random() < 0.002:
            moment += timedelta(hours=chance.expovariate(1 / 6))
        elif chance.random() < 0.98:
            last = moment
            yield moment.replace(microsecond=0)
        moment += plan.every
    if last < end:
        yield end


def _raw(moment: datetime, place: Place, kit: Kit, chance: random.Random) -> dict[str | int, float]:
    """What a kit would post at a UTC time: raw numbers with the cycles of day and year."""
    hour = (moment.hour + moment.minute / 60 + place.longitude / 15) % 24
    sun = max(0.0, math.cos((hour - 12.5) / 12 * math.pi))
    season = math.cos((moment.timetuple().tm_yday - 200) / 365 * 2 * math.pi)
    season = season if place.latitude >= 0 else -season
    temperature = (
        27
        - abs(place.latitude) * 0.35
        + season * abs(place.latitude) * 0.2
        + 4 * math.cos((hour - 15) / 12 * math.pi)
        + chance.gauss(0, 0.3)
    )
    humidity = min(98.0, max(12.0, 70 - 1.6 * (temperature - 15) + chance.gauss(0, 1.5)))
    bustle = 0.35 + 0.65 * max(0.0, math.sin((hour - 6) / 17 * math.pi)) if 6 <= hour <= 23 else 0.2
    noise = max(0.0, chance.gauss(700 * bustle, 120))
    shared: dict[str | int, float] = {
        "noise": round(noise if kit.slug == keys.SCK_1_1 else noise / 4),
        "no2": round(max(1000.0, chance.gauss(90_000 + 60_000 * bustle, 3000))),
        "co": round(max(1000.0, chance.gauss(300_000 - 120_000 * bustle, 6000))),
        "bat": round(min(1000.0, max(150.0, 700 + 250 * math.sin((hour - 9) / 12 * math.pi)))),
        "panel": round(sun * 4800),
        "nets": chance.randint(3, 19),
    }
    if kit.slug == keys.SCK_1_1:
        return shared | {
            "temp": round((temperature + 53) * 65536 / 175.72),
            "hum": round((humidity - 7) * 65536 / 125),
            "light": round(max(0.0, sun * 9000 + chance.gauss(20, 10))),
        }
    return shared | {
        "temp": round(temperature * 10),
        "hum": round(humidity * 10),
        "light": round(min(1000.0, max(0.0, sun * 900 + chance.gauss(5, 2)))),
    }
