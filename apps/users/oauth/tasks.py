"""What the worker does for the provider by the clock."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from oauth2_provider.models import Grant, clear_expired

from apps.users.models import SpentCode

# A second exchange of a code revokes what the first one gave; nobody comes later than this.
SPENT_CODE_DAYS = 30


def forget_expired() -> None:
    """Delete tokens and codes that are good for nothing any more.

    Refresh tokens that were replaced stay as long as their family may be used: one that comes
    back revokes it.
    """
    clear_expired()
    now = timezone.now()
    Grant.objects.filter(expires__lt=now - timedelta(days=1)).delete()
    SpentCode.objects.filter(created_at__lt=now - timedelta(days=SPENT_CODE_DAYS)).delete()
