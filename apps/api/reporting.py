"""What neither a log line nor an error report may hold: tokens that open an account.

An access token may stand in a query string (reference: Authentication), so no query is written
anywhere; the token of a mailed link stands in the path.
"""

from __future__ import annotations

import logging
import re
from typing import Any

MAILED = re.compile(r"(/(?:password_resets?|email_change)/)[^/?#\s\"']+")
FILTERED = r"\1[FILTERED]"
# Of a request that failed, Sentry is told its method, its address and harmless headers.
UNTOLD = ("query_string", "data", "cookies")


class NoTokens(logging.Filter):
    """Takes the tokens of mailed links out of every line of the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the message where it holds one; every record passes."""
        message = record.getMessage()
        if MAILED.search(message):
            record.msg, record.args = MAILED.sub(FILTERED, message), ()
        return True


def without_tokens(event: Any, hint: Any = None) -> Any:
    """An event for Sentry (its `before_send`) without query, body, cookies and mailed tokens."""
    request = event.get("request", {})
    for name in UNTOLD:
        request.pop(name, None)
    return _cleaned(event)


def _cleaned(value: Any) -> Any:
    """The same without the tokens of mailed links, however deep."""
    if isinstance(value, str):
        return MAILED.sub(FILTERED, value)
    if isinstance(value, dict):
        return {name: _cleaned(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(part) for part in value]
    return value
