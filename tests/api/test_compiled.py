"""A compiled query tells what its queryset tells, whenever and by whomever it is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection

from apps.api.compiled import Compiled
from apps.devices.models import Device
from apps.users.models import User


@pytest.fixture
def several(device: Device, alice: User, bob: User) -> list[Device]:
    """Devices of two owners."""
    return [device] + [Device.objects.create(owner=bob, name=f"Device {n}") for n in range(3)]


def told(record: Device) -> dict[str, Any]:
    """All that was fetched of a device."""
    return {
        **{name: value for name, value in vars(record).items() if name != "_state"},
        "deferred": record.get_deferred_fields(),
        "owner": record.owner.username,
    }


@pytest.mark.parametrize(
    "queryset",
    [
        Device.objects.all(),
        Device.objects.select_related("owner").only("name", "owner__username", "latest"),
        Device.objects.active().for_detail(AnonymousUser()),
        Device.objects.filter(name__in=["Device 0", "Device 1"]).order_by("-pk"),
    ],
)
def test_it_tells_what_its_queryset_tells(several: list[Device], queryset: Any) -> None:
    ids = [device.pk for device in several[:3]]
    expected = {pk: told(record) for pk, record in queryset.in_bulk(ids).items()}
    found = {pk: told(record) for pk, record in Compiled(queryset).fetch(ids).items()}
    for one in (*expected.values(), *found.values()):
        one.pop("_state", None)
    assert expected and found == expected


def test_records_are_found_by_another_column(several: list[Device]) -> None:
    Device.objects.filter(pk=several[1].pk).update(device_token="abc123")
    query = Compiled(Device.objects.only("device_token"), by="device_token")
    found = query.one("abc123")
    assert found is not None and found.pk == several[1].pk
    assert [*query.fetch(["abc123", "nobody", "\u00e9' OR true --"])] == ["abc123"]
    assert query.one("") is None


def test_rows_that_came_and_changed_later_are_told(device: Device, bob: User) -> None:
    query = Compiled(Device.objects.active())
    assert [*query.fetch([device.pk])] == [device.pk]
    later = Device.objects.create(owner=bob, name="later")
    device.archive()
    assert [*query.fetch([device.pk, later.pk])] == [later.pk]


def test_no_id_and_ids_that_fit_no_column_are_none(
    device: Device, django_assert_num_queries: Any
) -> None:
    query = Compiled(Device.objects.all())
    with django_assert_num_queries(0):
        assert query.fetch([]) == query.fetch([2**63, -(2**64)]) == {}
    assert [*query.fetch([device.pk, 2**63])] == [device.pk]
    assert query.fetch([-1, 0]) == {}


@pytest.mark.django_db(transaction=True)
def test_threads_share_it(several: list[Device]) -> None:
    query = Compiled(Device.objects.select_related("owner"))

    def ask(number: int) -> list[str]:
        wanted = several[number % len(several)]
        try:
            return [record.name for record in query.fetch([wanted.pk]).values()]
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(ask, range(64)))
    assert names == [[several[number % len(several)].name] for number in range(64)]
