"""Where the readings of a device are forwarded: a topic of our own broker that names its owner.

Nobody gives an address: who knows the owner's token reads the topic (contract: forwarding).
"""

from __future__ import annotations

import secrets

from django.contrib.auth import get_user_model

# Who may have readings forwarded; anyone may stop it for his devices.
ROLES = {"researcher", "admin"}


def topic(token: str, device_id: int) -> str:
    """Where the readings of a device are published."""
    return f"/forward/{token}/device/{device_id}/readings"


def provide(owner_id: int) -> None:
    """Give an owner the token and the name by which he reads what is forwarded, if he has none."""
    users = get_user_model()._default_manager
    users.filter(pk=owner_id, forwarding_token=None).update(
        forwarding_token=secrets.token_urlsafe(24), forwarding_username=secrets.token_urlsafe(12)
    )


def withdraw(owner_id: int) -> None:
    """Forget the token of an owner none of whose devices is forwarded any more.

    So a token that has become known is replaced by ending all forwarding and beginning it again.
    """
    users = get_user_model()._default_manager.filter(pk=owner_id)
    users.exclude(devices__enable_forwarding=True).update(
        forwarding_token=None, forwarding_username=None
    )


def token_of(owner_id: int) -> str:
    """The token of an owner, who has one from now on if he had none."""
    provide(owner_id)
    users = get_user_model()._default_manager
    return str(users.values_list("forwarding_token", flat=True).get(pk=owner_id))
