"""The worker, within a test: does what is in the queue, and what that brings."""

from __future__ import annotations

from django.utils.module_loading import import_string
from django_q.models import OrmQ


def work() -> None:
    """Run every task that waits, oldest first, until none does."""
    while queued := OrmQ.objects.order_by("pk").first():
        task = queued.task
        queued.delete()
        import_string(task["func"])(*task["args"], **task["kwargs"])
