"""From a tree to a `Q` and an order, for one model and one viewer.

To-many associations are searched with EXISTS, never with a join of the outer query: a row is
found once, and a count is right. All positive conditions on one association that have to hold
together speak of the same associated row, as the joins that ransack shares between them do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_
from typing import Any

from django.db.models import Exists, F, Model, OrderBy, OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import In, IsNull

from .exceptions import InvalidSearch, quoted
from .kinds import Boolean, read_flag
from .predicates import PREDICATES, Predicate, Takes, matches
from .schema import Attribute, Reach, describe, resolve
from .tree import Combinator, Condition, Grouping, Sort

JOINS = {"and": and_, "or": or_}


@dataclass(frozen=True)
class Formula:
    """A `Q` over joins (a leaf), or formulas combined."""

    combinator: Combinator = "and"
    parts: tuple[Formula, ...] = ()
    leaf: Q | None = None
    scope: str = ""

    @cached_property
    def scopes(self) -> frozenset[str]:
        """The to-many associations whose joins it stands on."""
        own = {self.scope} if self.scope else set()
        return frozenset(own).union(*(part.scopes for part in self.parts))

    @property
    def joined(self) -> Q:
        """All of it over joins, as it stands within one EXISTS."""
        if self.leaf is not None:
            return self.leaf
        return reduce(JOINS[self.combinator], (part.joined for part in self.parts), Q())


@dataclass(frozen=True)
class Compiler:
    """Knows the model that is searched, and who searches it."""

    model: type[Model]
    viewer: Any
    using: str | None = None

    @property
    def rows(self) -> QuerySet[Any]:
        """The row that the outer query looks at, to be looked at over joins."""
        manager = self.model._base_manager.using(self.using)
        return manager.order_by().filter(pk=OuterRef("pk"))

    def q(self, grouping: Grouping) -> Q:
        """The condition that a row has to fulfil; raises InvalidSearch."""
        return self.closed(self.formula(grouping))

    def formula(self, grouping: Grouping) -> Formula:
        """A grouping as a formula."""
        parts = [self.condition(each) for each in grouping.conditions]
        parts += [self.formula(each) for each in grouping.groupings]
        return Formula(grouping.combinator, tuple(parts))

    def closed(self, formula: Formula) -> Q:
        """The formula with each to-many association within an EXISTS, as small as can be.

        "There is a row with A or B" is "there is one with A, or there is one with B". "With A and
        B" can be parted as well where A and B stand on different associations. What is parted
        this way never multiplies the rows of one association by those of another.
        """
        if not formula.scopes:
            return formula.joined
        if formula.leaf is not None:
            return Q(Exists(self.rows.filter(formula.leaf)))
        if formula.combinator == "or":
            bundles = [[part] for part in formula.parts]
        else:
            bundles = _bundled(formula.parts)
        join = JOINS[formula.combinator]
        return reduce(join, (self._closed_together(bundle) for bundle in bundles))

    def _closed_together(self, bundle: Sequence[Formula]) -> Q:
        if len(bundle) == 1:
            return self.closed(bundle[0])
        joined = reduce(and_, (part.joined for part in bundle))
        return Q(Exists(self.rows.filter(joined)))

    def condition(self, condition: Condition) -> Formula:
        """A condition as a formula with a leaf for each attribute; raises InvalidSearch."""
        parts = (self.leaf(condition, name) for name in condition.attributes)
        return Formula(condition.combinator, tuple(parts))

    def leaf(self, condition: Condition, name: str) -> Formula:
        """One attribute of a condition."""
        attribute = self.attribute(condition.parameter, name)
        predicate = PREDICATES[condition.predicate]
        values = _values(condition, predicate, name, attribute)
        found = predicate.q(attribute.kind, attribute.operand, values)
        # "Not null" over a to-many association asks for a row, as ransack does.
        asks_for_row = predicate.name == "not_null" and values[0]
        if attribute.reach.scope and predicate.negative and not asks_for_row:
            opposite = self.there(attribute) & ~found
            return Formula(leaf=~Q(Exists(self.rows.filter(opposite))))
        holds = self.there(attribute) & found
        if predicate.holds_for_null(values):
            holds |= self.absent(attribute)
        return Formula(leaf=holds, scope=attribute.reach.scope)

    def attribute(self, parameter: str, name: str) -> Attribute:
        """The attribute of this name; raises InvalidSearch where none is declared."""
        if (found := resolve(self.model, name)) is None:
            raise InvalidSearch(
                parameter, f"{quoted(name)} cannot be searched; these can: {describe(self.model)}"
            )
        return found

    def there(self, attribute: Attribute) -> Q:
        """The viewer may see the associated row, and it is there where a column cannot tell."""
        found = self.visible(attribute.reach)
        if attribute.computed and attribute.reach.path:
            found &= Q(IsNull(F(f"{attribute.reach.prefix}pk"), False))
        return found

    def visible(self, reach: Reach) -> Q:
        """The viewer may see all rows on the way, of those that are not for everyone."""
        return reduce(
            and_,
            (
                Q(In(F(f"{path}__pk"), visible(self.viewer).order_by().values("pk").query))
                for path, visible in reach.guards
            ),
            Q(),
        )

    def absent(self, attribute: Attribute) -> Q:
        """There is no associated row, as a LEFT JOIN finds it: then all its columns are NULL."""
        reach = attribute.reach
        absent = Q()
        if attribute.computed and reach.path:
            absent = self.visible(reach) & Q(IsNull(F(f"{reach.prefix}pk"), True))
        if reach.guards:
            absent |= ~Q(Exists(self.rows.filter(self.visible(reach))))
        return absent

    def order(self, sorts: Sequence[Sort]) -> list[OrderBy | str]:
        """What to order by, with the primary key last so that the order is total."""
        return [*(self._ordered(sort) for sort in sorts), "pk"]

    def _ordered(self, sort: Sort) -> OrderBy:
        """A to-many association sorts by its first value in that order, as joined rows would."""
        attribute = self.attribute(sort.parameter, sort.attribute)
        operand = attribute.operand
        order = OrderBy(operand, descending=sort.descending)
        if not attribute.reach.scope and not attribute.reach.guards:
            return order
        rows = self.rows.filter(self.there(attribute)).order_by(order)
        first = Subquery(rows.values(_first=operand)[:1])
        return OrderBy(first, descending=sort.descending)


def _values(
    condition: Condition, predicate: Predicate, name: str, attribute: Attribute
) -> list[Any]:
    """The values of a condition, read as what the attribute holds; raises InvalidSearch."""
    kind = attribute.kind
    if predicate.only and not isinstance(kind, predicate.only):
        problem = f"{predicate.name} is for attributes that hold {predicate.only.plural}"
        raise InvalidSearch(condition.parameter, f"{problem}, and {quoted(name)} does not")
    values = []
    flag = predicate.takes is Takes.FLAG
    for text in condition.values:
        try:
            values.append(read_flag(text) if flag else kind.read(text))
        except ValueError:
            shape = Boolean.shape if flag else kind.shape
            raise InvalidSearch(condition.parameter, f"{quoted(text)} is not {shape}") from None
        if predicate.build is matches and _ends_in_escape(text):
            raise InvalidSearch(
                condition.parameter, f"{quoted(text)} ends in \\, which escapes nothing"
            )
    return values


def _ends_in_escape(pattern: str) -> bool:
    """Whether a pattern of LIKE ends in a backslash that is not escaped itself: an error in SQL."""
    return (len(pattern) - len(pattern.rstrip("\\"))) % 2 == 1


def _bundled(parts: Sequence[Formula]) -> list[list[Formula]]:
    """The parts, bundled so that no two bundles stand on the same association."""
    bundles: list[list[Formula]] = []
    for part in parts:
        apart, together = [], [part]
        for bundle in bundles:
            if any(part.scopes & other.scopes for other in bundle):
                together = [*bundle, *together]
            else:
                apart.append(bundle)
        bundles = [*apart, together]
    return bundles
