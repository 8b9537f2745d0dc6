"""Admin page of the audit log: who changed what on the admin site, and when."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.admin.models import LogEntry

from apps.sensors.admin_pages import ReadOnlyAdmin


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin[LogEntry]):
    """The audit log, newest first. Nobody writes it by hand and nobody deletes from it."""

    list_display = (
        "action_time",
        "user",
        "content_type",
        "object_repr",
        "action_flag",
        "get_change_message",
    )
    list_select_related = ("user", "content_type")
    list_filter = ("action_flag", "content_type")
    date_hierarchy = "action_time"
    search_fields = ("=object_id", "object_repr", "user__username")
    search_help_text = "Id or name of what was changed, or who changed it"
