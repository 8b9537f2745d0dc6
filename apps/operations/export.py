"""Everything the platform holds on a person, as a zip that is made while it is sent.

Nothing of it is ever whole in memory: a file is read from the database a few thousand rows at a
time, as the client takes it. Secrets (password, keys, tokens) are kept as hashes or are for showing
elsewhere, and are no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application
from zipstream import ZipStream

from apps.api.renderers import to_json
from apps.devices.models import Device, Experiment
from apps.devices.serializers import device_json
from apps.mail.models import Mail
from apps.readings import exports
from apps.readings.models import IngestError
from apps.users.models import User
from apps.users.oauth.serializers import application_json
from apps.users.serializers import user_json

Rows = Iterable[Any]
CHUNK = 2000
ABOUT = """What this platform holds on {username}, as of {now:%Y-%m-%dT%H:%M:%SZ}.

profile.json             your account
devices/ID/device.json   a device of yours, archived ones included
devices/ID/readings.csv  all its readings, oldest first: a column a sensor, and one for the raw
                         number that the kit sent; times are UTC
devices/ID/refused.json  what it sent that could not be stored, and why
experiments.json         experiments that you made
applications.json        OAuth applications that you registered
tokens.json              what may act for you, since when and until when
mails.json               which mails were sent to you
password_resets.json     when a new password was asked for
administration.json      what administrators changed of your account or your devices, and, where
                         you are one, what you changed

Passwords, keys and tokens are not in it.
"""


def archive(user: User) -> Iterator[bytes]:
    """The zip, piece by piece."""
    now = timezone.now()
    files = ZipStream(compress_type=ZIP_DEFLATED, compress_level=6)
    files.add(ABOUT.format(username=user.username, now=now), "about.txt")
    files.add(_profile(user, now), "profile.json")
    for name, rows in _LISTS.items():
        files.add(_array(rows(user)), f"{name}.json")
    for device_id in Device.objects.filter(owner=user).order_by("pk").values_list("pk", flat=True):
        files.add(_device(device_id, user, now), f"devices/{device_id}/device.json")
        files.add(exports.as_csv(device_id, raw=True), f"devices/{device_id}/readings.csv")
        files.add(_array(_refused(device_id)), f"devices/{device_id}/refused.json")
    yield from files


def _profile(user: User, now: datetime) -> bytes:
    """The account as its owner sees it, without its devices, and what is shown nowhere else."""
    shown = User.objects.for_detail(user).get(pk=user.pk)
    profile = user_json(shown, user, now, reveal_key=False)
    for name in ("devices", "legacy_api_key", "forwarding_token"):
        del profile[name]
    profile |= {"last_login": user.last_login, "archived_at": user.archived_at}
    return to_json(profile, pretty=True)


def _device(device_id: int, user: User, now: datetime) -> Iterator[bytes]:
    """A device as its owner sees it."""
    device = Device.objects.for_detail(user).filter(pk=device_id).first()
    if device is None:  # it was purged in this moment
        return
    shown = device_json(device, user, now)
    shown.pop("device_token", None)
    yield to_json(shown | {"archived_at": device.archived_at}, pretty=True)


def _refused(device_id: int) -> Rows:
    """What a device sent that could not be stored."""
    kept = IngestError.objects.filter(device=device_id).order_by("pk")
    return kept.values("created_at", "last_at", "count", "source", "reason", "payload").iterator(
        CHUNK
    )


def _experiments(user: User) -> Rows:
    """Experiments that the user made."""
    for made in Experiment.objects.filter(owner=user).order_by("pk").prefetch_related("devices"):
        yield {
            "id": made.pk,
            "name": made.name,
            "description": made.description,
            "is_test": made.is_test,
            "starts_at": made.starts_at,
            "ends_at": made.ends_at,
            "device_ids": sorted(device.pk for device in made.devices.all()),
            "created_at": made.created_at,
            "updated_at": made.updated_at,
        }


def _applications(user: User) -> Rows:
    """OAuth applications that the user registered."""
    mine = Application.objects.filter(user=user).select_related("chosen_scopes").order_by("pk")
    return (application_json(application) for application in mine)


def _tokens(user: User) -> Rows:
    """Access tokens by which something acts for the user; never the tokens themselves."""
    found = AccessToken.objects.filter(user=user).order_by("pk")
    yield from found.values("application__name", "scope", "created", "expires").iterator(CHUNK)


def _mails(user: User) -> Rows:
    """Mails to the user; what they said was forgotten when they were sent."""
    columns = ("recipient", "subject", "created_at", "sent_at", "failed_at")
    yield from Mail.objects.filter(user=user).order_by("pk").values(*columns).iterator(CHUNK)


def _resets(user: User) -> Rows:
    """When a new password was asked for."""
    return user.password_resets.order_by("pk").values("created_at", "expires_at", "used_at")


def _administration(user: User) -> Rows:
    """The audit log of the user's account and devices, and of what he did on the admin site."""
    devices = [str(pk) for pk in Device.objects.filter(owner=user).values_list("pk", flat=True)]
    types = ContentType.objects.get_for_models(User, Device)
    of_user = LogEntry.objects.filter(content_type=types[User], object_id=str(user.pk))
    of_devices = LogEntry.objects.filter(content_type=types[Device], object_id__in=devices)
    by_user = LogEntry.objects.filter(user=user)
    for entry in (of_user | of_devices | by_user).order_by("pk").iterator(CHUNK):
        yield {
            "at": entry.action_time,
            "of": entry.object_repr,
            "what": entry.get_change_message(),
            "by_you": entry.user_id == user.pk,
        }


_LISTS: dict[str, Callable[[User], Rows]] = {
    "experiments": _experiments,
    "applications": _applications,
    "tokens": _tokens,
    "mails": _mails,
    "password_resets": _resets,
    "administration": _administration,
}


def _array(rows: Rows) -> Iterator[bytes]:
    """A JSON array, one object a line."""
    before = b"[\n"
    for row in rows:
        yield before + to_json(row, pretty=False)
        before = b",\n"
    yield (b"[]\n" if before == b"[\n" else b"\n]\n")
