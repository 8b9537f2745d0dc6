"""Who: people with an account, and the tokens by which they get a new password."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import RegexValidator, URLValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from apps.api.ransack.schema import Ransackable
from apps.devices.models import Device
from apps.users import legacy_keys

# Contract, Resources, User: 3-30 characters, no `@` except at the start, no `/` or control
# character, not all digits (an all-digit path segment is an id).
USERNAME = r"(?!\d+\Z)[^/\x00-\x1f\x7f-\x9f][^@/\x00-\x1f\x7f-\x9f]{2,29}"
WEB_URL = r"https?://"
# Columns that no answer shows.
UNSHOWN = ("password", "last_login", "legacy_api_key_hash", "email_token_hash", "closed_at")


class UserQuerySet(models.QuerySet["User"]):
    """Users as a viewer may see them."""

    def active(self) -> UserQuerySet:
        """Accounts that are not archived: the only ones that any answer of the API shows."""
        return self.filter(archived_at=None)

    def named(self, name: str) -> UserQuerySet:
        """The user of this username or e-mail address, ignoring case: one row or none.

        A username has no `@` except at its start, and an address never starts with one.
        """
        if "\0" in name:  # PostgreSQL has no such text
            return self.none()
        field = "email" if "@" in name[1:] else "username"
        # Lower() on both sides is what the unique indexes are made of.
        return self.alias(sought=Lower(field)).filter(sought=Lower(models.Value(name)))

    def for_detail(self, viewer: Any) -> UserQuerySet:
        """Fetches what a user shows to `viewer`, in a fixed number of queries.

        His devices come as `visible_devices`, in order of ids. The columns left out are those
        that nobody is shown.
        """
        devices = Device.objects.visible_to(viewer).for_owner().order_by("pk")
        visible = models.Prefetch("devices", devices, to_attr="visible_devices")
        return self.defer(*UNSHOWN).prefetch_related(visible)


class UserManager(BaseUserManager.from_queryset(UserQuerySet)["User"]):  # type: ignore[misc]
    """Creates users with a hashed password and a legacy API key."""

    def create_user(self, username: str, email: str, password: str | None, **fields: Any) -> User:
        """Create and save a user; a `password` of None leaves the account without one."""
        user: User = self.model(username=username, email=self.normalize_email(email), **fields)
        user.set_password(password)
        legacy_keys.assign(user, legacy_keys.generate())
        user.save(using=self._db)
        return user

    def create_superuser(
        self, username: str, email: str, password: str | None, **fields: Any
    ) -> User:
        """Create an admin; `manage.py createsuperuser` calls this."""
        return self.create_user(username, email, password, **{**fields, "role": User.Role.ADMIN})

    def get_by_natural_key(self, username: str | None) -> User:
        """The active user of this name, ignoring case, as sign-in looks him up."""
        user: User = self.active().named(username or "").get()
        return user


class User(AbstractBaseUser):
    """A person with an account (reference: Users)."""

    class Role(models.TextChoices):
        """What an account may do beyond its own devices (contract: Who may do what)."""

        CITIZEN = "citizen"
        RESEARCHER = "researcher"
        ADMIN = "admin"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    username = models.CharField(
        max_length=30, validators=[RegexValidator(rf"\A{USERNAME}\Z", "is invalid")]
    )
    email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=150, null=True, blank=True)
    last_name = models.CharField(max_length=150, null=True, blank=True)
    role = models.CharField(max_length=10, choices=Role, default=Role.CITIZEN)
    city = models.CharField(max_length=200, null=True, blank=True)
    country_code = models.CharField(max_length=2, null=True, blank=True)
    url = models.CharField(
        max_length=2000, null=True, blank=True, validators=[URLValidator(["http", "https"])]
    )
    avatar = models.CharField(
        max_length=2000, null=True, blank=True, validators=[URLValidator(["http", "https"])]
    )
    legacy_api_key_encrypted = models.BinaryField(null=True, editable=False)
    legacy_api_key_hash = models.BinaryField(null=True, editable=False, unique=True)
    forwarding_token = models.CharField(max_length=64, null=True, blank=True, unique=True)
    forwarding_username = models.CharField(max_length=64, null=True, blank=True)
    # A new address, until a link that was mailed there confirms it (apps/users/email_changes.py)
    unconfirmed_email = models.EmailField(max_length=254, null=True, editable=False)
    email_token_hash = models.BinaryField(null=True, editable=False, unique=True)
    email_token_expires_at = models.DateTimeField(null=True, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    # Equal to `archived_at` where the account was closed to be deleted (apps/operations/purge.py):
    # one that an administrator archives stays until an administrator says otherwise.
    closed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    ransackable: ClassVar = Ransackable(
        ("id", "uuid", "username", "first_name", "last_name", "city", "country_code", "url")
        + ("created_at", "updated_at"),
        renamed={"joined_at": "created_at"},
        associations={"devices": "devices", "sensors": "devices__sensors"},
    )

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique"),
            models.UniqueConstraint(Lower("email"), name="user_email_unique"),
            models.CheckConstraint(
                condition=models.Q(username__regex=r"^[^/[:cntrl:]][^@/[:cntrl:]]{2,29}$")
                & ~models.Q(username__regex="^[0-9]+$"),
                name="user_username_valid",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=["citizen", "researcher", "admin"]),
                name="user_role_known",
            ),
            models.CheckConstraint(
                condition=models.Q(country_code__regex="^[A-Z]{2}$"),
                name="user_country_code_upper_alpha2",
            ),
            models.CheckConstraint(
                condition=models.Q(url__regex=f"^{WEB_URL}"), name="user_url_http"
            ),
            models.CheckConstraint(
                condition=models.Q(avatar__regex=f"^{WEB_URL}"), name="user_avatar_http"
            ),
        ]

    def __str__(self) -> str:
        return self.username

    @property
    def is_admin(self) -> bool:
        """Whether this account may change everything and enter the admin site."""
        return self.role == self.Role.ADMIN and self.is_active

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Whether the account may sign in: it may until it is archived."""
        return self.archived_at is None

    @property
    def is_staff(self) -> bool:
        """Django admin's word for `is_admin`."""
        return self.is_admin

    @property
    def is_superuser(self) -> bool:
        """Django's word for `is_admin`."""
        return self.is_admin

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Whether the admin site lets this user do `perm`: admins may do all, others nothing."""
        return self.is_admin

    def has_perms(self, perms: list[str], obj: object = None) -> bool:
        """Like `has_perm`, for several at once."""
        return self.is_admin

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the admin site shows this user an app."""
        return self.is_admin


