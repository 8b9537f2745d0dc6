"""What the admin pages of every app have in common: they stay fast, and archive instead of delete.

It stands on the lowest floor that has models, like `Timestamped`, so that every app can import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextareaWidget
from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.forms import Field, JSONField
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

M = TypeVar("M", bound=models.Model)
P = TypeVar("P", bound=models.Model)

if TYPE_CHECKING:

    class TypedAdmin(admin.ModelAdmin[M]):
        """Django's ModelAdmin, which has a type parameter for the type checker alone."""

    class TypedInline(admin.TabularInline[M, P]):
        """Django's TabularInline, likewise."""
else:

    class TypedAdmin(admin.ModelAdmin, Generic[M]):
        """Django's ModelAdmin with a type parameter."""

    class TypedInline(admin.TabularInline, Generic[M, P]):
        """Django's TabularInline with type parameters."""


class OptionalJSONField(JSONField):
    """JSON in a form, where nothing is an empty box; Django writes the word null into it."""

    def prepare_value(self, value: Any) -> Any:
        """The text of a value, as the box shows it."""
        return "" if value is None else super().prepare_value(value)


FORM_FIELDS: dict[type[models.Field[Any, Any]], dict[str, Any]] = {
    models.JSONField: {
        "form_class": OptionalJSONField,
        "widget": AdminTextareaWidget(attrs={"rows": 3}),
    }
}


class PlatformAdmin(TypedAdmin[M]):
    """Admin pages that stay fast with a hundred thousand rows.

    No page counts all rows beside those that were searched for; related rows are chosen by
    `autocomplete_fields` and read by `list_select_related`, which each subclass states.
    """

    show_full_result_count = False
    list_per_page = 50
    formfield_overrides = FORM_FIELDS

    def formfield_for_dbfield(
        self, db_field: models.Field[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Field | None:
        """Store an empty text as NULL where the column allows it (contract: blank is null)."""
        if isinstance(db_field, models.TextField) and db_field.null and not db_field.choices:
            kwargs.setdefault("empty_value", None)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class ReadOnlyAdmin(PlatformAdmin[M]):
    """Pages of rows that the platform writes and people only look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds rows here."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody changes rows here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes rows here."""
        return False


class ArchivedFilter(admin.SimpleListFilter):
    """Archived rows, or those in use."""

    title = "archived"
    parameter_name = "archived"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be chosen."""
        return [("no", "No"), ("yes", "Yes")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[M]) -> models.QuerySet[M]:
        """The rows of the choice; all where nothing was chosen."""
        if self.value() in {"no", "yes"}:
            return queryset.filter(archived_at__isnull=self.value() == "no")
        return queryset


class ArchivableAdmin(PlatformAdmin[M]):
    """Pages of rows with an `archived_at`: they are archived and restored, never deleted."""

    actions: tuple[str, ...] = ("archive", "restore")

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes such a row: what hangs on it would go with it."""
        return False

    def archive_problem(self, request: HttpRequest, obj: M) -> str | None:
        """Why a row must not be archived by this person; None where it may."""
        return None

    def after_archiving(self) -> None:
        """What has to follow once rows were archived or restored, and that is committed."""

    @admin.action(description="Archive selected %(verbose_name_plural)s", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: models.QuerySet[M]) -> None:
        """Take rows out of every answer of the API; each is written into the log."""
        self._set_archived(request, queryset, True)

    @admin.action(description="Restore selected %(verbose_name_plural)s", permissions=["change"])
    def restore(self, request: HttpRequest, queryset: models.QuerySet[M]) -> None:
        """Bring archived rows back; one whose place was taken meanwhile stays where it is."""
        self._set_archived(request, queryset, False)

    def _set_archived(
        self, request: HttpRequest, queryset: models.QuerySet[M], archived: bool
    ) -> None:
        """Archive or restore what is not yet, in one transaction, and say how many were."""
        # A queryset of its own, since a list's may be one that cannot be locked.
        rows = self.model._default_manager.filter(
            pk__in=queryset.values("pk"), archived_at__isnull=archived
        )
        done = 0
        with transaction.atomic():
            for row in rows.order_by("pk").select_for_update(of=("self",)):
                done += self._set_archived_once(request, row, archived)
            transaction.on_commit(self.after_archiving)
        self.message_user(request, f"{'Archived' if archived else 'Restored'}: {done}.")

    def _set_archived_once(self, request: HttpRequest, row: Any, archived: bool) -> bool:
        """Archive or restore one row, unless something speaks against it, which is then shown."""
        row.archived_at = timezone.now() if archived else None
        problem = self.archive_problem(request, row) if archived else restore_problem(row)
        if problem:
            self.message_user(request, f"Not done for {row}: {problem}", messages.ERROR)
            return False
        row.save(update_fields=["archived_at", "updated_at"])
        self.log_change(request, row, "Archived." if archived else "Restored.")
        return True


def restore_problem(row: models.Model) -> str | None:
    """Why a row cannot come back, such as a MAC address that is another device's by now."""
    try:
        row.validate_constraints()
    except ValidationError as error:
        return " ".join(error.messages)
    return None


def page_link(row: models.Model | None) -> SafeString | str:
    """A link to the admin page of a row, by the names of its model alone; a dash for none."""
    if row is None:
        return "-"
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row)


def hidden(secret: object) -> str:
    """What stands on a page where a secret is: whether there is one, never a part of it."""
    return "set, not shown" if secret else "not set"
