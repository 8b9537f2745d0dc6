"""Errors of the database: 503 where it is away or too slow, 422 where a value clashes."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import ProtectedError, RestrictedError
from django.db.utils import DataError, InterfaceError, OperationalError
from django.test import Client
from pytest_django import DjangoDbBlocker

from apps.api.database_errors import clash, kept_from_deletion, took_too_long, unreachable
from apps.devices.models import Component, Device, Tag
from apps.kits.models import Kit, KitSensor
from apps.sensors.models import Sensor
from apps.users.models import User


def violation(act: Any) -> IntegrityError:
    """The error that PostgreSQL answers to `act`, raised by real constraints."""
    with pytest.raises(IntegrityError) as caught, transaction.atomic():
        act()
        connection.check_constraints()
    return caught.value


def test_a_view_without_its_database_is_503_with_retry_after(
    client: Client, dead_database: None
) -> None:
    answer = client.get("/v0/database", headers={"origin": "https://a.example"})
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer.json() == {
        "id": "service_unavailable",
        "message": "The service is unavailable for a moment, please try again",
        "errors": None,
        "url": None,
    }


def test_middleware_without_its_database_is_503_too(client: Client, dead_database: None) -> None:
    client.cookies["sessionid"] = "a" * 32
    answer = client.get("/plain/user")
    assert answer.status_code == 503
    assert answer.json()["id"] == "service_unavailable"
    assert answer["Retry-After"] == "10"


def test_without_its_database_a_callback_is_called_all_the_same(
    client: Client, dead_database: None
) -> None:
    answer = client.get("/v0/database?callback=f")
    assert answer.status_code == 503
    assert answer.content.startswith(b'/**/f({"id":"service_unavailable"')


@pytest.fixture
def silent_database(dead_database: None) -> Iterator[None]:
    """Something takes connections where PostgreSQL should be, and never says a word."""
    details: dict[str, Any] = connection.settings_dict
    assert details["OPTIONS"]["connect_timeout"] <= 5, "a few seconds, and no more"
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        pytest.MonkeyPatch.context() as meanwhile,
    ):
        meanwhile.setitem(details, "HOST", "127.0.0.1")
        meanwhile.setitem(details, "PORT", listening.getsockname()[1])
        # The shortest that libpq knows
        meanwhile.setitem(details, "OPTIONS", details["OPTIONS"] | {"connect_timeout": 2})
        yield


def test_a_database_that_says_nothing_is_503_before_long(
    client: Client, silent_database: None
) -> None:
    answer = client.get("/v0/database")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert answer.json()["id"] == "service_unavailable"


def test_a_view_that_needs_no_database_answers_without_it(
    client: Client, dead_database: None
) -> None:
    assert client.get("/v0/values").status_code == 200


def test_a_connection_that_the_server_ends_is_503_and_the_next_request_works(
    client: Client, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()
        assert client.get("/v0/database").status_code == 503
        connection.close()
        assert client.get("/v0/database").status_code == 200
        connection.close()


def test_a_connection_that_breaks_under_a_statement_is_503(
    client: Client, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.unblock():
        connection.ensure_connection()
        # The statement is sent, and instead of its answer comes the end of the connection.
        with socket.socket(fileno=os.dup(connection.connection.fileno())) as broken:
            broken.shutdown(socket.SHUT_RD)
        with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert unreachable(caught.value)
        assert unreachable(caught.value.__cause__ or caught.value)
        connection.close()


@pytest.mark.django_db
def test_a_statement_that_takes_too_long_is_503_with_retry_after(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
    answer = client.get("/v0/database?seconds=1")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert answer.json() == {
        "id": "service_unavailable",
        "message": "The database took too long over this: please try again, or ask for less",
        "errors": None,
        "url": None,
    }


@pytest.mark.django_db
def test_a_statement_that_takes_too_long_does_not_say_that_the_database_is_away() -> None:
    with (
        pytest.raises(OperationalError) as caught,
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = 1")
        cursor.execute("SELECT pg_sleep(1)")
    assert took_too_long(caught.value)
    assert not unreachable(caught.value)
    assert not took_too_long(OperationalError())
    assert not took_too_long(RuntimeError())


@pytest.mark.django_db
def test_the_driver_s_own_errors_count_as_well() -> None:
    driver: Any = connection.Database  # type: ignore[attr-defined]
    assert unreachable(driver.OperationalError("server closed the connection unexpectedly"))
    assert unreachable(driver.InterfaceError("connection already closed"))
    assert unreachable(InterfaceError("cursor already closed"))
    assert unreachable(driver.DatabaseError("server closed the connection unexpectedly"))
    assert not unreachable(DataError("integer out of range"))
    assert not unreachable(RuntimeError())


@pytest.mark.django_db
def test_a_name_taken_in_a_race_is_422(client: Client) -> None:
    Tag.objects.create(name="Garden")
    with transaction.atomic():
        answer = client.post("/v0/open-tags", {"name": "garden"})
        transaction.set_rollback(True)
    assert answer.status_code == 422
    assert answer.json()["errors"] == {"name": ["has already been taken"]}
    assert answer.json()["message"] == "Validation failed: Name has already been taken"


@pytest.mark.django_db
def test_a_clash_names_the_field_that_a_generated_column_is_made_of(device: Device) -> None:
    error = violation(
        lambda: Device.objects.create(owner=device.owner, name="b", mac_address=device.mac_address)
    )
    found = clash(error)
    assert found is not None
    assert found.detail == {"mac_address": ["has already been taken"]}


@pytest.mark.django_db
def test_a_clash_of_two_columns_together_belongs_to_no_field(sck_1_1: Kit) -> None:
    sensor = KitSensor.objects.filter(kit=sck_1_1).first()
    assert sensor is not None
    error = violation(
        lambda: KitSensor.objects.create(kit=sck_1_1, sensor_id=sensor.sensor_id, key="unused")
    )
    found = clash(error)
    assert found is not None
    assert found.detail == {"base": ["has already been taken"]}


@pytest.mark.django_db
def test_a_reference_to_nothing_must_exist(alice: User) -> None:
    error = violation(lambda: Device.objects.create(owner=alice, name="a", kit_id=999_999))
    found = clash(error)
    assert found is not None
    assert found.detail == {"kit_id": ["must exist"]}


@pytest.mark.django_db
def test_a_row_that_is_still_referred_to_cannot_be_deleted(device: Device) -> None:
    connection.check_constraints()  # the device's own, which wait for the end of the test

    def delete_owner() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM users_user WHERE id = %s", [device.owner_id])

    found = clash(violation(delete_owner))
    assert found is not None
    assert found.detail == {"base": ["cannot delete record because dependent records exist"]}


@pytest.mark.django_db
def test_a_check_that_a_serializer_overlooked_is_a_fault_of_ours(alice: User) -> None:
    error = violation(lambda: Device.objects.create(owner=alice, name="a", exposure="moon"))
    assert clash(error) is None


@pytest.mark.django_db
def test_a_clash_without_notes_belongs_to_no_field() -> None:
    class Cause(Exception):
        pgcode = "23505"

    error = IntegrityError()
    error.__cause__ = Cause()
    found = clash(error)
    assert found is not None
    assert found.detail == {"base": ["has already been taken"]}


@pytest.mark.django_db
def test_a_protected_row_says_what_depends_on_it(device: Device) -> None:
    with pytest.raises(ProtectedError) as caught:
        device.owner.delete()
    assert kept_from_deletion(caught.value).detail == {
        "base": ["cannot delete record because dependent devices exist"]
    }


def test_a_view_that_deletes_a_protected_row_is_422(client: Client) -> None:
    answer = client.get("/v0/raise/protected")
    assert answer.status_code == 422
    assert answer.json()["errors"] == {
        "base": ["cannot delete record because dependent tags exist"]
    }


def test_a_restricted_row_says_what_depends_on_it() -> None:
    error = RestrictedError("no", {Kit(pk=1), Sensor(pk=1), Component(pk=1)})
    assert kept_from_deletion(error).detail == {
        "base": ["cannot delete record because dependent components and kits and sensors exist"]
    }


def test_a_violation_without_an_sqlstate_is_a_fault_of_ours() -> None:
    assert clash(IntegrityError()) is None
