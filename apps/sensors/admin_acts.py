"""Acts of administrators on chosen rows: they are confirmed, bounded, done at once and logged.

Rows with an `archived_at` are archived and restored here, never deleted; apps above add their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import IntegrityError, models, transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from apps.sensors.admin_pages import PlatformAdmin

M = TypeVar("M", bound=models.Model)

# All rows of an act change in one transaction, which holds them until it ends.
MOST_AT_ONCE = 500
CONFIRMED = "confirmed"


class ActingAdmin(PlatformAdmin[M]):
    """Pages of rows that acts are done on, from their list and from the page of each.

    An act names itself in `actions`, as Django's do. One that cannot be taken back asks first:
    `asked = self.ask(…)` is the page to be shown, None once its button was pressed.
    """

    change_form_template = "admin/change_form_with_acts.html"

    def chosen(self, request: HttpRequest, queryset: models.QuerySet[M]) -> list[M]:
        """The chosen rows in order of ids; none, and a word why, where they are too many."""
        rows = self._with_related(self.get_queryset(request))
        found = list(rows.filter(pk__in=queryset.values("pk")).order_by("pk")[: MOST_AT_ONCE + 1])
        if len(found) <= MOST_AT_ONCE:
            return found
        self.message_user(
            request, f"Choose fewer: {MOST_AT_ONCE} at once are the most.", messages.ERROR
        )
        return []

    def held(self, rows: Sequence[M]) -> models.QuerySet[M]:
        """Rows read anew and held until the transaction ends, in order of ids."""
        # A queryset of its own, since a list's may be one that cannot be locked.
        found = self.model._default_manager.filter(pk__in=[row.pk for row in rows])
        return self._with_related(found).order_by("pk").select_for_update(of=("self",))

    def ask(
        self,
        request: HttpRequest,
        rows: Sequence[M],
        act: str,
        said: tuple[str, str],
        form: BaseForm | None = None,
    ) -> HttpResponse | None:
        """The page that asks whether to do an act on rows; None where that was answered.

        `said` is its title and what will happen; `form` is what else the act has to know.
        """
        if CONFIRMED in request.POST and (form is None or form.is_valid()):
            return None
        context = {
            "act": act,
            "rows": [(row, self.told_of(row)) for row in rows],
            "warning": said[1],
            "form": form,
            "media": self.media + form.media if form else self.media,
        }
        return self._page(request, "admin/act.html", said[0], context)

    def show_once(
        self, request: HttpRequest, title: str, secrets: Sequence[tuple[M, str]]
    ) -> HttpResponse:
        """The page that shows new secrets beside their rows: no other ever does."""
        return self._page(request, "admin/secrets.html", title, {"secrets": secrets})

    def told_of(self, row: M) -> str:
        """What an administrator has to know of a row before he says yes."""
        return ""

    def refuse(self, request: HttpRequest, row: M, problem: str) -> None:
        """Say why an act was not done on a row."""
        self.message_user(request, f"Not done for {row}: {problem}", messages.ERROR)

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: M | None = None,
    ) -> HttpResponse:
        """The page of a row, with a button for each act that can be done on it."""
        named = {} if obj is None else self.get_actions(request)
        acts = [] if obj is None else [name for name in self.acts_on(obj) if name in named]
        context["acts"] = [(name, self._words(named[name][2])) for name in acts]
        return super().render_change_form(request, context, add, change, form_url, obj)

    def acts_on(self, row: M) -> Sequence[str]:
        """The acts that the page of a row has buttons for."""
        return [name for name in self.actions or () if isinstance(name, str)]

    def _with_related(self, rows: models.QuerySet[M]) -> models.QuerySet[M]:
        """Rows with what their list shows of other tables."""
        related = self.list_select_related
        return rows if isinstance(related, bool) else rows.select_related(*related)

    def _words(self, description: str) -> str:
        """What stands on the button of an act: its description, of one row."""
        one = dict.fromkeys(("verbose_name", "verbose_name_plural"), self.opts.verbose_name)
        return (description % one).replace(" selected", " this")

    def _page(
        self, request: HttpRequest, template: str, title: str, context: dict[str, Any]
    ) -> TemplateResponse:
        request.current_app = self.admin_site.name
        common = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "confirmed_name": CONFIRMED,
        }
        return TemplateResponse(request, template, common | context)


class ArchivableAdmin(ActingAdmin[M]):
    """Pages of rows with an `archived_at`: they are archived and restored, never deleted."""

    actions: tuple[str, ...] = ("archive", "restore")

    def has_delete_permission(self, request: HttpRequest, obj: M | None = None) -> bool:
        """Nobody deletes such a row: what hangs on it would go with it."""
        return False

    def archive_problem(self, request: HttpRequest, obj: M) -> str | None:
        """Why a row must not be archived by this person; None where it may."""
        return None

    def restore_problem(self, obj: M) -> str | None:
        """Why a row cannot come back; None where it can."""
        return None

    def acts_on(self, row: Any) -> Sequence[str]:
        """What is archived is restored, and what is not is archived."""
        impossible = "restore" if row.archived_at is None else "archive"
        return [name for name in super().acts_on(row) if name != impossible]

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
        if not (rows := self.chosen(request, queryset)):
            return
        with transaction.atomic():
            waiting = self.held(rows).filter(archived_at__isnull=archived)
            done = sum(self._set_archived_once(request, row, archived) for row in waiting)
            transaction.on_commit(self.after_archiving)
        self.message_user(request, f"{'Archived' if archived else 'Restored'}: {done}.")

    def _set_archived_once(self, request: HttpRequest, row: Any, archived: bool) -> bool:
        """Archive or restore one row, unless something speaks against it, which is then shown."""
        problem = self.archive_problem(request, row) if archived else self.restore_problem(row)
        if problem is None:
            row.archived_at = timezone.now() if archived else None
            try:
                with transaction.atomic():
                    row.save(update_fields=["archived_at", "updated_at"])
            except IntegrityError:  # somebody took its place in this moment
                problem = self.restore_problem(row) or "its place was taken just now; try again"
        if problem is not None:
            self.refuse(request, row, problem)
            return False
        self.log_change(request, row, "Archived." if archived else "Restored.")
        return True