def reset_expiry() -> Any:
    """When a password reset token made now stops working (contract: 24 h)."""
    return timezone.now() + timedelta(hours=24)


class PasswordReset(models.Model):
    """A single-use token by which a user sets a new password; only its hash is kept."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="password_resets")
    token_hash = models.BinaryField(unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(default=reset_expiry)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Password reset of {self.user_id}"


class ApplicationScopes(models.Model):
    """The scopes that an OAuth application may ask for, where its owner narrowed them.

    The library's own table has no column for them; an application without a row has them all.
    """

    application = models.OneToOneField(
        "oauth2_provider.Application",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="chosen_scopes",
    )
    scopes = models.TextField()

    def __str__(self) -> str:
        return self.scopes


class SpentCode(models.Model):
    """An authorization code that was exchanged: its checksum, and the tokens that came of it.

    The library forgets a code once it is exchanged; a second exchange has to revoke what the first
    one gave (RFC 6749, 4.1.2).
    """

    checksum = models.CharField(max_length=64, primary_key=True)
    application = models.ForeignKey("oauth2_provider.Application", on_delete=models.CASCADE)
    token_family = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"Code of {self.token_family}"


class BrowserSession(AbstractBaseSession):
    """A session of a browser, and whose it is while somebody is signed in (browser_sessions.py)."""

    # Without a constraint: a session that is saved while its account is deleted is no error.
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        db_constraint=False,
        related_name="browser_sessions",
    )

    def __str__(self) -> str:
        return f"Session of {self.user_id}"
