"""Admin pages of accounts, and the looks of the admin site as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse

from apps.devices import world_map
from apps.devices.models import Device
from apps.sensors.admin_acts import ArchivableAdmin
from apps.sensors.admin_pages import (
    ArchivedFilter,
    ReadOnlyAdmin,
    hidden,
    page_link,
)
from apps.users import legacy_keys
from apps.users.forms import AccountForm, AdminSignInForm, NewUserForm
from apps.users.models import PasswordReset, User

admin.site.site_header = "Smart Citizen"
admin.site.site_title = "Smart Citizen"
admin.site.index_title = "Administration"
admin.site.login_form = AdminSignInForm
# What an account may do is its role: groups and permissions of Django have no meaning here.
admin.site.unregister(Group)

if TYPE_CHECKING:
    DjangoUserAdmin = UserAdmin[User]
else:
    DjangoUserAdmin = UserAdmin


@admin.register(User)
class AccountAdmin(ArchivableAdmin[User], DjangoUserAdmin):
    """People with an account. Secrets are not shown: neither keys nor what is stored of them."""

    form = AccountForm
    add_form = NewUserForm
    actions = (*ArchivableAdmin.actions, "rotate_legacy_keys")
    list_display = (
        "id",
        "username",
        "email",
        "role",
        "device_count",
        "city",
        "country_code",
        "created_at",
        "archived_at",
    )
    list_display_links = ("id", "username")
    list_filter = ("role", ArchivedFilter)
    date_hierarchy = "created_at"
    search_fields = ("=id", "username", "email", "first_name", "last_name")
    search_help_text = "Id, username, e-mail address, or name"
    ordering = ("-id",)
    filter_horizontal = ()
    exclude = ("forwarding_token", "forwarding_username")
    readonly_fields = (
        "uuid",
        "legacy_key",
        "forwarding",
        "last_login",
        "archived_at",
        "created_at",
        "updated_at",
    )
    fieldsets = (
        (None, {"fields": ("username", "email", "password", "role")}),
        (
            "Person",
            {"fields": ("first_name", "last_name", "city", "country_code", "url", "avatar")},
        ),
        ("Secrets", {"fields": ("legacy_key", "forwarding")}),
        ("State", {"fields": ("uuid", "last_login", "archived_at", "created_at", "updated_at")}),
    )
    add_fieldsets = (
        (
            None,
            {"fields": ("username", "email", "role", "usable_password", "password1", "password2")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[User]:
        """Users with the number of their devices, counted for the rows of the page alone."""
        devices = Device.objects.filter(owner=models.OuterRef("pk"), archived_at=None)
        counts = devices.order_by().values("owner").annotate(n=models.Count("*")).values("n")
        users = super().get_queryset(request)
        return users.annotate(device_count=Coalesce(models.Subquery(counts), 0))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Save a changed account; a new one is saved already, by its form."""
        if change:
            super().save_model(request, obj, form, change)

    def archive_problem(self, request: HttpRequest, obj: User) -> str | None:
        """Nobody locks himself out."""
        return "you cannot archive your own account" if obj.pk == request.user.pk else None

    def after_archiving(self) -> None:
        """The devices of an archived account leave the world map at once (contract: World map)."""
        world_map.drop()

    @admin.action(
        description="Replace the legacy API keys of selected %(verbose_name_plural)s",
        permissions=["change"],
    )
    def rotate_legacy_keys(
        self, request: HttpRequest, queryset: models.QuerySet[User]
    ) -> HttpResponse | None:
        """Give users new keys, such as after one leaked, and show them once."""
        if not (rows := self.chosen(request, queryset)):
            return None
        said = (
            "Replace legacy API keys",
            "Whatever signs its requests with the former keys is refused from now on. Each user"
            " sees the new one at GET /v0/me.",
        )
        if asked := self.ask(request, rows, "rotate_legacy_keys", said):
            return asked
        with transaction.atomic():
            shown = []
            for user in self.held(rows):
                shown.append((user, legacy_keys.rotate(user)))
                self.log_change(request, user, "Legacy API key replaced.")
        return self.show_once(request, "New legacy API keys", shown)

    def told_of(self, row: Any) -> str:
        """Who it is, and how many devices are his."""
        return f"{row.email}, {row.role}, devices: {row.device_count}"

    @admin.display(description="Devices", ordering="device_count")
    def device_count(self, user: Any) -> int:
        """How many devices the user has, archived ones left out."""
        return int(user.device_count)

    @admin.display(description="Legacy API key")
    def legacy_key(self, user: User) -> str:
        """Whether the user has a key."""
        return hidden(user.legacy_api_key_hash)

    @admin.display(description="Forwarding token")
    def forwarding(self, user: User) -> str:
        """Whether the user has a token for forwarding."""
        return hidden(user.forwarding_token)


@admin.register(PasswordReset)
class PasswordResetAdmin(ReadOnlyAdmin[PasswordReset]):
    """Who asked for a new password, and whether he set it; the tokens are not kept."""

    list_display = ("id", "user_link", "created_at", "expires_at", "used_at")
    list_select_related = ("user",)
    list_filter = (("used_at", admin.EmptyFieldListFilter),)
    date_hierarchy = "created_at"
    search_fields = ("user__username", "user__email")

    @admin.display(description="User", ordering="user__username")
    def user_link(self, reset: PasswordReset) -> str:
        """The user, leading to his page."""
        return page_link(reset.user)
