"""Answers OPTIONS: which methods a URL takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.metadata import BaseMetadata
from rest_framework.request import Request

if TYPE_CHECKING:  # the framework's views import this room: settings name it
    from rest_framework.views import APIView


class AllowedMethods(BaseMetadata):
    """`{"methods": ["GET", "HEAD", "OPTIONS"]}`, as in the Allow header (contract: methods)."""

    def determine_metadata(self, request: Request, view: APIView) -> dict[str, Any]:
        """The body of the answer to OPTIONS."""
        return {"methods": view.allowed_methods}
