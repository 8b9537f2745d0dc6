"""Admin pages of what the platform wrote down: the audit log, mails, wrong passwords."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.db import models, transaction
from django.http import HttpRequest
from django.utils.html import format_html

from apps.mail import delivery, outbox
from apps.mail.models import Mail
from apps.operations import purge_admin
from apps.sensors.admin_pages import ReadOnlyAdmin, page_link

__all__ = ["purge_admin"]  # registers its pages


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin[LogEntry]):
    """The audit log, newest first. Nobody writes it by hand and nobody deletes from it."""

    list_display = (
        "action_time",
        "who",
        "what",
        "content_type",
        "object_link",
        "object_id",
    )
    list_display_links = ("action_time",)
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag", ("content_type", admin.RelatedOnlyFieldListFilter))
    date_hierarchy = "action_time"
    search_fields = ("=object_id", "object_repr", "user__username", "change_message")
    search_help_text = "Id or name of what was changed, who changed it, or what was done"
    fields = ("action_time", "who", "what", "content_type", "object_link", "object_id")

    @admin.display(description="Who", ordering="user__username")
    def who(self, entry: LogEntry) -> str:
        """The administrator, leading to his page."""
        return page_link(entry.user)

    @admin.display(description="What was done", ordering="action_flag")
    def what(self, entry: LogEntry) -> str:
        """The act in words; an addition or deletion by a form has none of its own."""
        return entry.get_change_message() or str(entry.get_action_flag_display())

    @admin.display(description="Row", ordering="object_repr")
    def object_link(self, entry: LogEntry) -> str:
        """What was changed, leading to its page where it still has one."""
        address = None if entry.is_deletion() else entry.get_admin_url()
        if address is None:
            return entry.object_repr
        return format_html('<a href="{}">{}</a>', address, entry.object_repr)


class OutcomeFilter(admin.SimpleListFilter):
    """Mails by what became of them."""

    title = "outcome"
    parameter_name = "outcome"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What can be chosen."""
        return [("waiting", "Waiting"), ("sent", "Sent"), ("failed", "Given up")]

    def queryset(
        self, request: HttpRequest, queryset: models.QuerySet[Mail]
    ) -> models.QuerySet[Mail]:
        """The mails of the choice; all where nothing was chosen."""
        match self.value():
            case "waiting":
                return queryset.filter(sent_at=None, failed_at=None)
            case "sent":
                return queryset.exclude(sent_at=None)
            case "failed":
                return queryset.exclude(failed_at=None)
        return queryset


@admin.register(Mail)
class MailAdmin(ReadOnlyAdmin[Mail]):
    """Mails, to whom and what became of them. Nobody but the recipient reads them."""

    actions = ("send_again",)
    list_display = (
        "id",
        "user_link",
        "recipient",
        "subject",
        "created_at",
        "attempts",
        "sent_at",
        "failed_at",
        "last_error",
    )
    list_select_related = ("user",)
    list_filter = (OutcomeFilter, "template")
    date_hierarchy = "created_at"
    search_fields = ("recipient", "user__username", "message_id")
    search_help_text = "Address, username, or Message-ID"

    @admin.action(description="Send again selected mails that were given up")
    def send_again(self, request: HttpRequest, queryset: models.QuerySet[Mail]) -> None:
        """Try from the start, as after a mistake in EMAIL_URL was put right."""
        failed = queryset.filter(failed_at__isnull=False, sent_at=None)
        with transaction.atomic():
            again = list(failed.select_for_update(of=("self",)))
            for mail in again:
                delivery.send_again(mail)
                outbox.look_at(mail)
                self.log_change(request, mail, "Sent again.")
        self.message_user(request, f"To be sent again: {len(again)}.")

    @admin.display(description="User", ordering="user__username")
    def user_link(self, mail: Mail) -> str:
        """Whom the mail is about, leading to his page."""
        return page_link(mail.user)


@admin.register(AccessAttempt)
class WrongPasswordsAdmin(ReadOnlyAdmin[AccessAttempt]):
    """Wrong passwords of the last quarter of an hour, by account and address (429 after some)."""

    actions = ("forget",)
    list_display = ("id", "username", "ip_address", "failures_since_start", "attempt_time")
    fields = list_display
    search_fields = ("=username", "=ip_address")
    search_help_text = "Username in lower case, or address"
    ordering = ("-attempt_time",)

    @admin.action(description="Forget selected wrong passwords")
    def forget(self, request: HttpRequest, queryset: models.QuerySet[AccessAttempt]) -> None:
        """Let somebody in again who tried too often."""
        self.log_deletions(request, queryset)
        forgotten, _ = queryset.delete()
        self.message_user(request, f"Forgotten: {forgotten}.")
