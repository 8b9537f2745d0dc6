"""What the worker does for the provider by the clock."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import clear_expired

from apps.users.models import SpentCode

# A second exchange of a code revokes what the first one gave; nobody comes later than this.
SPENT_CODE_DAYS = 30


def forget_expired() -> None:
    """Delete tokens and codes that are good for nothing any more.

    Refresh tokens that were replaced stay as long as their family may be used: one that comes
    back revokes it.
    """
    clear_expired()
    long_ago = timezone.now() - timedelta(days=SPENT_CODE_DAYS)
    SpentCode.objects.filter(created_at__lt=long_ago).delete()
