"""What may be searched: a declaration on each model, and the way from a name to a column.

A name leads to a column only where every step of its way is declared. A column that no
declaration lists cannot be reached, through whatever association.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import F, Field, Model, QuerySet
from django.db.models.expressions import Expression

from .kinds import Kind, Operand, kind_of
from .predicates import PREDICATES, detect

Visible = Callable[[Any], "QuerySet[Any]"]


@dataclass(frozen=True)
class Computed:
    """An attribute that is no column.

    `expression("")` builds it for the model itself, `expression("devices__")` as it is seen over
    an association: put the prefix before each column. It is built anew for each search, so that
    it may hold the present time. `output` is a field of what it yields, such as `CharField()`.
    """

    expression: Callable[[str], Expression]
    output: Field[Any, Any]


@dataclass(frozen=True)
class Ransackable:
    """Declares what of a model may be searched and sorted: its class attribute `ransackable`.

    `attributes` are public names that are columns too, `renamed` maps a public name to the
    column behind it, `computed` to an expression. `associations` maps a public name to a path of
    relations (`{"sensors": "devices__sensors"}`); what may be searched there is declared there.
    `visible(viewer)` are the rows that a viewer may see: wherever an association leads to this
    model, others are as if they were not there. The rows that the view itself lists are its own
    affair. Raises ImproperlyConfigured for names that the grammar of a search would tear apart.
    """

    attributes: tuple[str, ...] = ()
    renamed: Mapping[str, str] = field(default_factory=dict)
    computed: Mapping[str, Computed] = field(default_factory=dict)
    associations: Mapping[str, str] = field(default_factory=dict)
    visible: Visible | None = None

    def __post_init__(self) -> None:
        for name in (*self.attributes, *self.renamed, *self.computed, *self.associations):
            if "_or_" in f"_{name}_" or "_and_" in f"_{name}_":
                raise ImproperlyConfigured(f"ransack: {name} holds a word that joins attributes")
            if any(detect(f"{name}_{each}") != (name, each) for each in PREDICATES):
                raise ImproperlyConfigured(f"ransack: {name} ends like the start of a predicate")

    @property
    def names(self) -> list[str]:
        """The public names of all attributes, in the order of their declaration."""
        return [*self.attributes, *self.renamed, *self.computed]


@dataclass(frozen=True)
class Reach:
    """How far a name has led: the relations passed, as Django joins them with `__`.

    `scope` is the public name up to the first to-many association, empty where none was passed;
    `guards` are the paths on which only some rows may be seen; `models` have been passed.
    """

    path: str = ""
    scope: str = ""
    guards: tuple[tuple[str, Visible], ...] = ()
    models: tuple[type[Model], ...] = ()

    @property
    def prefix(self) -> str:
        """What stands before a column there."""
        return f"{self.path}__" if self.path else ""


@dataclass(frozen=True)
class Attribute:
    """A public name, resolved: what it holds and where it is."""

    kind: Kind
    operand: Operand
    reach: Reach
    computed: bool = False


def declaration(model: type[Model]) -> Ransackable | None:
    """What a model says of itself; None where it says nothing and so shows nothing."""
    found = getattr(model, "ransackable", None)
    return found if isinstance(found, Ransackable) else None


def resolve(model: type[Model], name: str) -> Attribute | None:
    """The attribute of `model` that goes by `name`, itself or over associations; None for none.

    As in ransack a model's own attribute comes first, then the association with the longest name.
    No name leads back to a model that it has passed, so that none leads in circles.
    """
    return _resolve(name, "", Reach(models=(model,)))


def _resolve(name: str, passed: str, reach: Reach) -> Attribute | None:
    model = reach.models[-1]
    if (declared := declaration(model)) is None:
        return None
    if (own := _own(declared, model, name, reach)) is not None:
        return own
    for association in sorted(declared.associations, key=len, reverse=True):
        rest = name.removeprefix(f"{association}_")
        if rest == name:
            continue
        public = f"{passed}{association}_"
        further = _further(reach, declared.associations[association], public)
        if further and (found := _resolve(rest, public, further)) is not None:
            return found
    return None


def _own(declared: Ransackable, model: type[Model], name: str, reach: Reach) -> Attribute | None:
    if computed := declared.computed.get(name):
        expression = computed.expression(reach.prefix)
        return Attribute(kind_of(computed.output), expression, reach, computed=True)
    column = name if name in declared.attributes else declared.renamed.get(name)
    if column is None:
        return None
    return Attribute(kind_of(_column(model, column)), F(f"{reach.prefix}{column}"), reach)


def _further(reach: Reach, path: str, public: str) -> Reach | None:
    """Where an association leads; None where that is back to a model passed before."""
    for step in path.split("__"):
        relation = reach.models[-1]._meta.get_field(step)
        model = relation.related_model
        if not isinstance(model, type) or model in reach.models:
            return None
        here = f"{reach.prefix}{step}"
        to_many = relation.one_to_many or relation.many_to_many
        declared = declaration(model)
        visible = declared.visible if declared else None
        reach = replace(
            reach,
            path=here,
            scope=reach.scope or (public if to_many else ""),
            guards=(*reach.guards, (here, visible)) if visible else reach.guards,
            models=(*reach.models, model),
        )
    return reach


def _column(model: type[Model], name: str) -> Field[Any, Any]:
    """A field of the model, by its name or its column (`owner_id`)."""
    for each in model._meta.concrete_fields:
        if name in {each.name, each.attname}:
            return each
    raise ImproperlyConfigured(f"ransack: {model.__name__} has no column {name}")


def describe(model: type[Model]) -> str:
    """What can be searched on a model, for messages: declared names alone, so it gives away none.

    Ends with the associations, each as the prefix that it is.
    """
    declared = declaration(model) or Ransackable()
    return ", ".join([*declared.names, *(f"{name}_…" for name in declared.associations)])


def problems(model: type[Model]) -> Iterator[str]:
    """What is wrong with the declaration of a model: columns and relations that are not there."""
    if (declared := declaration(model)) is None:
        return
    reach = Reach(models=(model,))
    for name in declared.names:
        try:
            _own(declared, model, name, reach)
        except (ImproperlyConfigured, TypeError) as error:
            yield f"{name}: {error}"
    for name, path in declared.associations.items():
        try:
            further = _further(reach, path, name)
        except FieldDoesNotExist as error:
            yield f"{name}: {error}"
            continue
        if further is None or declaration(further.models[-1]) is None:
            yield f"{name}: leads back to the model, or to one without a declaration"
