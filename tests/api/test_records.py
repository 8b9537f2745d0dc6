"""Finding the record that a URL names."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.api.exceptions import RecordNotFound
from apps.api.records import find
from apps.devices.models import Device, Tag
from apps.users.models import User


@pytest.mark.django_db
def test_a_record_is_found_by_any_key(device: Device) -> None:
    assert find(Device.objects.all(), id=str(device.pk)) == device
    assert find(Device.objects.all(), uuid=str(device.uuid)) == device


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["101308", "abc", "", "1.5", "9" * 40, "-1"])
def test_what_is_not_there_is_named(value: str) -> None:
    for key in ("id", "pk"):
        with pytest.raises(RecordNotFound) as caught:
            find(Device.objects.all(), **{key: value})
        assert str(caught.value.detail) == f"Couldn't find Device with 'id'={value}"


@pytest.mark.django_db
def test_a_text_that_is_no_uuid_is_not_found() -> None:
    with pytest.raises(RecordNotFound, match="Couldn't find Tag with 'uuid'=x"):
        find(Tag.objects.all(), uuid="x")
    with pytest.raises(RecordNotFound, match="'name'=A"):
        find(Tag.objects.all(), name__iexact="A")


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["999999", "abc", "9" * 40])
def test_a_detail_view_names_the_record_it_did_not_find(client: Client, key: str) -> None:
    answer = client.get(f"/v0/tags/{key}")
    assert answer.status_code == 404
    assert answer.json()["message"] == f"Couldn't find Tag with 'id'={key}"


@pytest.mark.django_db
def test_a_view_by_another_key_says_which(client: Client, alice: User) -> None:
    answer = client.patch("/v0/own/nobody", headers={"authorization": "User alice"})
    assert answer.json()["message"] == "Couldn't find User with 'username'=nobody"


@pytest.mark.django_db
def test_a_very_long_key_is_cut_in_the_message(client: Client) -> None:
    assert len(client.get(f"/v0/tags/{'a' * 5000}").json()["message"]) < 300
