"""What the document says of the platform itself."""

from __future__ import annotations

from rest_framework import serializers

from apps.api.openapi.endpoints import STRING, Endpoint, Shape, document


class OnlineDevices(Shape):
    """How many devices posted lately."""

    now = serializers.IntegerField()
    last_hour = serializers.IntegerField()
    today = serializers.IntegerField()
    this_month = serializers.IntegerField()
    this_year = serializers.IntegerField()
    all_time = serializers.IntegerField()


class DeviceTotals(Shape):
    """How many devices there are."""

    total = serializers.IntegerField()
    private = serializers.IntegerField()
    test = serializers.IntegerField()
    online = OnlineDevices()


class UserTotals(Shape):
    """How many users there are."""

    total = serializers.IntegerField()


class Totals(Shape):
    """How large the platform is."""

    devices = DeviceTotals()
    users = UserTotals()


class Version(Shape):
    """What runs here."""

    env = serializers.ChoiceField(["development", "production"])
    version = serializers.CharField()
    python = serializers.CharField()
    django = serializers.CharField()
    branch = serializers.CharField()
    revision = serializers.CharField()


class Live(Shape):
    """The process answers."""

    status = serializers.ChoiceField(["ok"])


class Ready(Shape):
    """What each part says: `ok`, or in a few words what is wrong."""

    status = serializers.ChoiceField(["ok", "degraded", "unavailable"])
    database = serializers.CharField()
    migrations = serializers.CharField()
    cache = serializers.CharField()
    queue = serializers.CharField()


document(
    "The platform",
    {
        "GET /v0/metrics": Endpoint("How many devices and users there are", Totals),
        "GET /v0/version": Endpoint("What runs here", Version),
        "GET /health/live": Endpoint("Whether the process answers", Live),
        "GET /health/ready": Endpoint(
            "Whether the platform takes requests", Ready, also={503: Ready}
        ),
        "GET /metrics": Endpoint(
            "Figures of operation, as Prometheus reads them",
            media={"text/plain": STRING},
        ),
        "GET /v0/me/export": Endpoint(
            "Get all that the platform holds on you",
            media={"application/zip": {"type": "string", "format": "binary"}},
            headers=("Content-Disposition",),
        ),
    },
)
