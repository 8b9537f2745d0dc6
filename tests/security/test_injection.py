"""SQL in any parameter is text like any other: it finds nothing, changes nothing, is no fault."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from apps.devices.models import Device
from apps.users.models import User
from tests.contract.tools import rows

ATTACKS = (
    "'",
    '"',
    "1' OR '1'='1",
    "1); DROP TABLE devices_device; --",
    "1 UNION SELECT password FROM users_user --",
    "%s%s%(x)s",
    "$$;SELECT pg_sleep(9);$$",
    "\\'; SELECT 1; --",
    "{{7*7}}",
)
LISTS = ("devices", "users", "sensors", "measurements")
PARAMETERS = (
    *("page", "per_page", "q[s]", "q[id_eq]", "q[name_cont]", "q[id_in][]", "q[created_at_gt]"),
    *("near", "within", "bbox", "with_tags", "fields", "callback", "pretty", "access_token"),
)
# A name of a search, as well as its value
NAMES = ("q[name'_eq]", "q[name_eq);--]", "q[owner_password_eq]", "q[id_eq][']", "q[s][']")


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_in_a_parameter_of_a_list_is_text(client: Any, device: Device, attack: str) -> None:
    before = rows()
    for name in (*PARAMETERS, *NAMES):
        for path in LISTS:
            answer = client.get(f"/v0/{path}?{quote(name)}={quote(attack)}")
            assert answer.status_code in {200, 400, 401, 404}, (path, name, answer.content)
    assert rows() == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_in_a_parameter_of_history_and_the_search_is_text(
    client: Any, device: Device, attack: str
) -> None:
    before = rows()
    names = ("sensor_id", "rollup", "from", "to", "function", "all_intervals", "limit", "format")
    for name in names:
        answer = client.get(f"/v0/devices/{device.pk}/readings?{name}={quote(attack)}")
        assert answer.status_code in {200, 400, 404, 406, 422}, (name, answer.content)
    assert client.get(f"/v0/search?q={quote(attack)}").status_code == 200
    assert rows() == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_in_a_path_or_a_header_is_text(client: Any, device: Device, attack: str) -> None:
    before = rows()
    for path in ("devices", "users", "sensors", "kits", "tags"):
        status = client.get(f"/v0/{path}/{quote(attack, safe='')}").status_code
        assert status in {400, 404}, path
    for header in ("X-SmartCitizenMacADDR", "X-SmartCitizenVersion", "X-SmartCitizenData"):
        kit = {"X-SmartCitizenMacADDR": str(device.mac_address), "X-SmartCitizenData": "[]"}
        assert Client().get("/add", headers={**kit, header: attack}).status_code == 200
    token = client.get("/v0/me", headers={"authorization": f"Bearer {attack}"})
    assert token.status_code in {400, 401}
    after = rows()
    assert {k: v for k, v in after.items() if k != "readings_ingesterror"} == {
        k: v for k, v in before.items() if k != "readings_ingesterror"
    }


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_that_is_written_is_kept_as_it_is(
    as_user: Any, alice: User, device: Device, attack: str
) -> None:
    answer = as_user(alice).patch(
        f"/v0/devices/{device.pk}", {"name": attack, "description": attack}, format="json"
    )
    assert answer.status_code == 200
    device.refresh_from_db()
    assert (device.name, device.description) == (attack, attack)
    assert User.objects.count() == 1
