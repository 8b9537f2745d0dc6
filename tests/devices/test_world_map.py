"""The world map: what is on it, how it is kept, and that nobody sees what he may not."""

from __future__ import annotations

import gzip
import threading
from datetime import timedelta

import orjson
import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.devices import world_map
from apps.devices.models import Device
from apps.users.models import User


def ids(copy: world_map.Copy) -> list[int]:
    """The devices on a copy of the map."""
    return [entry["id"] for entry in orjson.loads(copy.body)]


def age(copy: world_map.Copy, seconds: float) -> None:
    """Leave a copy in Redis that is so many seconds old."""
    cache.set(world_map.COPY, (copy.tag, copy.computed_at - seconds, copy.generation), 3600)


def test_a_device_that_never_posted_is_on_the_map_without_data(device: Device) -> None:
    [entry] = orjson.loads(world_map.current().body)
    assert entry["data"] is None
    assert entry["status"] == "new"
    assert entry["state"] == "never_published"
    assert entry["last_reading_at"] is None
    assert (entry["latitude"], entry["longitude"]) == (52.3781227, 4.6291324)


def test_private_archived_and_placeless_devices_are_not_on_the_map(
    device: Device, alice: User
) -> None:
    Device.objects.register(owner=alice, name="nowhere")
    Device.objects.register(owner=alice, name="private", latitude=1, longitude=1, is_private=True)
    gone = Device.objects.register(owner=alice, name="gone", latitude=1, longitude=1)
    Device.objects.filter(pk=gone.pk).update(archived_at=timezone.now())
    assert ids(world_map.current()) == [device.pk]
    alice.archived_at = timezone.now()
    alice.save()
    assert ids(world_map.compute(0)) == []


def test_the_map_shows_the_public_position_alone(device: Device) -> None:
    device.precise_location = False
    device.save()
    [entry] = orjson.loads(world_map.current().body)
    assert entry["latitude"] == device.public_latitude != device.latitude
    assert entry["location"]["geohash"] == device.public_geohash != device.geohash
    assert b"52.3781227" not in world_map.current().body


def test_a_fresh_copy_is_served_without_a_query(
    device: Device, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first = world_map.current()
    with django_assert_num_queries(0):
        assert world_map.current() == first
    assert gzip.decompress(first.gzipped) == first.body


def test_each_process_fetches_a_copy_once(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world_map.current()
    monkeypatch.setattr(world_map, "_held", None)  # as in a process that has not served it yet
    assert world_map.current() == first
    cache.delete(world_map.BYTES)
    assert world_map.current() == first


def test_a_copy_that_another_has_replaced_meanwhile_is_computed(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = world_map.current()
    monkeypatch.setattr(world_map, "_held", None)
    cache.set(world_map.BYTES, ("another", first.gzipped, first.marks))
    assert world_map.current().body == first.body


def test_an_older_copy_is_computed_anew_by_one_while_the_others_serve_it(device: Device) -> None:
    first = world_map.current()
    age(first, world_map.FRESH + 1)
    cache.add(world_map.COMPUTING, True, 20)
    assert world_map.current().tag == first.tag
    assert world_map.current().computed_at < first.computed_at
    cache.delete(world_map.COMPUTING)
    assert world_map.current().computed_at > first.computed_at


def test_the_refresher_renews_a_copy_that_is_asked_for_and_grows_old(device: Device) -> None:
    first = world_map.current()
    assert not world_map.renew()
    age(first, world_map.RENEW + 1)
    assert not world_map.renew()  # nobody asked since
    assert world_map.current().tag == first.tag
    assert world_map.renew()
    assert world_map.current().computed_at > first.computed_at
    assert not world_map.renew()


def test_two_refreshers_do_not_compute_the_map_at_once(device: Device) -> None:
    age(world_map.current(), world_map.RENEW + 1)
    world_map.current()
    cache.add(world_map.COMPUTING, True, 20)
    assert not world_map.renew()
    cache.delete(world_map.COMPUTING)
    assert world_map.renew()


def test_a_stale_copy_is_not_served_once_there_is_a_new_one(device: Device) -> None:
    first = world_map.current()
    age(first, world_map.STALE + 1)
    assert world_map.current().computed_at > first.computed_at


def test_those_who_wait_get_the_copy_of_the_one_who_computes(device: Device) -> None:
    first = world_map.current()
    age(first, world_map.STALE + 1)
    cache.add(world_map.COMPUTING, True, 20)

    def other_worker_finishes() -> None:
        age(first, 0)

    timer = threading.Timer(0.2, other_worker_finishes)
    timer.start()
    assert world_map.current() == first
    timer.join()


def test_a_stale_copy_is_served_by_nobody_however_long_the_other_takes(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_map, "PATIENCE", 0.1)
    first = world_map.current()
    age(first, 3600)
    cache.add(world_map.COMPUTING, True, 20)
    assert world_map.current().computed_at >= first.computed_at


def test_a_copy_of_the_future_is_computed_anew(device: Device) -> None:
    first = world_map.current()
    age(first, -3600)
    assert world_map.current().computed_at < first.computed_at + 60


def test_dropping_forgets_the_copy_and_what_was_being_computed(device: Device) -> None:
    kept = world_map.current()
    world_map.drop()
    assert world_map._kept() is None
    age(kept, 0)  # a worker that began before the drop ends now
    assert world_map._kept() is None
    assert world_map.current().generation != kept.generation


def test_without_redis_the_map_is_computed_for_each_request(device: Device) -> None:
    gone = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
            "OPTIONS": {"IGNORE_EXCEPTIONS": True, "SOCKET_CONNECT_TIMEOUT": 0.2},
        }
    }
    started = timezone.now()
    with override_settings(CACHES=gone):
        assert ids(world_map.current()) == [device.pk]
        world_map.drop()
    assert timezone.now() - started < timedelta(seconds=2)


def test_the_map_costs_a_fixed_number_of_queries(
    device: Device, alice: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(5):
        Device.objects.register(owner=alice, kit=device.kit, name=str(n), latitude=n, longitude=n)
    world_map.compute(0)  # the kits of this edition of the catalogue are known after it
    with django_assert_num_queries(1):
        world_map.compute(0)
