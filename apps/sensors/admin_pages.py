"""What the admin pages of every app have in common: they stay fast, and lists are exported as CSV.

It stands on the lowest floor that has models, like `Timestamped`, so that every app can import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.widgets import AdminTextareaWidget
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.forms import Field, JSONField
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.sensors import admin_csv

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

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The actions of the class, and what every list has."""
        actions: dict[str, Any] = super().get_actions(request)
        if IS_POPUP_VAR not in request.GET and (export := self.get_action("export_csv")):
            actions["export_csv"] = export
        return actions

    @admin.action(description="Export selected %(verbose_name_plural)s as CSV")
    def export_csv(
        self, request: HttpRequest, queryset: models.QuerySet[M]
    ) -> StreamingHttpResponse:
        """The columns of the list, streamed; that they were taken away is written into the log."""
        count = queryset.count()
        log(request, self.model, f"Exported {count} as CSV.")
        columns = [str(name) for name in self.get_list_display(request)]
        pieces = admin_csv.pieces(self, columns, queryset.order_by("pk"))
        name = f"{self.opts.model_name}-{timezone.now():%Y%m%dT%H%M%SZ}.csv"
        return StreamingHttpResponse(
            pieces,
            content_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "Cache-Control": "no-store, private",
            },
        )


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


def log(request: HttpRequest, model: type[models.Model], message: str) -> None:
    """Write into the audit log what was done with the rows of a model as a whole."""
    LogEntry.objects.create(
        user_id=int(request.user.pk or 0),
        content_type=ContentType.objects.get_for_model(model, for_concrete_model=False),
        object_id=None,
        object_repr=str(model._meta.verbose_name_plural),
        action_flag=CHANGE,
        change_message=message,
    )


def page_link(row: models.Model | None) -> SafeString | str:
    """A link to the admin page of a row, by the names of its model alone; a dash for none."""
    if row is None:
        return "-"
    address = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', address, row)


def hidden(secret: object) -> str:
    """What stands on a page where a secret is: whether there is one, never a part of it."""
    return "set, not shown" if secret else "not set"
