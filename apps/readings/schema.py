"""What the document says of readings (reference: Readings)."""

from __future__ import annotations

from rest_framework import serializers

from apps.api.openapi import shared
from apps.api.openapi.endpoints import (
    BOOLEAN,
    STRING,
    TIME,
    Endpoint,
    Json,
    JsonField,
    Shape,
    document,
    document_outside,
    header,
    query,
)
from apps.devices.schema import NUMBER
from apps.readings.models import IngestError as IngestErrorRow
from apps.readings.rollups import FUNCTIONS

VALUES: Json = {
    "type": "object",
    "description": "By sensor id: `7` is the value of sensor 7, `7_raw` what was posted.",
    "patternProperties": {"^[0-9]+(_raw)?$": NUMBER},
    "additionalProperties": False,
}


class Reading(Shape):
    """What a device measured at one time."""

    device_id = serializers.IntegerField()
    recorded_at = serializers.DateTimeField()
    added_at = serializers.DateTimeField()
    data = JsonField(VALUES)


class Rollup(Shape):
    """One sensor in buckets, newest first, and the echo of what was asked."""

    device_id = serializers.IntegerField()
    sensor_id = serializers.IntegerField(allow_null=True)
    sensor_key = serializers.CharField(allow_null=True)
    component_id = serializers.IntegerField(allow_null=True)
    rollup = serializers.CharField()
    function = serializers.ChoiceField(list(FUNCTIONS))
    vars()["from"] = serializers.DateTimeField()
    to = serializers.DateTimeField()
    sample_size = serializers.IntegerField(help_text="On how many raw readings it stands")
    readings = JsonField(
        {
            "type": "array",
            "items": {
                "type": "array",
                "prefixItems": [TIME, NUMBER],
                "items": False,
                "minItems": 2,
            },
        }
    )


class Rejected(Shape):
    """An element, or a sensor of it, that was not stored."""

    index = serializers.IntegerField(allow_null=True)
    sensor = serializers.CharField(allow_null=True)
    reason = serializers.CharField()


class Receipt(Shape):
    """What came of a post."""

    id = serializers.ChoiceField(["ok", "unprocessable_entity"])
    message = serializers.CharField()
    stored = serializers.IntegerField(help_text="Elements that added or changed something")
    duplicates = serializers.IntegerField(help_text="Elements that changed nothing")
    rejected = Rejected(many=True)
    errors = JsonField(
        {
            "type": ["object", "null"],
            "additionalProperties": {"type": "array", "items": STRING},
        }
    )
    url = JsonField({"type": "null"})


class IngestError(Shape):
    """What was refused; repeats of a reason are counted."""

    id = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    count = serializers.IntegerField()
    source = serializers.ChoiceField(IngestErrorRow.Source.values)
    reason = serializers.CharField()
    payload = serializers.CharField(allow_blank=True)


class Queued(Shape):
    """The archive is being made."""

    id = serializers.ChoiceField(["ok"])
    message = serializers.CharField()
    errors = JsonField({"type": "null"})
    url = JsonField({"type": "null"})


READINGS_INPUT: Json = {
    "type": "object",
    "required": ["data"],
    "properties": {
        "data": {
            "type": "array",
            "minItems": 1,
            "maxItems": 10_000,
            "items": {
                "type": "object",
                "required": ["recorded_at", "sensors"],
                "properties": {
                    "recorded_at": {"type": "string"},
                    "sensors": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["id", "value"],
                            "properties": {
                                "id": {
                                    "type": ["integer", "string"],
                                    "description": "The id of a sensor, or its key.",
                                },
                                "value": {"type": ["number", "string"]},
                            },
                        },
                    },
                },
            },
        }
    },
    "example": {
        "data": [{"recorded_at": "2016-06-08 10:30:00", "sensors": [{"id": 55, "value": 21}]}]
    },
}

