"""How long a statement may take where answers go out by HTTP (docs/decisions/web-server.md)."""

from __future__ import annotations

from django.conf import settings

STATEMENT_SECONDS = 20


def limit_statements() -> None:
    """Let PostgreSQL stop what takes longer, from this process's next connection on.

    The web server and the kit door call it at their start; the worker, the subscriber and
    management commands have as long as they need. DATABASE_URL may name another limit.
    """
    options = settings.DATABASES["default"]["OPTIONS"]
    if "statement_timeout" not in options["options"]:
        options["options"] += f" -c statement_timeout={STATEMENT_SECONDS}s"
