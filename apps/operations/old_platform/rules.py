"""How a row of an old table becomes one of ours, and what happens where it clashes.

A row that is here already, by id and uuid, stays as it is. What is wrong with a cell that can be
missed is noted and left out; what is wrong with one that cannot rejects the row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, models, transaction

from apps.devices.models import Device, Tag
from apps.kits.models import Kit
from apps.operations.old_platform.cells import Bad, time, unique_id
from apps.operations.old_platform.dumps import Row
from apps.sensors.models import Measurement, Sensor

Note = Callable[[str, str], None]
CATALOGUE = (Measurement, Sensor, Kit, Tag)


@dataclass(frozen=True, slots=True)
class Table:
    """One old table: its columns that have to be there, and how a row becomes a model of ours."""

    name: str
    model: type[models.Model]
    build: Callable[[Row, Note], Any]
    required: tuple[str, ...]
    # Where the old id says nothing, rows are known by what they join.
    by_id: bool = True
    # Fields that a model can miss: what is invalid there is left out.
    optional: frozenset[str] = frozenset()
    finish: Callable[[Row, Any], None] | None = None


class AlreadyHere(Exception):
    """A row without an id of its own that is here."""


def loose(read: Callable[[Row, str], Any], row: Row, column: str, note: Note) -> Any:
    """What a cell that can be missed says; None, and a note, where it cannot be read."""
    try:
        return read(row, column)
    except Bad as problem:
        note(column, f"{problem}: left out")
        return None


def times(row: Row) -> dict[str, datetime]:
    """When a row was made and last changed."""
    created_at = time(row, "created_at")
    return {"created_at": created_at, "updated_at": time(row, "updated_at") or created_at}


def is_here(row: Row, held: Any) -> bool:
    """Whether the row is `held`, which has its id; raises Bad where that is something else.

    In the catalogue, where names say what is what, the uuid of the old platform wins: it is the
    one that clients know.
    """
    if not hasattr(held, "uuid"):
        return True
    theirs = unique_id(row)
    if held.uuid == theirs:
        return True
    if isinstance(held, CATALOGUE) and held.name.casefold() == row["name"].casefold():
        type(held)._base_manager.filter(pk=held.pk).update(uuid=theirs)
        return True
    raise Bad("id", f"is taken here by another: {held}")


def admit(table: Table, row: Row, note: Note) -> None:
    """Add a row; raises Bad where it cannot be added."""
    new = table.build(row, note)
    try:
        new.full_clean()
    except ValidationError as error:
        for name, problems in error.message_dict.items():
            if name not in table.optional:
                column = "" if name == NON_FIELD_ERRORS else name
                raise Bad(column, " ".join(problems)) from None
            field = type(new)._meta.get_field(name)
            setattr(new, field.attname, None if field.null else field.get_default())
            note(name, f"{' '.join(problems)}: left out")
    if isinstance(new, Device):
        if new.latitude is None or new.longitude is None:  # one of them was left out
            new.latitude = new.longitude = None
        new.place()
    try:
        with transaction.atomic():
            # Raw: times stay as they were.
            new.save_base(raw=True, force_insert=True)
    except IntegrityError as error:
        raise Bad("", str(error.__cause__).splitlines()[0]) from None
    if table.finish:
        table.finish(row, new)
