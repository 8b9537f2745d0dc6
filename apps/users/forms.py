"""Forms by which people sign in, and by which administrators make and edit accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AdminUserCreationForm, UserChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from apps.devices.forms import CountryCodeField
from apps.users.models import User

if TYPE_CHECKING:
    UserForm = forms.ModelForm[User]
    CreationForm = AdminUserCreationForm[User]
    ChangeForm = UserChangeForm[User]
else:
    UserForm, CreationForm, ChangeForm = forms.ModelForm, AdminUserCreationForm, UserChangeForm


class AdminSignInForm(AdminAuthenticationForm):
    """The sign-in form of the admin site, which takes an e-mail address too."""

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        """Let in names as long as an e-mail address: Django allows the length of a username."""
        super().__init__(request, *args, **kwargs)
        longest = User._meta.get_field("email").max_length
        self.fields["username"].widget.attrs["maxlength"] = longest
        self.fields["username"].label = "Username or e-mail address"


class UniqueNamesForm(UserForm):
    """Says beside the field that a username or an e-mail address is taken, whatever its case."""

    def clean_username(self) -> str:
        """Refuse a username that another account has, archived ones included."""
        return self._free("username")

    def clean_email(self) -> str:
        """Refuse an e-mail address that another account has, archived ones included."""
        return self._free("email")

    def _free(self, field: str) -> str:
        """The value of a field, which no other account has."""
        value = str(self.cleaned_data[field])
        if User.objects.named(value).exclude(pk=self.instance.pk).exists():
            raise ValidationError("has already been taken")
        return value


class NewUserForm(UniqueNamesForm, CreationForm):
    """A new account as an administrator makes it: `User.objects.create_user` does the work."""

    class Meta:
        model = User
        fields = ("username", "email", "role")

    def save(self, commit: bool = True) -> User:
        """Create the account. It is saved at once, whatever `commit` says: a key is made for it."""
        names = ("username", "email", "role")
        has_password = self.cleaned_data["set_usable_password"]
        password = self.cleaned_data["password1"] if has_password else None
        user: User = User.objects.create_user(
            password=password, **{name: self.cleaned_data[name] for name in names}
        )
        self.instance = user
        return user

    def save_m2m(self) -> None:
        """Nothing to do: the admin site calls this after a `save` that did not commit."""


class AccountForm(UniqueNamesForm, ChangeForm):
    """An account as an administrator edits it; the password has a form of its own."""

    country_code = CountryCodeField()

    class Meta:
        model = User
        fields = "__all__"
