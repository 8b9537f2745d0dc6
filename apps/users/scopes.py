"""What an access token may be used for (contract: OAuth 2.0, scopes).

`public` reads, `write` changes devices and the profile, `readings` sends readings; HTTP Basic and
the legacy key have them all.

It is the authentication that asks for them, not a permission: a view that states permissions of
its own cannot forget it, and views on lower floors need not know that there are scopes. A view
that takes readings says `write_scope = "readings"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauth2_provider.settings import oauth2_settings
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

if TYPE_CHECKING:  # the framework imports this module while its own views are imported
    from rest_framework.views import APIView

READ = "public"
WRITE = "write"


def every_scope() -> frozenset[str]:
    """The names of all scopes that there are."""
    return frozenset(oauth2_settings.SCOPES)


def needed(request: Request, view: APIView | None) -> str:
    """The scope that a request needs: `public` to read, else what the view says, or `write`."""
    if request.method in SAFE_METHODS:
        return READ
    return str(getattr(view, "write_scope", WRITE))


def require(scopes: frozenset[str], request: Request, view: APIView | None) -> None:
    """Pass where `scopes` hold what the request needs; else raise a 403 that names what lacks."""
    if (scope := needed(request, view)) not in scopes:
        raise PermissionDenied(f"The token lacks the scope '{scope}'")
