"""What the document says of devices, and of what belongs to them (reference: Devices)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from apps.api.openapi.endpoints import (
    STRING,
    TIME,
    Endpoint,
    JsonField,
    Shape,
    catalogue,
    document,
    header,
    query,
)
from apps.devices.experiment_views import ExperimentSerializer
from apps.devices.inputs import DeviceInput
from apps.devices.models import Exposure
from apps.devices.onboarding_views import OrphanInput
from apps.devices.tag_views import TagSerializer
from apps.kits.schema import Kit
from apps.sensors.schema import Sensor

NUMBER: dict[str, Any] = {"type": ["number", "null"]}
EXPOSURES = Exposure.values
STATUSES = ["new", "online", "offline"]
STATES = ["never_published", "has_published", "not_configured"]

# Values and raw values by sensor id, and the times of the newest reading
COMPACT: dict[str, Any] = {
    "type": ["object", "null"],
    "description": "By sensor id: `7` is the value of sensor 7, `7_raw` what was posted.",
    "required": ["recorded_at", "added_at", "calibrated_at"],
    "properties": {"recorded_at": TIME, "added_at": TIME, "calibrated_at": TIME},
    "patternProperties": {"^[0-9]+(_raw)?$": NUMBER},
}


class Location(Shape):
    """Where a device is; to strangers, as precisely as its owner wants."""

    ip = serializers.CharField(allow_null=True, help_text="Ignore for now")
    exposure = serializers.ChoiceField(EXPOSURES, allow_null=True)
    elevation = serializers.FloatField(allow_null=True, help_text="Metres")
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)
    geohash = serializers.CharField(allow_null=True)
    city = serializers.CharField(allow_null=True)
    country_code = serializers.CharField(allow_null=True, help_text="ISO 3166 alpha-2")
    country = serializers.CharField(allow_null=True)


class Hardware(Shape):
    """What a device is made of, and, for its owner, what it last told of itself."""

    name = serializers.CharField()
    type = serializers.CharField()
    version = serializers.CharField(allow_null=True)
    slug = serializers.CharField()
    last_status_message = JsonField({"type": ["object", "null"], "additionalProperties": True})


class Notify(Shape):
    """Of what the owner is told by mail."""

    stopped_publishing = serializers.BooleanField()
    low_battery = serializers.BooleanField()


class DataPolicy(Shape):
    """What may be done with the device's data."""

    is_private = serializers.BooleanField()
    enable_forwarding = serializers.BooleanField()
    precise_location = serializers.BooleanField()
    forwarding_destination = serializers.CharField(allow_null=True)


class DeviceSummary(Shape):
    """What a device shows by itself and within its owner alike."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    state = serializers.ChoiceField(STATES)
    status = serializers.ChoiceField(
        STATUSES,
        help_text="`new` never posted, `online` less than 10 minutes ago, else `offline`",
    )
    system_tags = serializers.ListField(child=serializers.CharField())
    user_tags = serializers.ListField(child=serializers.CharField())
    added_at = serializers.DateTimeField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    last_reading_at = serializers.DateTimeField(allow_null=True)
    kit_id = serializers.IntegerField(allow_null=True)
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)
    location = Location()
    hardware = Hardware()
    notify = Notify()
    data_policy = DataPolicy()


class PlaceOfUser(Shape):
    """Where a user says that he is."""

    city = serializers.CharField(allow_null=True)
    country_code = serializers.CharField(allow_null=True)
    country = serializers.CharField(allow_null=True)


class Owner(Shape):
    """The owner of a device: a user without nested devices."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    role = serializers.CharField()
    username = serializers.CharField()
    first_name = serializers.CharField(allow_null=True)
    last_name = serializers.CharField(allow_null=True)
    avatar = serializers.CharField(allow_null=True)
    profile_picture = serializers.CharField()
    url = serializers.CharField(allow_null=True)
    location = PlaceOfUser()
    joined_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    device_ids = serializers.ListField(child=serializers.IntegerField())


