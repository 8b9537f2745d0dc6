"""Times that a client may leave empty."""

from __future__ import annotations

from typing import Any

from rest_framework.fields import DateTimeField, empty


class OptionalTime(DateTimeField):
    """A time that may be missing: ISO 8601, a date, or `2016-06-08 10:30:00 UTC`. Blank is null."""

    def __init__(self, **options: Any) -> None:
        formats = ["iso-8601", "%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M UTC"]
        super().__init__(required=False, allow_null=True, input_formats=formats, **options)

    def run_validation(self, data: Any = empty) -> Any:
        """The time, in UTC; None where there is none."""
        return super().run_validation(None if data == "" else data)
