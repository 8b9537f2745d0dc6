"""Which devices a viewer may see, where they are, what they have: where these rules stand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models import Func, Q
from django.db.models.functions import Cast
from django.db.models.lookups import LessThanOrEqual
from django.utils import timezone

from apps.devices import forwarding
from apps.devices.positions import Around, Box, Distance, Point, chord
from apps.sensors.editions import edition

if TYPE_CHECKING:
    from apps.devices.models import Component, Device, Experiment, Tag  # noqa: F401


PART_FROM_SENSORS = """
DELETE FROM devices_component AS component USING devices_device AS device
WHERE component.device_id = device.id AND device.id = ANY(%(devices)s::bigint[])
  AND device.latest #> ARRAY['sensors', component.sensor_id::text] IS NULL
  AND NOT EXISTS (
    SELECT FROM kits_kitsensor AS fitted
    WHERE fitted.kit_id = device.kit_id AND fitted.sensor_id = component.sensor_id)
"""
NAME_BY_KEYS = """
UPDATE devices_component AS component SET key = fitted.key, updated_at = %(now)s
FROM devices_device AS device JOIN kits_kitsensor AS fitted ON fitted.kit_id = device.kit_id
WHERE component.device_id = device.id AND device.id = ANY(%(devices)s::bigint[])
  AND component.sensor_id = fitted.sensor_id AND component.key IS DISTINCT FROM fitted.key
"""
JOIN_TO_SENSORS = """
INSERT INTO devices_component (uuid, device_id, sensor_id, key, created_at, updated_at)
SELECT gen_random_uuid(), device.id, fitted.sensor_id, fitted.key, %(now)s, %(now)s
FROM devices_device AS device JOIN kits_kitsensor AS fitted ON fitted.kit_id = device.kit_id
WHERE device.id = ANY(%(devices)s::bigint[])
  AND NOT EXISTS (
    SELECT FROM devices_component AS component
    WHERE component.device_id = device.id AND component.sensor_id = fitted.sensor_id)
ORDER BY device.id, fitted.sensor_id
ON CONFLICT (device_id, sensor_id) DO NOTHING
"""

# Lists that belong to a device. Django writes such subqueries too, but takes as long for that as
# for the rest of the request.
TAG_NAMES = """ARRAY(
SELECT tag.name FROM devices_device_tags AS tagged JOIN devices_tag AS tag ON tag.id = tagged.tag_id
WHERE tagged.device_id = %(expressions)s ORDER BY tag.id)"""
SENSOR_IDS = """ARRAY(
SELECT component.sensor_id FROM devices_component AS component
WHERE component.device_id = %(expressions)s ORDER BY component.sensor_id)"""
EXPERIMENT_IDS = """ARRAY(
SELECT part.experiment_id FROM devices_experiment_devices AS part
JOIN devices_experiment AS experiment ON experiment.id = part.experiment_id
JOIN users_user AS owning ON owning.id = experiment.owner_id
WHERE part.device_id = %(expressions)s AND owning.archived_at IS NULL
ORDER BY part.experiment_id)"""
OWNER_DEVICE_IDS = """ARRAY(
SELECT other.id FROM devices_device AS other
WHERE other.owner_id = %(expressions)s AND other.archived_at IS NULL AND %(seen)s
ORDER BY other.id)"""
IDS = ArrayField(models.BigIntegerField())
TEXTS = ArrayField(models.TextField())

SHOWN_ON_MAP = (
    *("name", "description", "kit_id", "owner__username", "exposure", "city", "country_code"),
    *("precise_location", "elevation", "public_latitude", "public_longitude", "public_geohash"),
    *("state", "latest", "last_reading_at", "created_at"),
)


class DeviceQuerySet(models.QuerySet["Device"]):
    """Devices as a viewer may see them."""

    def active(self) -> DeviceQuerySet:
        """Devices that are neither archived themselves nor owned by an archived account."""
        return self.filter(archived_at=None, owner__archived_at=None)

    def visible_to(self, user: Any) -> DeviceQuerySet:
        """What `user` may see: public devices, his own, and for an admin all (contract: §2)."""
        devices = self.active()
        if getattr(user, "is_admin", False):
            return devices
        if user.is_authenticated:
            return devices.filter(models.Q(is_private=False) | models.Q(owner_id=user.pk))
        return devices.filter(is_private=False)

    @transaction.atomic
    def register(self, tags: Iterable[Tag] = (), **fields: Any) -> Device:
        """Add a device with the sensors of its kit; `fields` are those of the model."""
        device = self.create(**fields)
        device.tags.set(tags)
        device.adopt_kit()
        if device.enable_forwarding:
            forwarding.provide(device.owner_id)
        return device

    @transaction.atomic
    def refit(self) -> None:
        """Join the devices to the sensors of their kits, and part them from all they never posted.

        For any number of devices, in four queries; a component goes by the key that the kit
        gives its sensor. Contract, Sensor: a device's sensors are those of its kit, plus any it
        has posted.
        """
        # Held, so that no reading comes in meanwhile whose sensor is not in `latest` yet.
        held = self.order_by("pk").select_for_update(of=("self",), no_key=True)
        devices = list(held.values_list("pk", flat=True))
        with connection.cursor() as cursor:
            for statement in (PART_FROM_SENSORS, NAME_BY_KEYS, JOIN_TO_SENSORS):
                cursor.execute(statement, {"devices": devices, "now": timezone.now()})

    def on_map(self) -> DeviceQuerySet:
        """What the world map shows: public devices with a position."""
        return self.active().filter(is_private=False, public_latitude__isnull=False)

    def near(self, point: Point) -> DeviceQuerySet:
        """Nearest first; devices without a position drop out (contract: near)."""
        placed = self.filter(public_latitude__isnull=False)
        return placed.order_by(Distance.of_device_from(point), "pk")

    def within(self, point: Point, kilometres: float) -> DeviceQuerySet:
        """Not farther from a point than so many kilometres on the great circle."""
        return self.filter(public_latitude__isnull=False).filter(
            Around.of_device(point, kilometres),
            LessThanOrEqual(Distance.of_device_from(point), chord(kilometres)),
        )

    def in_box(self, box: Box) -> DeviceQuerySet:
        """In a box; one whose west is greater than its east crosses the antimeridian."""
        east_of, west_of = Q(public_longitude__gte=box.west), Q(public_longitude__lte=box.east)
        across = east_of | west_of if box.west > box.east else east_of & west_of
        return self.filter(across, public_latitude__range=(box.south, box.north))

    def with_tags(self, names: Iterable[str]) -> DeviceQuerySet:
        """With any of these tags, whatever their case; no device twice."""
        any_of_them = Q()
        for name in names:
            any_of_them |= Q(tag__name__iexact=name)
        if not any_of_them:
            return self.none()
        tagged = self.model.tags.through.objects.filter(any_of_them)
        return self.filter(pk__in=tagged.values("device_id"))

    def for_map(self) -> DeviceQuerySet:
        """Fetches what an entry of the world map shows, in order of ids."""
        shown = self.with_tag_names()._fetching(edition=edition())
        return shown.select_related("owner").only(*SHOWN_ON_MAP).order_by("pk")

    def for_owner(self) -> DeviceQuerySet:
        """Fetches what devices show within their owner's JSON; the owner is not among it."""
        return self.with_tag_names()._fetching(edition=edition()).defer("postprocessing")

    def with_edition(self) -> DeviceQuerySet:
        """Fetches as `edition` that of the catalogue, by which kits and sensors are known."""
        return self._fetching(edition=edition())

    def with_tag_names(self) -> DeviceQuerySet:
        """Fetches as `tag_names` the names of the devices' tags, oldest tag first."""
        return self._fetching(tag_names=_array(TAG_NAMES, "pk", of=TEXTS))

    def for_detail(self, viewer: Any) -> DeviceQuerySet:
        """Fetches what a whole device shows to `viewer`, in one query.

        The ids of its sensors and experiments, and of those of its owner's devices that the
        viewer may see, come as lists. What the sensors and the kit are is told by the edition of
        the catalogue.
        """
        return self.select_related("owner")._fetching(
            tag_names=_array(TAG_NAMES, "pk", of=TEXTS),
            edition=edition(),
            sensor_ids=_array(SENSOR_IDS, "pk"),
            experiment_ids=_array(EXPERIMENT_IDS, "pk"),
            owner_device_ids=_array(OWNER_DEVICE_IDS, "owner_id", seen=_seen_by(viewer)),
        )

    def _fetching(self, **expressions: Any) -> DeviceQuerySet:
        """With attributes that `Device` declares but its row lacks."""
        return self.annotate(**expressions)


