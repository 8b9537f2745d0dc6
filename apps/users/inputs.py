"""What a client may say of an account, checked (reference: Add a User, Update Current User)."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.validators import URLValidator
from rest_framework import serializers
from rest_framework.fields import empty

from apps.api.texts import OptionalText
from apps.api.validation import INVALID, TAKEN
from apps.devices.location import is_country
from apps.users.models import USERNAME, User

# Categories of Unicode whose characters no username has: control characters, and line ends, which
# PostgreSQL counts among them under some locales.
CONTROL = {"Cc", "Zl", "Zp"}


class CountryCode(OptionalText):
    """A code of ISO 3166, alpha-2, in any case; as a value, in upper case. Blank is None."""

    def to_internal_value(self, data: Any) -> str:
        """Read it. ASCII alone: `ß`, and some ligatures, are two letters in upper case."""
        code = super().to_internal_value(data)
        if code and not (code.isascii() and is_country(code.upper())):
            self.fail("invalid")
        return code.upper()


class WebAddress(OptionalText):
    """A URL of http or https; as a value, with its scheme in lower case. Blank is None."""

    def __init__(self, **options: Any) -> None:
        validators = [URLValidator(["http", "https"])]
        super().__init__(max_length=2000, validators=validators, **options)

    def run_validation(self, data: Any = empty) -> str | None:
        """The address as the database wants it, which knows no `HTTP:`."""
        address = super().run_validation(data) or ""
        scheme, colon, rest = address.partition(":")
        return f"{scheme.lower()}{colon}{rest}" or None


class AccountInput(serializers.Serializer[User]):
    """The fields of `POST /v0/users` and of PATCH; left out on PATCH, a field stays as it is.

    All others are ignored, as Rails ignores parameters that are not permitted: neither a role nor
    a key can be had by naming it.
    """

    username = serializers.CharField(min_length=3, max_length=30)
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(trim_whitespace=False, validators=[validate_password])
    first_name = OptionalText(max_length=150)
    last_name = OptionalText(max_length=150)
    city = OptionalText(max_length=200)
    country_code = CountryCode()
    url = WebAddress()
    avatar = WebAddress()

    def validate_username(self, username: str) -> str:
        """Refuse a name with a forbidden character, and one that is taken (contract: User)."""
        controls = any(unicodedata.category(character) in CONTROL for character in username)
        if controls or not re.fullmatch(USERNAME, username):
            raise serializers.ValidationError(INVALID)
        return self._free(username)

    def validate_email(self, email: str) -> str:
        """Refuse an address that is taken."""
        return self._free(email)

    def _free(self, name: str) -> str:
        """A username or an address that no other account has, archived ones included."""
        others = User.objects.named(name)
        if self.instance is not None:
            others = others.exclude(pk=self.instance.pk)
        if others.exists():
            raise serializers.ValidationError(TAKEN)
        return name
