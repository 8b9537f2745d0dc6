"""Who may do what, as one table that reads like the contract's section 2.

A line is a request, the status of the answer by who asks, and the scope that a token needs.
`{device}` and `{hidden}` are alice's, the owner's; `{hidden}` is private. `{new…}` are rows that
nothing needs, `{application}` and `{experiment}` are alice's too. What POST, PATCH and PUT send
stands in BODIES, by the first word of the path.

Who adds an endpoint adds its lines: `test_permissions.py` walks the URL map and fails where one
is missing. Methods that have no line are 405 for everyone. A scope of `all` is every one of them,
and `-` is none: credentials are not looked at.
"""

from __future__ import annotations

from typing import Any, NamedTuple

VIEWERS = ("anonymous", "stranger", "researcher", "owner", "admin")

TABLE = """
request                                   anonymous stranger researcher owner admin  scope

GET    /                                        200      200        200   200   200  public
GET    /v0                                      200      200        200   200   200  public
GET    /v0/                                     200      200        200   200   200  public
GET    /v0/users                                200      200        200   200   200  public
GET    /v0/users/{alice}                        200      200        200   200   200  public
GET    /v0/users/alice                          200      200        200   200   200  public
POST   /v0/users                                201      201        201   201   201  write
PATCH  /v0/users/alice                          401      403        403   200   200  write
PUT    /v0/users/alice                          401      403        403   200   200  write
DELETE /v0/users/alice                          401      403        403   403   200  write
GET    /v0/me                                   401      200        200   200   200  public
PATCH  /v0/me                                   401      200        200   200   200  write
PUT    /v0/me                                   401      200        200   200   200  write
DELETE /v0/me                                   401      200        200   200   200  write
GET    /v0/me/export                            401      200        200   200   200  all

POST   /v0/sessions                             200      200        200   200   200  public
DELETE /v0/sessions                             401      200        200   200   200  public
POST   /v0/password_resets                      200      200        200   200   200  public
GET    /v0/password_resets/unknown              404      404        404   404   404  public
PATCH  /v0/password_resets/unknown              404      404        404   404   404  public
PUT    /v0/password_resets/unknown              404      404        404   404   404  public

GET    /v0/applications                         401      200        200   200   200  public
POST   /v0/applications                         401      201        201   201   201  write
GET    /v0/applications/{application}           401      404        404   200   404  public
PATCH  /v0/applications/{application}           401      404        404   200   404  write
PUT    /v0/applications/{application}           401      404        404   200   404  write
DELETE /v0/applications/{application}           401      404        404   200   404  write
POST   /v0/applications/{application}/rotate_secret
                                                401      404        404   200   404  write

GET    /v0/devices                              200      200        200   200   200  public
POST   /v0/devices                              401      201        201   201   201  write
GET    /v0/devices/{device}                     200      200        200   200   200  public
PATCH  /v0/devices/{device}                     401      403        403   200   200  write
PUT    /v0/devices/{device}                     401      403        403   200   200  write
DELETE /v0/devices/{device}                     401      403        403   200   200  write
GET    /v0/devices/world_map                    200      200        200   200   200  -
GET    /v0/devices/fresh_world_map              401      200        200   200   200  public

GET    /v0/devices/{device}/readings            200      200        200   200   200  public
POST   /v0/devices/{device}/readings            401      403        403   201   201  readings
GET    /v0/devices/{device}/ingest_errors       401      403        403   200   200  public
GET    /v0/devices/{device}/readings/csv_archive
                                                401      403        403   200   403  public
GET    /v0/devices/{device}/readings/csv_archive/file?token=x
                                                404      404        404   404   404  -

GET    /v0/devices/{hidden}                     404      404        404   200   200  public
PATCH  /v0/devices/{hidden}                     401      404        404   200   200  write
PUT    /v0/devices/{hidden}                     401      404        404   200   200  write
DELETE /v0/devices/{hidden}                     401      404        404   200   200  write
GET    /v0/devices/{hidden}/readings            404      404        404   200   200  public
POST   /v0/devices/{hidden}/readings            401      404        404   201   201  readings
GET    /v0/devices/{hidden}/ingest_errors       401      404        404   200   200  public
GET    /v0/devices/{hidden}/readings/csv_archive
                                                401      404        404   200   403  public

GET    /v0/components                           200      200        200   200   200  public
GET    /v0/components/{component}               200      200        200   200   200  public
GET    /v0/components/{hidden_component}        404      404        404   200   200  public

GET    /v0/sensors                              200      200        200   200   200  public
POST   /v0/sensors                              401      403        403   403   201  write
GET    /v0/sensors/{new_sensor}                 200      200        200   200   200  public
PATCH  /v0/sensors/{new_sensor}                 401      403        403   403   200  write
PUT    /v0/sensors/{new_sensor}                 401      403        403   403   200  write
DELETE /v0/sensors/{new_sensor}                 401      403        403   403   200  write

GET    /v0/measurements                         200      200        200   200   200  public
POST   /v0/measurements                         401      403        403   403   201  write
GET    /v0/measurements/{new_measurement}       200      200        200   200   200  public
PATCH  /v0/measurements/{new_measurement}       401      403        403   403   200  write
PUT    /v0/measurements/{new_measurement}       401      403        403   403   200  write
DELETE /v0/measurements/{new_measurement}       401      403        403   403   200  write

GET    /v0/kits                                 200      200        200   200   200  public
POST   /v0/kits                                 401      403        403   403   201  write
GET    /v0/kits/{new_kit}                       200      200        200   200   200  public
GET    /v0/kits/new:1,0                         200      200        200   200   200  public
PATCH  /v0/kits/{new_kit}                       401      403        403   403   200  write
PUT    /v0/kits/{new_kit}                       401      403        403   403   200  write
DELETE /v0/kits/{new_kit}                       401      403        403   403   200  write

GET    /v0/tags                                 200      200        200   200   200  public
POST   /v0/tags                                 401      403        403   403   201  write
GET    /v0/tags/{new_tag}                       200      200        200   200   200  public
PATCH  /v0/tags/{new_tag}                       401      403        403   403   200  write
PUT    /v0/tags/{new_tag}                       401      403        403   403   200  write
DELETE /v0/tags/{new_tag}                       401      403        403   403   200  write

GET    /v0/tag_sensors                          200      200        200   200   200  public
POST   /v0/tag_sensors                          401      403        403   403   201  write
GET    /v0/tag_sensors/{new_sensor_tag}         200      200        200   200   200  public
PATCH  /v0/tag_sensors/{new_sensor_tag}         401      403        403   403   200  write
PUT    /v0/tag_sensors/{new_sensor_tag}         401      403        403   403   200  write
DELETE /v0/tag_sensors/{new_sensor_tag}         401      403        403   403   200  write

GET    /v0/experiments                          200      200        200   200   200  public
POST   /v0/experiments                          401      201        201   201   201  write
GET    /v0/experiments/{experiment}             200      200        200   200   200  public
PATCH  /v0/experiments/{experiment}             401      403        403   200   200  write
PUT    /v0/experiments/{experiment}             401      403        403   200   200  write
DELETE /v0/experiments/{experiment}             401      403        403   200   200  write

POST   /v0/onboarding/device                    201      201        201   201   201  write
GET    /v0/onboarding/device                    200      200        200   200   200  public
PATCH  /v0/onboarding/device                    200      200        200   200   200  write
PUT    /v0/onboarding/device                    200      200        200   200   200  write
POST   /v0/onboarding/register                  401      201        201   201   201  write
POST   /v0/onboarding/user                      200      200        200   200   200  public

GET    /v0/search?q=alice                       200      200        200   200   200  public
GET    /v0/metrics                              200      200        200   200   200  -
GET    /v0/version                              200      200        200   200   200  -
GET    /v0/schema                               200      200        200   200   200  -
GET    /metrics                                 200      200        200   200   200  -
GET    /health/live                             200      200        200   200   200  -
GET    /health/ready                            200      200        200   200   200  -

GET    /v0/add                                  200      200        200   200   200  -
POST   /v0/add                                  200      200        200   200   200  -
PATCH  /v0/add                                  200      200        200   200   200  -
PUT    /v0/add                                  200      200        200   200   200  -
GET    /v0/datetime                             200      200        200   200   200  -
POST   /v0/datetime                             200      200        200   200   200  -
PATCH  /v0/datetime                             200      200        200   200   200  -
PUT    /v0/datetime                             200      200        200   200   200  -
"""
BODIES: dict[str, dict[str, Any]] = {
    "users": {
        "username": "dora",
        "email": "dora@example.org",
        "password": "doradora",
        "city": "Lyon",
    },
    "me": {"city": "Lyon"},
    "sessions": {"username": "alice", "password": "alicealice"},
    "password_resets": {"username": "alice", "password": "a new one"},
    "applications": {"name": "Other", "redirect_uri": "https://app.example/cb"},
    "devices": {
        "name": "Roof",
        "mac_address": "00:1C:B3:09:85:15",
        "data": [{"recorded_at": "2016-06-08 10:30:00", "sensors": [{"id": 55, "value": 21}]}],
    },
    "kits": {"name": "Other", "slug": "other:1,0"},
    "sensors": {"name": "Other"},
    "measurements": {"name": "Other", "description": "Other"},
    "tags": {"name": "Other"},
    "tag_sensors": {"name": "Other"},
    "experiments": {"name": "Other"},
    "onboarding": {"name": "Other", "email": "alice@example.org"},
}
# What is under these has other credentials (a cookie, a client's secret), and tests of its own.
ELSEWHERE = {
    "admin/": "tests/admin/test_pages.py",
    "ui/": "tests/pages",
    "docs": "tests/browser/test_docs.py",
    "oauth/": "tests/users/oauth",
    r"\.well-known/oauth-authorization-server": "tests/users/oauth/test_endpoints.py",
}
# An archive is asked for by GET, as ever (contract: Also served), and old kits post by any method.
CHANGES_BY_GET = {"/v0/devices/{device}/readings/csv_archive", "/v0/add"} | {
    "/v0/devices/{hidden}/readings/csv_archive"
}
# The first two leave all to the worker, or only answer.
CHANGES_NOTHING = {"/v0/password_resets", "/v0/onboarding/user", "/v0/datetime"}
# Only an access token can be taken back.
OTHERWISE = {
    ("DELETE /v0/sessions", "Basic"): 400,
    ("DELETE /v0/sessions", "Token token="): 400,
}


class Line(NamedTuple):
    """A line of the table: a request, the status of the answer by who asks, and the scope."""

    method: str
    path: str
    statuses: dict[str, int]
    scope: str

    def __str__(self) -> str:
        """The request, as tests are named by it."""
        return f"{self.method} {self.path}"

    @property
    def body(self) -> dict[str, Any] | None:
        """What is sent; None for a method that sends nothing."""
        if self.method in {"GET", "DELETE"}:
            return None
        return BODIES.get(self.path.split("/")[2], {})

    @property
    def changes(self) -> bool:
        """Whether an answer of success has changed a table of ours."""
        if self.method == "GET":
            return self.path in CHANGES_BY_GET
        return self.path not in CHANGES_NOTHING


def lines() -> list[Line]:
    """The table, line by line; a long path has its statuses on the line below."""
    words = TABLE.split("scope", 1)[1].split()
    found = []
    while words:
        method, path, *statuses, scope = words[: 3 + len(VIEWERS)]
        by_viewer = dict(zip(VIEWERS, map(int, statuses), strict=True))
        found.append(Line(method, path, by_viewer, scope))
        words = words[3 + len(VIEWERS) :]
    return found