def _array(template: str, column: str, of: models.Field[Any, Any] = IDS, **words: str) -> Func:
    """A list that belongs to each device, found by one of its columns."""
    return Func(column, template=template, output_field=of, **words)


def _seen_by(viewer: Any) -> str:
    """Which devices of an active owner `visible_to` leaves, as SQL."""
    if getattr(viewer, "is_admin", False):
        return "TRUE"
    if viewer.is_authenticated:
        return f"(NOT other.is_private OR other.owner_id = {int(viewer.pk)})"
    return "NOT other.is_private"


class ComponentQuerySet(models.QuerySet["Component"]):
    """Components of devices."""

    def with_newest(self) -> ComponentQuerySet:
        """Fetches as `newest` what the device's row keeps of the sensor's newest reading.

        That is one `latest.Newest` as a list, None where there is none; no more of the row.
        """
        sensor = Cast("sensor_id", models.TextField())
        newest = models.Func(
            models.F("device__latest"),
            models.Value("sensors"),
            sensor,
            function="jsonb_extract_path",
            output_field=models.JSONField(),
        )
        return self.annotate(newest=newest)

    def ensure(self, device_id: int, keys: Iterable[tuple[int, str | None]]) -> None:
        """Join a device to sensors, given as pairs of sensor id and key, where it is not yet."""
        self.bulk_create(
            [
                self.model(device_id=device_id, sensor_id=sensor_id, key=key)
                for sensor_id, key in keys
            ],
            ignore_conflicts=True,
        )


class ExperimentQuerySet(models.QuerySet["Experiment"]):
    """Experiments, with those of their devices that a viewer may see."""

    def active(self) -> ExperimentQuerySet:
        """Experiments of accounts that are not archived: the only ones that answers show."""
        return self.filter(owner__archived_at=None)

    def with_device_ids(self, devices: DeviceQuerySet) -> ExperimentQuerySet:
        """Fetches as `device_ids` those of `devices` that each experiment has, in order."""
        part_of_it = devices.filter(experiments=models.OuterRef("pk")).order_by("pk")
        fetched: dict[str, Any] = {"device_ids": ArraySubquery(part_of_it.values("pk"))}
        return self.annotate(**fetched)

    @transaction.atomic
    def begin(self, devices: Iterable[Device] = (), **fields: Any) -> Experiment:
        """Add an experiment with its devices; `fields` are those of the model."""
        experiment = self.create(**fields)
        experiment.devices.set(devices)
        return experiment