class SensorOfDevice(Sensor):
    """A sensor with its newest value, and the one before."""

    value = serializers.FloatField(allow_null=True, help_text="Calibrated")
    raw_value = serializers.FloatField(allow_null=True, help_text="As it was posted")
    prev_value = serializers.FloatField(allow_null=True)
    prev_raw_value = serializers.FloatField(allow_null=True)
    last_reading_at = serializers.DateTimeField(allow_null=True)


class DeviceData(Shape):
    """The latest data of a device (reference: Data Object)."""

    recorded_at = serializers.DateTimeField(allow_null=True)
    added_at = serializers.DateTimeField(allow_null=True)
    calibrated_at = serializers.DateTimeField(allow_null=True)
    firmware = serializers.CharField(allow_null=True, help_text="Ignore for now")
    location = Location()
    sensors = SensorOfDevice(many=True)


class Postprocessing(Shape):
    """What researchers keep with a device of how its readings are processed later."""

    id = serializers.IntegerField()
    device_id = serializers.IntegerField()
    blueprint_url = serializers.CharField(allow_null=True)
    hardware_url = serializers.CharField(allow_null=True)
    forwarding_params = serializers.IntegerField(allow_null=True)
    meta = serializers.CharField(allow_null=True)
    latest_postprocessing = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    updated_at = serializers.DateTimeField(allow_null=True)


class Device(DeviceSummary):
    """A device as the viewer sees it (reference: Get a Device)."""

    is_private = serializers.BooleanField()
    exposure = serializers.ChoiceField(EXPOSURES, allow_null=True)
    postprocessing = Postprocessing(allow_null=True)
    experiment_ids = serializers.ListField(child=serializers.IntegerField())
    owner = Owner()
    kit = Kit(allow_null=True)
    data = DeviceData()
    mac_address = serializers.CharField(
        required=False, allow_null=True, help_text="For the owner and admins alone"
    )
    device_token = serializers.CharField(required=False, help_text="For the owner and admins alone")


