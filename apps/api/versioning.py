"""Which version of the API a request wants: by path or by Accept header, and there is only v0."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import NotAcceptable
from rest_framework.request import Request
from rest_framework.versioning import BaseVersioning

from apps.api.negotiation import VENDOR_TYPES, media_ranges

VERSION = "0"


class AcceptVersioning(BaseVersioning):
    """`Accept: application/vnd.smartcitizen; version=0,application/json` (reference: Versioning).

    Paths need nothing: `/v0/…` and `/…` are the same views. No version in the header is v0.
    """

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> str:
        """`"0"`; raises NotAcceptable (406) where the header names only versions unknown here."""
        wanted = [
            media_range.parameters.get("version", VERSION)
            for media_range in media_ranges(request)
            if media_range.full_type in VENDOR_TYPES
        ]
        if wanted and VERSION not in wanted:
            raise NotAcceptable(f"There is no such version of the API; there is {VERSION}")
        return VERSION