RANGE = (
    query("from", "From this time: ISO 8601, a date, or epoch seconds.", example="2015-02-11"),
    query("to", "Up to this time, and not with it.", example="2015-02-12"),
    query("relative", "So long ago until now, in place of `from`: `6w`.", STRING),
    query("sensor_id", "Of this sensor alone.", STRING, example="7"),
)
ROLLED_UP = (
    query("sensor_key", "The sensor by its key: `temp`.", STRING),
    query(
        "rollup",
        "The length of buckets: a number and one of `y M w d h m s ms`, or `auto`.",
        STRING,
        example="1h",
    ),
    query("function", f"What a bucket shows: {', '.join(FUNCTIONS)}; `avg` unless named."),
    query("all_intervals", "`true`: buckets without readings too, as null.", BOOLEAN),
    query("limit", "So many buckets at most, the newest.", STRING),
    query("max_points", "With `rollup=auto`: so many buckets at most; 500 unless named.", STRING),
    query("tz", "Days, weeks, months and years of this time zone: `Europe/Madrid`.", STRING),
)
STREAMED = (
    query("format", "Wins over `Accept`; as `csv` or `ndjson` a stream of all readings.", STRING),
    query("raw", "In CSV: `true` adds the raw values.", BOOLEAN),
    query("cursor", "Where the next page begins: `Link` has it.", STRING),
)

READING = {
    "device_id": 625,
    "recorded_at": "2015-04-28T14:16:08Z",
    "added_at": "2015-04-28T14:16:08Z",
    "data": {"7": 50.0, "7_raw": 0, "12": 14.38578857421875, "12_raw": 25132},
}

document(
    "Readings",
    {
        "GET /v0/devices/{id}/readings": Endpoint(
            "Get the history of a device",
            (Reading, Rollup),
            description="Raw readings, newest first, page by page along `Link`; with `rollup` one"
            " sensor in buckets; as CSV or NDJSON a stream of all raw readings, oldest first.",
            parameters=(*RANGE, *ROLLED_UP, *STREAMED),
            pages="cursor",
            media={"text/csv": STRING, "application/x-ndjson": STRING},
            headers=("Content-Disposition",),
            example=[READING],
        ),
        "POST /v0/devices/{id}/readings": Endpoint(
            "Send readings",
            Receipt,
            status=201,
            also={
                200: Receipt,
                422: {
                    "anyOf": [
                        shared.reference("schemas", "Receipt"),
                        shared.reference("schemas", "Error"),
                    ]
                },
            },
            body=READINGS_INPUT,
            description="Answered once all is durable. 200 where all was there before, 422 where"
            " nothing could be stored; a `data` that is no array is refused without a receipt."
            " `Content-Encoding: gzip` is understood.",
        ),
        "GET /v0/devices/{id}/ingest_errors": Endpoint(
            "List what was refused", IngestError, many=True, pages="numbers"
        ),
        "GET /v0/devices/{id}/readings/csv_archive": Endpoint(
            "Have a link to the whole history mailed",
            Queued,
            description="For the owner, once in six hours.",
        ),
        "GET /v0/devices/{id}/readings/csv_archive/file": Endpoint(
            "Get the file of an archive",
            parameters=(query("token", "What the mail says.", STRING, required=True),),
            media={"text/csv": STRING},
            headers=("Content-Disposition",),
        ),
    },
)

CLOCK: Json = {
    "200": {
        "description": "The time: `UTC:2026,11,2,09,05,07#`",
        "content": {"text/plain": {"schema": {"type": "string", "pattern": "^UTC:.*#$"}}},
    },
    **shared.errors(400, 500, 503),
}
KIT_HEADERS = [
    header("X-SmartCitizenMacADDR", "The MAC address of the kit."),
    header("X-SmartCitizenVersion", "Its firmware: `1.1-0.8.5-A`."),
    header("X-SmartCitizenData", "A JSON array of up to 60 rows, all values texts."),
]


def _door(name: str, summary: str, parameters: list[Json]) -> dict[str, Json]:
    """A door of old kits, by any of the methods that they use."""
    return {
        method: {
            "operationId": f"{method}_{name}",
            "summary": summary,
            "security": [{}],
            "parameters": parameters,
            "responses": CLOCK,
        }
        for method in ("get", "post", "put", "patch")
    }


document_outside(
    "Old kits",
    {
        "/v0/add": _door("add", "Take what an old kit posts in its headers", KIT_HEADERS),
        "/v0/datetime": _door("datetime", "Tell the time", []),
    },
)
