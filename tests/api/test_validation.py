"""Validation errors in Rails' words (contract: 422)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.password_validation import MinimumLengthValidator
from django.core.exceptions import ValidationError
from django.test import Client
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import get_error_detail

from apps.api.validation import full_message, rails_errors, rails_words


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, {"username": ["can't be blank"]}),
        ({"username": ""}, {"username": ["can't be blank"]}),
        ({"username": None}, {"username": ["can't be blank"]}),
        ({"username": "ab"}, {"username": ["is too short (minimum is 3 characters)"]}),
        ({"username": "abcdef"}, {"username": ["is too long (maximum is 5 characters)"]}),
        ({"username": []}, {"username": ["is invalid"]}),
        ({"username": "a\ud7ffbc", "age": "x"}, {"age": ["is not a number"]}),
        ({"username": "abc", "age": 0}, {"age": ["must be greater than or equal to 1"]}),
        ({"username": "abc", "age": 121}, {"age": ["must be less than or equal to 120"]}),
        ({"username": "abc", "age": "9" * 2000}, {"age": ["is not a number"]}),
        ({"username": "abc", "role": "king"}, {"role": ["is not included in the list"]}),
        ({"username": "abc", "tags": "x"}, {"tags": ["is invalid"]}),
        ({"username": "abc", "tags": [1, "x"]}, {"tags.1": ["is not a number"]}),
    ],
)
def test_a_refused_value_is_422_with_the_words_of_rails(
    client: Client, sent: dict[str, Any], errors: dict[str, list[str]]
) -> None:
    answer = client.post("/v0/people", sent, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["id"] == "unprocessable_entity"
    assert answer.json()["errors"] == errors


def test_a_password_says_how_long_it_has_to_be() -> None:
    with pytest.raises(ValidationError) as caught:
        MinimumLengthValidator(8).validate("short")
    assert rails_errors({"password": get_error_detail(caught.value)}) == {
        "password": ["is too short (minimum is 8 characters)"]
    }


@pytest.mark.parametrize(
    ("message", "code", "words"),
    [
        ("is incorrect", "invalid", "is incorrect"),
        ("This field must be unique.", "unique", "has already been taken"),
        ('Invalid pk "9" - object does not exist.', "does_not_exist", "must exist"),
        ("At least 1 character.", "min_length", "is too short (minimum is 1 character)"),
        ("Too short.", "min_length", "is invalid"),
        ("A valid number is required.", "invalid", "is not a number"),
        ("At most 0.5.", "max_value", "must be less than or equal to 0.5"),
        ("At least -90.", "min_value", "must be greater than or equal to -90"),
        ("Enter a valid URL.", "invalid", "is invalid"),
        ("Null characters are not allowed.", "null_characters_not_allowed", "is invalid"),
        ("Whatever.", "unheard_of", "is invalid"),
    ],
)
def test_each_code_has_its_words(message: str, code: str, words: str) -> None:
    assert rails_words(ErrorDetail(message, code)) == words


def test_nested_errors_become_paths_and_those_of_no_field_are_base() -> None:
    invalid = ErrorDetail("Bad.", "invalid")
    detail = {
        "non_field_errors": [invalid],
        "location": {"city": [invalid], "__all__": [ErrorDetail("is on the moon")]},
        "data": [{}, {"id": [invalid, invalid]}],
    }
    assert rails_errors(detail) == {
        "base": ["is invalid"],
        "location.city": ["is invalid"],
        "location": ["is on the moon"],
        "data.1.id": ["is invalid"],
    }
    assert rails_errors([invalid]) == {"base": ["is invalid"]}
    assert rails_errors(invalid) == {"base": ["is invalid"]}


def test_the_message_is_a_sentence() -> None:
    assert full_message({"first_name": ["can't be blank"], "base": ["no"]}) == (
        "Validation failed: First name can't be blank, no"
    )


def test_every_default_message_of_the_framework_has_words() -> None:
    for field in (serializers.DateTimeField, serializers.URLField, serializers.BooleanField):
        for code, message in field().error_messages.items():
            assert rails_words(ErrorDetail(str(message), code)) in {"is invalid", "can't be blank"}