class MapEntry(Shape):
    """A device on the world map (reference: World Map of Devices)."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    owner_id = serializers.IntegerField()
    owner_username = serializers.CharField()
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)
    city = serializers.CharField(allow_null=True)
    country_code = serializers.CharField(allow_null=True)
    kit_id = serializers.IntegerField(allow_null=True)
    state = serializers.ChoiceField(STATES)
    status = serializers.ChoiceField(STATUSES)
    system_tags = serializers.ListField(child=serializers.CharField())
    user_tags = serializers.ListField(child=serializers.CharField())
    exposure = serializers.ChoiceField(EXPOSURES, allow_null=True)
    data = JsonField(COMPACT)
    location = Location()
    hardware = Hardware()
    added_at = serializers.DateTimeField()
    last_reading_at = serializers.DateTimeField(allow_null=True)


class Component(Shape):
    """What joins a device to a sensor."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    device_id = serializers.IntegerField()
    sensor_id = serializers.IntegerField()
    key = serializers.CharField(allow_null=True)
    last_reading_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Tag(Shape):
    """A word that owners put on their devices."""

    id = serializers.IntegerField()
    uuid = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Experiment(Shape):
    """A named set of devices."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField(allow_null=True)
    owner_id = serializers.IntegerField()
    active = serializers.BooleanField()
    is_test = serializers.BooleanField()
    starts_at = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    device_ids = serializers.ListField(child=serializers.IntegerField())
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class Orphan(Shape):
    """A device that is being set up, for who holds its session."""

    id = serializers.IntegerField()
    name = serializers.CharField(allow_null=True)
    description = serializers.CharField(allow_null=True)
    kit_id = serializers.IntegerField(allow_null=True)
    exposure = serializers.ChoiceField(EXPOSURES, allow_null=True)
    latitude = serializers.FloatField(allow_null=True)
    longitude = serializers.FloatField(allow_null=True)
    user_tags = serializers.CharField(allow_null=True)
    device_token = serializers.CharField()
    onboarding_session = serializers.UUIDField()
    device_handshake = serializers.BooleanField()
    seen_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class OnboardingBegun(Shape):
    """The secrets of a device that is being set up."""

    onboarding_session = serializers.UUIDField()
    device_token = serializers.CharField()


class TagInput(TagSerializer):
    """What admins say of a tag."""


class ExperimentInput(ExperimentSerializer):
    """What the owner says of an experiment."""


# reference: World Map of Devices
SMART_HAARLEM: dict[str, Any] = {
    "id": 625,
    "name": "SmartHaarlem",
    "description": "",
    "owner_id": 667,
    "owner_username": "SmartHaarlem",
    "latitude": 52.3781227,
    "longitude": 4.6291324,
    "city": "Haarlem",
    "country_code": "NL",
    "kit_id": 3,
    "state": "has_published",
    "status": "offline",
    "system_tags": ["indoor", "offline"],
    "user_tags": [],
    "exposure": "indoor",
    "data": {
        "7": 50.0,
        "7_raw": 0,
        "12": 14.38578857421875,
        "12_raw": 25132,
        "13": 64.3577880859375,
        "13_raw": 30072,
        "14": 0.0,
        "14_raw": 0,
        "15": 133.482,
        "15_raw": 133482,
        "16": 41.951,
        "16_raw": 41951,
        "17": 80.0,
        "17_raw": 800,
        "18": 0,
        "21": 13,
        "added_at": "2015-04-28T14:16:08Z",
        "calibrated_at": "2015-04-28T14:16:08Z",
        "recorded_at": "2015-04-28T14:16:08Z",
    },
    "location": {
        "ip": None,
        "exposure": "indoor",
        "elevation": None,
        "latitude": 52.3781227,
        "longitude": 4.6291324,
        "geohash": "u173zq3vh1",
        "city": "Haarlem",
        "country_code": "NL",
        "country": "Netherlands",
    },
    "hardware": {
        "name": "SCK 1.1",
        "type": "SCK",
        "version": "1.1",
        "slug": "sck:1,1",
        "last_status_message": None,
    },
    "added_at": "2015-02-02T15:59:48Z",
    "last_reading_at": "2015-04-28T14:16:08Z",
}

PLACES = (
    query(
        "near",
        "`lat,lng`: in order of distance; devices without coordinates are left out. An explicit"
        " sort of `q` wins.",
        example="41.401108,2.215319",
    ),
    query("within", "With `near`: no farther than so many kilometres.", example="50"),
    query("bbox", "`west,south,east,north`; west > east crosses the antimeridian.", STRING),
    query("with_tags", "`a|b`: with any of these tags.", STRING),
)
SESSION = header("OnboardingSession", "What `POST /v0/onboarding/device` answered.")

document(
    "Devices",
    {
        **catalogue("/v0/devices", "a device", "devices", Device, DeviceInput, parameters=PLACES),
        "GET /v0/devices/world_map": Endpoint(
            "Get the world map",
            MapEntry,
            many=True,
            description="Every public device with a position; at most a minute old. Nothing but"
            " `callback` and `pretty` counts.",
            example=[SMART_HAARLEM],
        ),
        "GET /v0/devices/fresh_world_map": Endpoint(
            "Get the world map, uncached", MapEntry, many=True, example=[SMART_HAARLEM]
        ),
        **catalogue("/v0/components", "a component", "components", Component),
        **catalogue("/v0/tags", "a tag", "tags", Tag, TagInput),
    },
)
document(
    "Experiments",
    catalogue("/v0/experiments", "an experiment", "experiments", Experiment, ExperimentInput),
)
document(
    "Onboarding",
    {
        "POST /v0/onboarding/device": Endpoint(
            "Begin to set up a device", OnboardingBegun, status=201, body=OrphanInput
        ),
        "GET /v0/onboarding/device": Endpoint(
            "Get the device that is set up", Orphan, parameters=(SESSION,), errors=(404,)
        ),
        "PATCH /v0/onboarding/device": Endpoint(
            "Change the device that is set up",
            Orphan,
            body=OrphanInput,
            parameters=(SESSION,),
            errors=(404,),
        ),
        "POST /v0/onboarding/register": Endpoint(
            "Claim the device that is set up",
            Device,
            status=201,
            also={200: Device},
            description="200 where you claimed it before.",
            parameters=(SESSION,),
            errors=(404,),
        ),
    },
)
