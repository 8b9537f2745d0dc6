"""What happens to applications: they are registered, changed, get a new secret and go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from oauth2_provider.generators import generate_client_secret
from oauth2_provider.models import Application
from oauth2_provider.settings import oauth2_settings

from apps.users.models import ApplicationScopes, User
from apps.users.oauth import allowed_scopes

# The grants that are offered: as RFC 7591 names them, and as the library stores them.
GRANTS = {
    "authorization_code": Application.GRANT_AUTHORIZATION_CODE,
    "implicit": Application.GRANT_IMPLICIT,
    "client_credentials": Application.GRANT_CLIENT_CREDENTIALS,
}
GRANT_NAMES = {stored: name for name, stored in GRANTS.items()}


def owned_by(user: User | AnonymousUser) -> Any:
    """The applications of a user, by id, with the scopes he chose for them; of nobody, none."""
    found = Application.objects.filter(user_id=user.pk or 0)
    return found.select_related("chosen_scopes").order_by("pk")


def scopes_of(application: Application) -> list[str]:
    """The scopes that an application may ask for; no query where `owned_by` fetched them."""
    chosen: ApplicationScopes | None = getattr(application, "chosen_scopes", None)
    return allowed_scopes.ordered(chosen.scopes.split()) if chosen else list(oauth2_settings.SCOPES)


def register(user: User, **values: Any) -> tuple[Application, str | None]:
    """Register an application; returns it with its secret, which nobody sees again.

    `values` are those of `inputs.ApplicationInput`, validated. A public application has no secret:
    whoever has the app could read it. The library stores one for it all the same, that nobody
    knows, since it would take an empty one for right.
    """
    with transaction.atomic():
        secret = generate_client_secret()
        application = Application(user=user, client_secret=secret)
        change(application, **values)
    return application, secret if is_confidential(application) else None


@transaction.atomic
def change(application: Application, scopes: Iterable[str] | None = None, **values: Any) -> None:
    """Change an application; `values` are fields of the model, `scopes` the ones it may ask for.

    What was granted already stays as it was granted, until it expires or is revoked.
    """
    for name, value in values.items():
        setattr(application, name, value)
    # Only what was said is written: a secret that was rotated at the same moment stays.
    application.save(update_fields=[*values, "updated"] if application.pk else None)
    if scopes is not None:
        chosen, _ = ApplicationScopes.objects.update_or_create(
            application=application, defaults={"scopes": " ".join(scopes)}
        )
        application.chosen_scopes = chosen


def rotate_secret(application: Application) -> str:
    """Give a confidential application a new secret and return it; the old one ends at once."""
    secret: str = generate_client_secret()
    application.client_secret = secret
    application.save(update_fields=["client_secret", "updated"])
    return secret


def is_confidential(application: Application) -> bool:
    """Whether an application keeps a secret (RFC 6749, 2.1)."""
    return bool(application.client_type == Application.CLIENT_CONFIDENTIAL)
