"""Forms by which administrators edit devices, and the fields that forms of places share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.admin.widgets import AutocompleteSelect
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError

from apps.devices import location
from apps.devices.models import Device, mac_key

MAC_PART = re.compile(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){1,5}")

if TYPE_CHECKING:
    DeviceModelForm = forms.ModelForm[Device]
else:
    DeviceModelForm = forms.ModelForm


class CountryCodeField(forms.CharField):
    """A two-letter country code (contract: User): stored upper case, and real (ISO 3166)."""

    def __init__(self, **options: Any) -> None:
        """Take the options of a CharField; an empty code is None."""
        super().__init__(**{"max_length": 2, "required": False, "empty_value": None, **options})

    def clean(self, value: Any) -> Any:
        """The code in upper case, or None; raises ValidationError for one that is no country's."""
        code = super().clean(value)
        if code is None:
            return None
        if not (code.isascii() and location.is_country(code.upper())):
            raise ValidationError("is not a country code of ISO 3166")
        return code.upper()


class DeviceForm(DeviceModelForm):
    """A device with all that the database asks of it, each complaint beside its field."""

    country_code = CountryCodeField()

    class Meta:
        model = Device
        fields = "__all__"

    def clean_mac_address(self) -> str | None:
        """Refuse a MAC address that another device in use has, whatever its case and separator."""
        mac_address: str | None = self.cleaned_data["mac_address"]
        if mac_address is None or self.instance.archived_at is not None:
            return mac_address
        others = Device.objects.filter(mac_key=mac_key(mac_address), archived_at=None)
        if others.exclude(pk=self.instance.pk).exists():
            raise ValidationError("has already been taken")
        return mac_address

    def clean(self) -> dict[str, Any]:
        """Refuse one coordinate without the other (contract: both or neither)."""
        cleaned = super().clean() or self.cleaned_data
        for given, missing in (("latitude", "longitude"), ("longitude", "latitude")):
            given_value, absent = (
                cleaned.get(given),
                missing in cleaned and cleaned[missing] is None,
            )
            if given_value is not None and absent:
                self.add_error(missing, "can't be blank where the other coordinate is given")
        return cleaned


class NewOwnerForm(forms.Form):
    """To whom devices are transferred: an account that is not archived."""

    def __init__(self, site: AdminSite, chosen: str | None) -> None:
        """Choose by typing a part of the name, as on the pages of the admin site.

        What is no id is none: the box could not be shown again with it.
        """
        number = chosen if chosen and chosen.isdecimal() and len(chosen) < 19 else ""
        super().__init__(None if chosen is None else {"new_owner": number})
        owner = Device._meta.get_field("owner")
        self.fields["new_owner"] = forms.ModelChoiceField(
            get_user_model()._default_manager.filter(archived_at=None),
            widget=AutocompleteSelect(owner, site),
            error_messages={"invalid_choice": "is archived, or no account"},
        )
