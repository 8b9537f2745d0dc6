"""Texts that a client may leave empty: which ones are null then, and which are never null."""

from __future__ import annotations

from typing import Any

from rest_framework.fields import empty
from rest_framework.serializers import CharField


class OptionalText(CharField):
    """Text that may be missing: blank is null (reference: Schema)."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_blank=True, **options)

    def run_validation(self, data: Any = empty) -> Any:
        """The text, or None where there is none."""
        return super().run_validation(data) or None


class PlainText(CharField):
    """Text that may be empty and is never null, since clients break on null: that is empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, allow_null=True, allow_blank=True, **options)

    def run_validation(self, data: Any = empty) -> Any:
        """The text, empty where there is none."""
        return super().run_validation(data) or ""
