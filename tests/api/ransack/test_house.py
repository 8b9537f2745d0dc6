"""What may be searched of the platform's own models: the contract's lists, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import Model
from django.utils import timezone

from apps.api.ransack.backend import search
from apps.api.ransack.schema import declaration, resolve
from apps.devices.models import Component, Device, Experiment, Tag
from apps.kits.models import Kit
from apps.sensors.models import Measurement, Sensor
from apps.users.models import User

TIMES = "created_at updated_at"
# contract: Filtering and sorting
LISTED: dict[type[Model], str] = {
    Device: "id uuid name description kit_id owner_id exposure status city country_code latitude"
    f" longitude geohash last_reading_at added_at state {TIMES}",
    User: f"id uuid username first_name last_name city country_code url joined_at {TIMES}",
    Sensor: f"id uuid parent_id name description unit measurement_id default_key {TIMES}",
    Kit: f"id uuid name slug description {TIMES}",
    Component: "id uuid device_id sensor_id",
    Experiment: f"id name description owner_id is_test starts_at ends_at {TIMES}",
    Measurement: f"id uuid name description unit definition {TIMES}",
    Tag: f"id uuid name description {TIMES}",
}
PREFIXES: dict[type[Model], str] = {
    Device: "owner kit tags sensors components",
    User: "devices sensors",
    Sensor: "measurement",
    Kit: "sensors",
}
ANYONE = AnonymousUser()


def names(model: type[Model]) -> set[str]:
    """Every way in which a column or relation of a model might be written."""
    found = {"pk", "password", "email", "token", "distance", "legacy_api_key", "is_admin"}
    for each in model._meta.get_fields():
        found |= {each.name, getattr(each, "attname", each.name)}
    return found


@pytest.mark.parametrize("model", LISTED, ids=lambda each: each.__name__)
def test_the_contract_says_what_can_be_searched(model: type[Model]) -> None:
    declared = declaration(model)
    assert declared is not None
    assert sorted(declared.names) == sorted(LISTED[model].split())
    assert set(declared.associations) == set(PREFIXES.get(model, "").split())


def test_no_way_leads_to_a_column_that_is_not_listed() -> None:
    """Every relation and every declared association is followed, as deep as they go."""
    steps = {each for model in LISTED for each in names(model)}
    steps |= {each for prefixes in PREFIXES.values() for each in prefixes.split()}
    ways = {(model, "", model) for model in LISTED}
    for _ in range(5):
        for model, way, end in ways:
            for name in names(end) - set(LISTED.get(end, "").split()):
                assert resolve(model, way + name) is None, way + name
        ways = {
            (model, f"{way}{step}_", found.reach.models[-1])
            for model, way, _ in ways
            for step in steps
            if (found := resolve(model, f"{way}{step}_uuid"))
        }
    assert not ways, "ways of five associations: is there no end to them?"


@pytest.mark.parametrize("model", LISTED, ids=lambda each: each.__name__)
@pytest.mark.django_db
def test_every_listed_attribute_can_be_searched_and_sorted(model: type[Model]) -> None:
    prefixes = [f"{each}_" for each in PREFIXES.get(model, "").split()]
    ends = {prefix: resolve(model, f"{prefix}uuid") for prefix in prefixes}
    attributes = LISTED[model].split()
    for prefix, end in ends.items():
        assert end is not None, prefix
        attributes += [prefix + name for name in LISTED[end.reach.models[-1]].split()]
    for name in attributes:
        query = f"q[{name}_not_null]=1&q[{name}_null]=1&q[m]=or&q[s]={name} desc"
        found = search(model._default_manager.all(), query, ANYONE)
        assert found.count() == len(found) == model._default_manager.count(), name


def test_the_state_of_a_device_follows_the_clock(device: Device) -> None:
    def found(query: str) -> bool:
        return search(Device.objects.all(), query, ANYONE).exists()

    assert found("q[status_eq]=new") and not found("q[status_not_eq]=new")
    for age, status in ((9, "online"), (11, "offline")):
        moment = timezone.now() - timedelta(minutes=age)
        Device.objects.filter(pk=device.pk).update(last_reading_at=moment)
        device.refresh_from_db()
        assert device.status(timezone.now()) == status
        assert found(f"q[status_eq]={status}") and not found("q[status_eq]=new")


def test_private_devices_are_searched_by_those_who_may_see_them(
    device: Device, alice: User, bob: User, carol: User
) -> None:
    Device.objects.filter(pk=device.pk).update(is_private=True, name="secret")

    def seen(query: str, viewer: Any) -> bool:
        return search(User.objects.filter(pk=alice.pk), query, viewer).exists()

    for viewer, may in ((alice, True), (carol, True), (bob, False), (ANYONE, False)):
        assert seen("q[devices_name_start]=sec", viewer) is may
        assert seen("q[devices_status_eq]=new", viewer) is may
        assert seen("q[devices_kit_slug_cont]=sck", viewer) is may
        assert seen("q[sensors_id_present]=1", viewer) is may
        assert seen("q[devices_name_not_eq]=secret", viewer) is not may
        assert seen("q[devices_id_null]=1", viewer) is not may


def test_a_blurred_place_is_searched_where_it_is_shown(device: Device) -> None:
    device.precise_location = False
    device.save()
    assert device.public_latitude != device.latitude
    for number, found in ((device.latitude, False), (device.public_latitude, True)):
        assert search(Device.objects.all(), f"q[latitude_eq]={number!r}", ANYONE).exists() is found
